"""Somebody watches the emulator in a browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from browser import chromium
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from typing_extensions import override

import twelvelabs_async
from twelvelabs_async.emulator import Emulator, Plan, ThreadedEmulator, Timing, Window, pictures, samples
from twelvelabs_async.emulator.visitors import refusal

Call = Callable[..., Awaitable[tuple[int, Any]]]
Make = Callable[..., Awaitable[str]]
Get = Callable[..., Awaitable[tuple[aiohttp.ClientResponse, str]]]

CLIP = Path(twelvelabs_async.__file__).parent / "cli" / "clips" / "sailing-boat-at-sunset.mp4"
HOSTILE = "<img src=x onerror=document.title='taken'>\"'&.mp4"
PATIENCE = 40


@pytest.fixture
def get(emulator: Emulator) -> Get:
    """Ask for something below `/_emulator`, without a key."""

    async def fetch(path: str, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
        origin = emulator.base_url.removesuffix("/v1.3")
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{origin}/_emulator{path}", headers=given) as response,
        ):
            return response, await response.text()

    return fetch


class References(HTMLParser):
    """Collects what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.inline = 0

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found |= {str(given[name]) for name in ("src", "href") if name in given}
        self.inline += "style" in given or (tag == "script" and "src" not in given) or tag == "style"


async def test_the_page_loads_nothing_from_elsewhere(get: Get) -> None:
    response, page = await get("")
    assert str(response.url).endswith("/_emulator/")
    seen = References()
    seen.feed(page)
    assert seen.found == {"data:,", "panel.css", "panel.js"}
    assert seen.inline == 0
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    for name in ("panel.css", "panel.js"):
        response, content = await get(f"/{name}")
        assert response.status == 200
        assert "//" not in content.replace(SVG, "").replace("// ", "")
        assert "innerHTML" not in content
    assert (await get("/panel.html"))[0].status == 404
    assert (await get("/..%2f__init__.py"))[0].status == 404


SVG = "http://www.w3.org/2000/svg"


async def test_the_overview_tells_a_little_of_everything(
    emulator: Emulator, get: Get, call: Call, make_index: Make, make_asset: Make, advance: Callable[[float], None]
) -> None:
    emulator.plan = Plan(default=Window(20))
    emulator.describe("clip.mp4", [(0, 5, "a red car")])
    index = await make_index("films")
    assets = [await make_asset(name) for name in ("clip.mp4", HOSTILE)]
    advance(10)
    await call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": assets[0]})
    emulator.faults.add("GET /indexes", status=503, headers={"Retry-After": "1"}, times=2)
    await call("GET", "/indexes")
    view = json.loads((await get("/overview"))[1])
    assert view["counts"] == {"indexes": 1, "assets": 2, "work": 1, "requests": 5, "refused": 0, "faults": 1}
    assert view["work"][0] == {"kind": "indexing", "name": "clip.mp4", "status": "pending", "steps": 3, "step": 0}
    assert [(asset["name"], asset["scenes"]) for asset in view["assets"]] == [(HOSTILE, 0), ("clip.mp4", 1)]
    assert view["indexes"] == [{"name": "films", "videos": 1, "models": "marengo3.0: visual and audio"}]
    assert [(one["name"], one["used"], one["limit"]) for one in view["limits"]] == [
        ("other per minute", 1, 20),
        ("upload per minute", 2, 20),
        ("index per minute", 1, 20),
    ]
    (fault,) = view["faults"]
    assert (fault["words"], fault["count"]) == ("status 503, headers Retry-After: 1", "1 of 2")
    assert [(one["method"], one["status"]) for one in view["requests"][:2]] == [("GET", 503), ("POST", 202)]
    assert emulator.api_key not in json.dumps(view).split('"')


async def test_an_upload_in_parts_is_seen_growing(
    get: Get, call: Call, send: Callable[..., Awaitable[list[Any]]], upload: dict[str, Any]
) -> None:
    report = await send(upload, 1, 2)
    await call("POST", f"/assets/multipart-uploads/{upload['upload_id']}", json={"completed_chunks": report})
    (job,) = json.loads((await get("/overview"))[1])["work"]
    assert job == {"kind": "upload", "name": "f.mp4", "status": "active", "steps": 3, "step": 2}


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Host": "127.0.0.1:80"}, True),
        ({"Host": "localhost"}, True),
        ({"Host": "[::1]:80"}, True),
        ({"Host": "emulator.test:80"}, True),
        ({"Host": "evil.example"}, False),
        ({}, False),
        ({"Host": "127.0.0.1:80", "Origin": "http://127.0.0.1:80"}, True),
        ({"Host": "127.0.0.1:80", "Origin": "http://127.0.0.1:81"}, False),
        ({"Host": "127.0.0.1:80", "Origin": "https://evil.example"}, False),
        ({"Host": "127.0.0.1:80", "Origin": "null"}, False),
        ({"Host": "127.0.0.1:80", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Host": "127.0.0.1:80", "Sec-Fetch-Site": "same-origin"}, True),
    ],
)
def test_pages_of_others_are_kept_out(headers: dict[str, str], allowed: bool) -> None:  # noqa: FBT001
    assert (refusal(headers, ("emulator.test",)) is None) is allowed


