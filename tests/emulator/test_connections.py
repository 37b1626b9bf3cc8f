"""Connected accounts and imports from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from twelvelabs_async.emulator import Emulator, RemoteFile, samples
from twelvelabs_async.emulator._errors import ApiError

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
Advance = Callable[[float], None]
Fetch = Callable[..., Awaitable[tuple[int, Any]]]

URIS = "/connections/redirect-uris"
REDIRECT_URI = "https://example.com/back"
FILES: dict[str, RemoteFile | str] = {
    "film": RemoteFile(filename="film.mp4", content=samples.video(20)),
    "song": "song.mp3",
    "lost": RemoteFile(filename="lost.mp4", fetch_error="source_unavailable"),
    "secret": RemoteFile(filename="secret.mp4", fetch_error="source_not_authorized"),
    "notes": "notes.pdf",
    "long": RemoteFile(filename="long.mp4", size=(10 << 30) + 1),
    "loud": RemoteFile(filename="loud.wav", size=(4 << 30) + 1),
    "wide": RemoteFile(filename="wide.png", size=(32 << 20) + 1),
    "slow": RemoteFile(filename="slow.mp4", size=1 << 20, failures=1),
}


@pytest.fixture
def path(emulator: Emulator) -> str:
    return f"/connections/{emulator.connect(files=FILES, custom_id='me').id}"


@pytest.fixture
def import_files(call: SendRequest, path: str) -> Fetch:
    async def send(*sources: str, connection: str = path) -> tuple[int, Any]:
        return await call(
            "POST", f"{connection}/imports", json={"items": [{"source_id": source} for source in sources]}
        )

    return send


async def test_a_redirect_uri_is_created_listed_and_deleted(call: SendRequest) -> None:
    status, created = await call("POST", URIS, json={"redirect_uri": REDIRECT_URI})
    assert (status, created["redirect_uri"]) == (201, REDIRECT_URI)
    status, body = await call("POST", URIS, json={"redirect_uri": REDIRECT_URI})
    assert (status, body["code"]) == (409, "redirect_uri_already_exists")
    _, second = await call("POST", URIS, json={"redirect_uri": REDIRECT_URI + "/2"})
    _, listed = await call("GET", URIS)
    assert listed["data"] == [second, created]
    assert (await call("DELETE", f"{URIS}/{created['_id']}"))[0] == 204
    assert (await call("DELETE", f"{URIS}/{created['_id']}"))[0] == 404
    assert (await call("POST", URIS, json={}))[0] == 400


@pytest.mark.parametrize(
    "uri",
    [
        "http://example.com/back",
        "https://*.example.com/back",
        "https://localhost/back",
        "https://127.0.0.1/back",
        "https://host.local/back",
        "https://[::1",
        "back",
    ],
)
async def test_invalid_redirect_uris_are_rejected(call: SendRequest, uri: str) -> None:
    status, body = await call("POST", URIS, json={"redirect_uri": uri})
    assert (status, body["code"]) == (422, "redirect_uri_invalid")


async def test_the_number_of_redirect_uris_is_limited(call: SendRequest) -> None:
    statuses = [(await call("POST", URIS, json={"redirect_uri": f"{REDIRECT_URI}/{n}"}))[0] for n in range(20)]
    assert set(statuses) == {201}
    status, body = await call("POST", URIS, json={"redirect_uri": REDIRECT_URI})
    assert (status, body["code"]) == (422, "redirect_uri_limit_exceeded")


async def test_an_authorization_url_is_returned(call: SendRequest) -> None:
    request_body: dict[str, Any] = {"provider": "google_drive", "redirect_uri": REDIRECT_URI, "custom_id": "me"}
    assert (await call("POST", "/connections:authorize", json=request_body))[0] == 200
    await call("POST", URIS, json={"redirect_uri": f"{REDIRECT_URI}/other"})
    status, body = await call("POST", "/connections:authorize", json=request_body)
    assert (status, body["code"]) == (422, "redirect_uri_invalid")
    await call("POST", URIS, json={"redirect_uri": REDIRECT_URI})
    status, body = await call("POST", "/connections:authorize", json=request_body)
    query = parse_qs(urlsplit(str(body["authorize_url"])).query)
    assert (status, query["state"], query["redirect_uri"]) == (200, [body["state"]], [REDIRECT_URI])
    assert (await call("POST", "/connections:authorize", json=request_body))[1]["state"] != body["state"]
    assert (await call("POST", "/connections:authorize", json=request_body | {"provider": "other"}))[0] == 400
    assert (await call("POST", "/connections:authorize", json={"provider": "google_drive"}))[0] == 400


async def test_a_connection_is_retrieved_and_deleted(
    call: SendRequest, path: str, emulator: Emulator, advance: Advance
) -> None:
    _, created = await call("GET", path)
    assert (created["provider"], created["status"], created["custom_id"]) == ("google_drive", "active", "me")
    assert created["account"].keys() == {"external_id", "display_name"}
    assert "last_used_at" not in created
    advance(1)
    status, token = await call("POST", path + "/picker-token")
    assert (status, token["expires_in"], token["scope"]) == (200, 3600, " ".join(created["scopes"]))
    assert token["access_token"] != (await call("POST", path + "/picker-token"))[1]["access_token"]
    assert (await call("GET", path))[1]["last_used_at"] > created["connected_at"]
    second = emulator.connect()
    _, listed = await call("GET", "/connections")
    assert [entry["_id"] for entry in listed["data"]] == [second.id, created["_id"]]
    assert (await call("DELETE", path))[0] == 204
    for method, subpath in (("GET", ""), ("DELETE", ""), ("POST", "/picker-token"), ("GET", "/imports")):
        assert (await call(method, path + subpath))[0] == 404
    with pytest.raises(ApiError):
        emulator.connect(provider="other")


async def test_an_expired_connection_has_no_access_token(call: SendRequest, emulator: Emulator) -> None:
    connection = emulator.connect(files=FILES, status="expired")
    path = f"/connections/{connection.id}"
    for subpath in ("/picker-token", "/imports"):
        status, body = await call("POST", path + subpath, json={"items": [{"source_id": "film"}]})
        assert (status, body["code"]) == (409, "connection_not_active")
    connection.status = "active"
    assert (await call("POST", path + "/picker-token"))[0] == 200


async def test_imported_files_become_assets(
    call: SendRequest, import_files: Fetch, path: str, advance: Advance
) -> None:
    status, created = await import_files("song", "film")
    assert (status, created["has_failures"]) == (202, False)
    assert [(item["source_id"], item["action"], item["status"]) for item in created["items"]] == [
        ("song", "created", "processing"),
        ("film", "created", "processing"),
    ]
    film = created["items"][1]["asset_id"]
    advance(10)
    _, asset = await call("GET", f"/assets/{film}")
    assert (asset["method"], asset["filename"], asset["duration"]) == ("connector", "film.mp4", 20)
    import_path = f"{path}/imports/{created['_id']}"
    _, retrieved = await call("GET", import_path)
    assert [item["status"] for item in retrieved["items"]] == ["ready", "ready"]
    assert (retrieved["item_count"], retrieved["custom_id"], retrieved["provider"]) == (2, "me", "google_drive")
    await call("DELETE", f"/assets/{film}")
    _, retrieved = await call("GET", import_path)
    assert (retrieved["item_count"], [item["source_id"] for item in retrieved["items"]]) == (2, ["song"])
    _, listed = await call("GET", f"{path}/imports")
    assert [(entry["_id"], "items" in entry) for entry in listed["data"]] == [(created["_id"], False)]
    assert (await call("GET", f"{path}/imports/{'0' * 24}"))[0] == 404


async def test_a_file_is_imported_once(
    call: SendRequest, import_files: Fetch, emulator: Emulator, advance: Advance
) -> None:
    (first,) = (await import_files("film"))[1]["items"]
    same_account = f"/connections/{emulator.connect(files=FILES).id}"
    other_account = f"/connections/{emulator.connect(files=FILES, account='else@example.com').id}"
    (repeated,) = (await import_files("film", connection=same_account))[1]["items"]
    assert (repeated["action"], repeated["asset_id"]) == ("skipped", first["asset_id"]), (
        "both connections are of the same account"
    )
    (new,) = (await import_files("film", connection=other_account))[1]["items"]
    assert (new["action"], new["asset_id"] != first["asset_id"]) == ("created", True)
    advance(10)
    await call("DELETE", f"/assets/{first['asset_id']}")
    assert (await import_files("film"))[1]["items"][0]["action"] == "created"


async def test_files_that_cannot_be_imported_are_rejected(call: SendRequest, import_files: Fetch, path: str) -> None:
    status, created = await import_files("lost", "film", "secret", "notes", "long", "loud", "wide", "unheard of")
    assert (status, created["has_failures"]) == (202, True)
    assert [item.get("error", {}).get("code") for item in created["items"]] == [
        "source_unavailable",
        None,
        "source_not_authorized",
        "unsupported_media_type",
        "video_filesize_too_large",
        "audio_filesize_too_large",
        "media_filesize_too_large",
        "source_unavailable",
    ]
    rejected = created["items"][0]
    assert rejected.keys() == {"source_id", "action", "error"}
    assert (await call("GET", f"{path}/imports/{created['_id']}"))[1]["items"] == created["items"]


async def test_a_failed_import_can_be_retried(
    call: SendRequest, import_files: Fetch, path: str, advance: Advance
) -> None:
    _, created = await import_files("slow")
    (item,) = created["items"]
    advance(10)
    import_path = f"{path}/imports/{created['_id']}"
    assert (await call("GET", import_path))[1]["items"][0]["status"] == "failed"
    (repeated,) = (await import_files("slow"))[1]["items"]
    assert (repeated["action"], repeated["asset_id"], repeated["status"]) == ("retried", item["asset_id"], "processing")
    advance(10)
    assert (await call("GET", f"/assets/{item['asset_id']}"))[1]["status"] == "ready"
    _, retrieved = await call("GET", import_path)
    assert [(entry["action"], entry["status"]) for entry in retrieved["items"]] == [("created", "ready")]


async def test_an_import_has_one_to_a_hundred_files(call: SendRequest, import_files: Fetch, path: str) -> None:
    assert (await import_files(*map(str, range(100))))[0] == 202
    for source_ids in (map(str, range(101)), (), ("film", "film"), ("",)):
        assert (await import_files(*source_ids))[0] == 400
    for items in (None, ["film"], [{"source_id": None}]):
        assert (await call("POST", f"{path}/imports", json={"items": items}))[0] == 400
