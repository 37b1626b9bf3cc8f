"""Connections to other providers, and imports from them."""

from __future__ import annotations

from scenes.stage import BACK, FILES, Stage, ids, scene


async def imported(stage: Stage, connection: str) -> str:
    return (await stage.client.imports.import_files(connection, items=[*FILES])).id


@scene("data_connectors.list_connections")
async def list_connections(stage: Stage) -> None:
    made = await stage.connection()
    assert ids(await stage.act(stage.client.data_connectors.list_connections())) == [made]


@scene("data_connectors.retrieve_connection")
async def retrieve_connection(stage: Stage) -> None:
    made = await stage.connection()
    found = await stage.act(stage.client.data_connectors.retrieve_connection(made))
    assert (found.id, found.status, found.custom_id) == (made, "active", "me")


@scene("data_connectors.delete_connection", Connection=-1)
async def delete_connection(stage: Stage) -> None:
    await stage.act(stage.client.data_connectors.delete_connection(await stage.connection()))
    assert len(await stage.client.data_connectors.list_connections()) == 0


@scene("data_connectors.create_connection_picker_token")
async def create_picker_token(stage: Stage) -> None:
    made = await stage.connection()
    assert (await stage.act(stage.client.data_connectors.create_connection_picker_token(made))).access_token


@scene("data_connectors.authorize_connection")
async def authorize(stage: Stage) -> None:
    await stage.client.data_connectors.create_redirect_uri(redirect_uri=BACK)
    begun = await stage.act(
        stage.client.data_connectors.authorize_connection(provider="google_drive", redirect_uri=BACK, custom_id="me")
    )
    assert begun.authorize_url.startswith("https://")
    assert begun.state


@scene("data_connectors.list_redirect_uris")
async def list_redirect_uris(stage: Stage) -> None:
    made = await stage.client.data_connectors.create_redirect_uri(redirect_uri=BACK)
    page = await stage.act(stage.client.data_connectors.list_redirect_uris())
    assert page.items == (made,)


@scene("data_connectors.create_redirect_uri", RedirectUri=1)
async def create_redirect_uri(stage: Stage) -> None:
    made = await stage.act(stage.client.data_connectors.create_redirect_uri(redirect_uri=BACK))
    assert made.redirect_uri == BACK
    assert ids(await stage.client.data_connectors.list_redirect_uris()) == [made.id]


@scene("data_connectors.delete_redirect_uri", RedirectUri=-1)
async def delete_redirect_uri(stage: Stage) -> None:
    made = await stage.client.data_connectors.create_redirect_uri(redirect_uri=BACK)
    await stage.act(stage.client.data_connectors.delete_redirect_uri(made.id))
    assert len(await stage.client.data_connectors.list_redirect_uris()) == 0


@scene("imports.list_imports")
async def list_imports(stage: Stage) -> None:
    connection = await stage.connection()
    made = await imported(stage, connection)
    page = await stage.act(stage.client.imports.list_imports(connection))
    assert [(found.id, found.item_count) for found in page] == [(made, len(FILES))]


@scene("imports.import_files", Import=1, Asset=2)
async def import_files(stage: Stage) -> None:
    connection = await stage.connection()
    made = await stage.act(stage.client.imports.import_files(connection, items=[*FILES]))
    assert not made.has_failures
    assert {item.asset_id for item in made.items} == {*ids(await stage.client.assets.list())}


@scene("imports.retrieve_import")
async def retrieve_import(stage: Stage) -> None:
    connection = await stage.connection()
    made = await imported(stage, connection)
    found = await stage.act(stage.client.imports.retrieve_import(connection, made))
    assert [item.source_id for item in found.items] == [*FILES]
    assert found.status == "ready"
