"""Connections to other providers, and imports from them."""

from __future__ import annotations

from scenarios.setup import FILES, REDIRECT_URI, Harness, ids, scenario


async def create_import(harness: Harness, connection: str) -> str:
    return (await harness.client.imports.import_files(connection, items=[*FILES])).id


@scenario("data_connectors.list_connections")
async def list_connections(harness: Harness) -> None:
    created = await harness.create_connection()
    assert ids(await harness.run(harness.client.data_connectors.list_connections())) == [created]


@scenario("data_connectors.retrieve_connection")
async def retrieve_connection(harness: Harness) -> None:
    created = await harness.create_connection()
    found = await harness.run(harness.client.data_connectors.retrieve_connection(created))
    assert (found.id, found.status, found.custom_id) == (created, "active", "me")


@scenario("data_connectors.delete_connection", Connection=-1)
async def delete_connection(harness: Harness) -> None:
    await harness.run(harness.client.data_connectors.delete_connection(await harness.create_connection()))
    assert len(await harness.client.data_connectors.list_connections()) == 0


@scenario("data_connectors.create_connection_picker_token")
async def create_picker_token(harness: Harness) -> None:
    created = await harness.create_connection()
    assert (await harness.run(harness.client.data_connectors.create_connection_picker_token(created))).access_token


@scenario("data_connectors.authorize_connection")
async def authorize(harness: Harness) -> None:
    await harness.client.data_connectors.create_redirect_uri(redirect_uri=REDIRECT_URI)
    authorization = await harness.run(
        harness.client.data_connectors.authorize_connection(
            provider="google_drive", redirect_uri=REDIRECT_URI, custom_id="me"
        )
    )
    assert authorization.authorize_url.startswith("https://")
    assert authorization.state


@scenario("data_connectors.list_redirect_uris")
async def list_redirect_uris(harness: Harness) -> None:
    created = await harness.client.data_connectors.create_redirect_uri(redirect_uri=REDIRECT_URI)
    page = await harness.run(harness.client.data_connectors.list_redirect_uris())
    assert page.items == (created,)


@scenario("data_connectors.create_redirect_uri", RedirectUri=1)
async def create_redirect_uri(harness: Harness) -> None:
    created = await harness.run(harness.client.data_connectors.create_redirect_uri(redirect_uri=REDIRECT_URI))
    assert created.redirect_uri == REDIRECT_URI
    assert ids(await harness.client.data_connectors.list_redirect_uris()) == [created.id]


@scenario("data_connectors.delete_redirect_uri", RedirectUri=-1)
async def delete_redirect_uri(harness: Harness) -> None:
    created = await harness.client.data_connectors.create_redirect_uri(redirect_uri=REDIRECT_URI)
    await harness.run(harness.client.data_connectors.delete_redirect_uri(created.id))
    assert len(await harness.client.data_connectors.list_redirect_uris()) == 0


@scenario("imports.list_imports")
async def list_imports(harness: Harness) -> None:
    connection = await harness.create_connection()
    created = await create_import(harness, connection)
    page = await harness.run(harness.client.imports.list_imports(connection))
    assert [(found.id, found.item_count) for found in page] == [(created, len(FILES))]


@scenario("imports.import_files", Import=1, Asset=2)
async def import_files(harness: Harness) -> None:
    connection = await harness.create_connection()
    created = await harness.run(harness.client.imports.import_files(connection, items=[*FILES]))
    assert not created.has_failures
    assert {item.asset_id for item in created.items} == {*ids(await harness.client.assets.list())}


@scenario("imports.retrieve_import")
async def retrieve_import(harness: Harness) -> None:
    connection = await harness.create_connection()
    created = await create_import(harness, connection)
    found = await harness.run(harness.client.imports.retrieve_import(connection, created))
    assert [item.source_id for item in found.items] == [*FILES]
    assert found.status == "ready"