async def test_a_borrowed_name_opens_no_door(get: Get) -> None:
    response, told = await get("/state", Host="evil.example")
    assert response.status == 403
    assert "evil.example" in told
    assert (await get("/", Host="evil.example"))[0].status == 403
    assert (await get("/overview", Origin="https://evil.example"))[0].status == 403


async def test_a_video_has_a_thumbnail_for_people_and_for_programs(
    emulator: Emulator, get: Get, call: Call, make_asset: Make, advance: Callable[[float], None]
) -> None:
    shown = await make_asset("sailing.mp4", CLIP.read_bytes())
    await make_asset("poster.png", samples.image())
    empty = await make_asset("no-picture-in-it.mp4")
    advance(10)
    view = json.loads((await get("/overview"))[1])
    assert [bool(asset["picture"]) for asset in view["assets"]] == [False, True, True]
    _, asset = await call("GET", f"/assets/{shown}")
    page = emulator.page_url
    async with aiohttp.ClientSession() as anybody:
        for url in (asset["thumbnail"]["representative_url"], f"{page}{view['assets'][-1]['picture']}"):
            async with anybody.get(url) as response:
                assert (response.status, response.content_type) == (200, "image/jpeg")
                assert (await response.read()).startswith(b"\xff\xd8\xff")
        for url in (f"{emulator.storage_url}/derived/{empty}/thumbnail.jpg", f"{page}pictures/{empty}"):
            async with anybody.get(url) as response:
                assert response.status == 404


async def test_thumbnails_come_back_with_the_files(
    serve: Callable[..., Awaitable[Emulator]], tmp_path: Path, form: Callable[..., aiohttp.FormData]
) -> None:
    for _ in range(2):
        emulator = await serve(data=tmp_path)
        if not emulator.state.assets:
            data = form("sailing.mp4", method="direct", file=CLIP.read_bytes())
            async with aiohttp.ClientSession(headers={"x-api-key": emulator.api_key}) as session:
                assert (await session.post(f"{emulator.base_url}/assets", data=data)).status == 201
        (asset,) = emulator.state.assets.values()
        assert emulator.world.has_picture(asset)
        assert (await emulator.world.picture(asset) or b"").startswith(b"\xff\xd8\xff")
        await emulator.stop()


async def test_only_the_latest_thumbnails_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST", 2)
    known = pictures.Pictures()
    for digest in "abc":
        await known.take(CLIP, digest)
    assert [known.of(digest) is None for digest in "abc"] == [True, False, False]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    with chromium(tmp_path) as opened:
        yield opened


class Seen:
    """The page in a browser."""

    def __init__(self, browser: Chrome) -> None:
        self._browser = browser

    def text(self, place: str) -> str:
        return self._browser.find_element(By.ID, place).text

    def press(self, selector: str) -> None:
        self._browser.find_element(By.CSS_SELECTOR, selector).click()

    def until(self, holds: Callable[[], bool]) -> None:
        WebDriverWait(self._browser, PATIENCE, 0.05).until(lambda _: holds())


@pytest.mark.timeout(180)
def test_a_browser_shows_what_happens_while_it_happens(browser: Chrome) -> None:
    with ThreadedEmulator(plan="free", timing=Timing(asset=600, indexing=600)) as emulator:
        browser.get(emulator.page_url)
        seen = Seen(browser)
        seen.until(lambda: seen.text("live") == "live")
        assert emulator.base_url in seen.text("assets")
        emulator.faults.add("POST /search", status=503)
        asyncio.run(upload_hostile(emulator))
        seen.until(lambda: HOSTILE in seen.text("assets"))
        assert "processing" in seen.text("work")
        assert "upload per minute" in seen.text("limits")
        assert "POST /search" in seen.text("faults")
        assert "/v1.3/assets" in seen.text("requests")
        seen.press("#advance select option[value='3600']")
        seen.press("#advance button")
        seen.until(lambda: "ready" in seen.text("work"))
        seen.press("#reset")
        assert len(emulator.state.assets) == 1
        seen.press("#reset")
        seen.until(lambda: "Nothing has been uploaded" in seen.text("assets"))
        assert not emulator.state.assets
        assert browser.title == "Emulator"
        assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]  # as selenium has it
        emulator.stop()
        seen.until(lambda: "does not answer" in seen.text("trouble"))


async def upload_hostile(emulator: ThreadedEmulator) -> None:
    """A name of a file that would like to be a script, and an index of that name."""
    async with aiohttp.ClientSession(headers={"x-api-key": emulator.api_key}) as session:
        form = aiohttp.FormData({"method": "direct", "filename": HOSTILE})
        form.add_field("file", samples.video(12), filename="x.mp4")
        models = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
        index = {"index_name": HOSTILE, "models": models}
        sendings: list[tuple[str, dict[str, Any]]] = [("assets", {"data": form}), ("indexes", {"json": index})]
        for path, sent in sendings:
            async with session.post(f"{emulator.base_url}/{path}", **sent) as response:
                assert response.status == 201
