"""The dashboard shows the state of the emulator in a browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
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

from twelvelabs_async.emulator import Emulator, Plan, ThreadedEmulator, Timing, Window, samples
from twelvelabs_async.emulator._admin.api import site_rejection
from twelvelabs_async.emulator._media import inspection

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Get = Callable[..., Awaitable[tuple[aiohttp.ClientResponse, str]]]

CLIP = Path(__file__).parent.parent / "data" / "media" / "bars.mp4"
HOSTILE = "<img src=x onerror=document.title='taken'>\"'&.mp4"
TIMEOUT = 40


@pytest.fixture
def get(emulator: Emulator) -> Get:
    """Send a request below `/_emulator`, without an API key."""

    async def fetch(path: str, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
        origin = emulator.base_url.removesuffix("/v1.3")
        header_fields = {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{origin}/_emulator{path}", headers=header_fields) as response,
        ):
            return response, await response.text()

    return fetch


class References(HTMLParser):
    """Collects the files that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.inline = 0

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.found |= {str(attributes[name]) for name in ("src", "href") if name in attributes}
        self.inline += "style" in attributes or (tag == "script" and "src" not in attributes) or tag == "style"


async def test_the_page_loads_nothing_from_other_origins(get: Get) -> None:
    response, page = await get("")
    assert str(response.url).endswith("/_emulator/")
    references = References()
    references.feed(page)
    assert references.found == {"data:,", "panel.css", "panel.js"}
    assert references.inline == 0
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    for name in ("panel.css", "panel.js"):
        response, content = await get(f"/{name}")
        assert response.status == 200
        assert "//" not in content.replace(SVG, "").replace("// ", "")
        assert "innerHTML" not in content
    assert (await get("/panel.html"))[0].status == 404
    assert (await get("/..%2f__init__.py"))[0].status == 404


SVG = "http://www.w3.org/2000/svg"


async def test_the_overview_shows_every_kind_of_object(
    emulator: Emulator,
    get: Get,
    call: SendRequest,
    make_index: CreateResource,
    make_asset: CreateResource,
    advance: Callable[[float], None],
) -> None:
    emulator.plan = Plan(default=Window(20))
    emulator.describe("clip.mp4", [(0, 5, "a red car")])
    index = await make_index("films")
    assets = [await make_asset(name) for name in ("clip.mp4", HOSTILE)]
    advance(10)
    await call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": assets[0]})
    emulator.faults.add("GET /indexes", status=503, headers={"Retry-After": "1"}, times=2)
    await call("GET", "/indexes")
    overview = json.loads((await get("/overview"))[1])
    assert overview["counts"] == {"indexes": 1, "assets": 2, "work": 1, "requests": 5, "refused": 0, "faults": 1}
    assert overview["work"][0] == {"kind": "indexing", "name": "clip.mp4", "status": "pending", "steps": 3, "step": 0}
    assert [(asset["name"], asset["scenes"]) for asset in overview["assets"]] == [(HOSTILE, 0), ("clip.mp4", 1)]
    assert overview["indexes"] == [{"name": "films", "videos": 1, "models": "marengo3.0: visual and audio"}]
    assert [(limit["name"], limit["used"], limit["limit"]) for limit in overview["limits"]] == [
        ("other per minute", 1, 20),
        ("upload per minute", 2, 20),
        ("index per minute", 1, 20),
    ]
    (fault,) = overview["faults"]
    assert (fault["words"], fault["count"]) == ("status 503, headers Retry-After: 1", "1 of 2")
    assert [(request["method"], request["status"]) for request in overview["requests"][:2]] == [
        ("GET", 503),
        ("POST", 202),
    ]
    assert emulator.api_key not in json.dumps(overview).split('"')


async def test_the_progress_of_an_upload_is_shown(
    get: Get, call: SendRequest, send: Callable[..., Awaitable[list[Any]]], upload: dict[str, Any]
) -> None:
    report = await send(upload, 1, 2)
    await call("POST", f"/assets/multipart-uploads/{upload['upload_id']}", json={"completed_chunks": report})
    (job,) = json.loads((await get("/overview"))[1])["work"]
    assert job == {"kind": "upload", "name": "f.mp4", "status": "active", "steps": 3, "step": 2}


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://127.0.0.1:80"}, True),
        ({"Origin": "http://127.0.0.1:81"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://[evil"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
    ],
)
def test_requests_from_pages_of_other_sites_are_rejected(headers: dict[str, str], allowed: bool) -> None:  # noqa: FBT001
    assert (site_rejection({"Host": "127.0.0.1:80", **headers}) is None) is allowed


async def test_a_page_of_another_site_cannot_use_the_admin_api(get: Get) -> None:
    for path in ("/", "/overview", "/state"):
        response, received = await get(path, Origin="https://evil.example")
        assert response.status == 403
        assert "evil.example" in received


async def test_a_video_has_a_thumbnail_in_the_dashboard_and_the_api(
    emulator: Emulator, get: Get, call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    with_thumbnail = await make_asset("sailing.mp4", CLIP.read_bytes())
    await make_asset("poster.png", samples.image())
    without_thumbnail = await make_asset("no-picture-in-it.mp4")
    advance(10)
    overview = json.loads((await get("/overview"))[1])
    assert [bool(asset["picture"]) for asset in overview["assets"]] == [False, True, True]
    _, asset = await call("GET", f"/assets/{with_thumbnail}")
    page = emulator.dashboard_url
    async with aiohttp.ClientSession() as session:
        for url in (asset["thumbnail"]["representative_url"], f"{page}{overview['assets'][-1]['picture']}"):
            async with session.get(url) as response:
                assert (response.status, response.content_type) == (200, "image/jpeg")
                assert (await response.read()).startswith(b"\xff\xd8\xff")
        _, empty_asset = await call("GET", f"/assets/{without_thumbnail}")
        for url in (empty_asset["thumbnail"]["representative_url"], f"{page}pictures/{without_thumbnail}"):
            async with session.get(url) as response:
                assert response.status == 404


async def test_videos_and_search_hits_have_a_thumbnail(
    call: SendRequest, form: Callable[..., aiohttp.FormData], make_index: CreateResource, make_video: CreateResource
) -> None:
    index = await make_index("films", addons=["thumbnail"])
    video = await make_video(index, "sailing.mp4", CLIP.read_bytes(), enable_video_stream=True)
    _, body = await call("GET", f"/indexes/{index}/indexed-assets/{video}")
    _, listed = await call("GET", f"/indexes/{index}/videos")
    assert listed["data"][0]["hls"] == body["hls"]
    data = form(index_id=index, search_options="visual", query_text="sailing")
    _, hits = await call("POST", "/search", data=data)
    async with aiohttp.ClientSession() as session:
        for url in (*body["hls"]["thumbnail_urls"], *(hit["thumbnail_url"] for hit in hits["data"])):
            async with session.get(url) as response:
                assert (response.status, response.content_type) == (200, "image/jpeg")


async def test_thumbnails_are_created_again_after_a_restart(
    serve: Callable[..., Awaitable[Emulator]], tmp_path: Path, form: Callable[..., aiohttp.FormData]
) -> None:
    for _ in range(2):
        emulator = await serve(data_dir=tmp_path)
        if not emulator.state.assets:
            data = form("sailing.mp4", method="direct", file=CLIP.read_bytes())
            async with aiohttp.ClientSession(headers={"x-api-key": emulator.api_key}) as session:
                assert (await session.post(f"{emulator.base_url}/assets", data=data)).status == 201
        (asset,) = emulator.state.assets.values()
        assert emulator.service.has_thumbnail(asset)
        assert (await emulator.service.thumbnail(asset) or b"").startswith(b"\xff\xd8\xff")
        await emulator.stop()


async def test_the_thumbnail_cache_has_a_maximum_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "MAX_CACHED", 2)
    cache = inspection.ThumbnailCache()
    for digest in "abc":
        await cache.create(CLIP, digest)
    assert [cache.get(digest) is None for digest in "abc"] == [True, False, False]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    with chromium(tmp_path) as opened:
        yield opened


class DashboardPage:
    """The dashboard in a browser."""

    def __init__(self, browser: Chrome) -> None:
        self._browser = browser

    def text(self, element_id: str) -> str:
        return self._browser.find_element(By.ID, element_id).text

    def contains(self, element_id: str, text: str) -> bool:
        return text in self.text(element_id)

    def press(self, selector: str) -> None:
        self._browser.find_element(By.CSS_SELECTOR, selector).click()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        WebDriverWait(self._browser, TIMEOUT, 0.05).until(lambda _: condition())


def test_a_browser_shows_changes_as_they_happen(browser: Chrome) -> None:
    with ThreadedEmulator(plan="developer", timing=Timing(asset=600, indexing=600)) as emulator:
        browser.get(emulator.dashboard_url)
        page = DashboardPage(browser)
        page.wait_until(lambda: page.text("live") == "live")
        assert emulator.base_url in page.text("assets")
        emulator.faults.add("POST /search", status=503)
        asyncio.run(upload_hostile(emulator))
        page.wait_until(lambda: HOSTILE in page.text("assets"))
        assert "processing" in page.text("work")
        assert "upload per minute" in page.text("limits")
        assert "POST /search" in page.text("faults")
        assert "/v1.3/assets" in page.text("requests")
        page.press("#advance select option[value='3600']")
        page.press("#advance button")
        page.wait_until(lambda: "ready" in page.text("work"))
        page.press("#reset")
        assert len(emulator.state.assets) == 1
        page.press("#reset")
        page.wait_until(lambda: "Nothing has been uploaded" in page.text("assets"))
        assert not emulator.state.assets
        assert browser.title == "Emulator"
        assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]  # the method of selenium has no types
        emulator.stop()
        page.wait_until(lambda: "does not respond" in page.text("trouble"))


def test_a_browser_shows_complete_objects_and_adds_faults(browser: Chrome) -> None:
    with ThreadedEmulator(timing=Timing(asset=0, indexing=0)) as emulator:
        browser.get(emulator.dashboard_url)
        page = DashboardPage(browser)
        page.wait_until(lambda: page.text("live") == "live")
        assert f"curl -X POST {emulator.dashboard_url}videos -d" in page.text("assets")
        asyncio.run(upload_hostile(emulator))
        page.wait_until(lambda: HOSTILE in page.text("assets"))
        page.press(".tile")
        (asset,) = emulator.state.assets
        page.wait_until(lambda: asset in page.text("details"))
        assert HOSTILE in page.text("details")
        assert "technical_metadata" in page.text("details")
        page.press("#close")
        page.wait_until(lambda: not page.text("details"))
        page.press("button.path")
        page.wait_until(lambda: "user-agent" in page.text("details"))
        page.press("#close")
        for operation, element_id, text in (("POST /search", "faults", "0 of 1"), ("nonsense", "refused", "unknown")):
            browser.find_element(By.ID, "operation").clear()
            browser.find_element(By.ID, "operation").send_keys(operation)
            page.press("#fault button")
            page.wait_until(partial(page.contains, element_id, text))
        assert [(fault.operation, fault.status, fault.times) for fault in emulator.faults] == [("POST /search", 503, 1)]
        page.press("[data-key=remove]")
        page.wait_until(lambda: not list(emulator.faults))
        assert browser.title == "Emulator"


async def test_the_details_of_an_asset_contain_its_scenes_and_indexes(emulator: Emulator, get: Get) -> None:
    video = emulator.add_video("films", "boat.mp4", [(0, 5, "a boat")], user_metadata={"camera": 1})
    details = json.loads((await get(f"/details/{video.asset.id}"))[1])
    assert (details["_id"], details["scenes"]) == (video.asset.id, [[0, 5, "a boat"]])
    assert [(indexed["index"], indexed["_id"]) for indexed in details["indexes"]] == [("films", video.id)]
    assert (await get("/details/none"))[0].status == 404


async def test_the_dashboard_suggests_all_operations(emulator: Emulator, get: Get) -> None:
    operations = json.loads((await get("/operations"))[1])
    assert operations[:2] == ["*", "storage"]
    for operation in operations:
        emulator.faults.add(operation, status=503)


async def upload_hostile(emulator: ThreadedEmulator) -> None:
    """Upload a file and create an index whose names contain a script."""
    async with aiohttp.ClientSession(headers={"x-api-key": emulator.api_key}) as session:
        form = aiohttp.FormData({"method": "direct", "filename": HOSTILE})
        form.add_field("file", samples.video(12), filename="x.mp4")
        models = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
        index = {"index_name": HOSTILE, "models": models}
        requests: list[tuple[str, dict[str, Any]]] = [("assets", {"data": form}), ("indexes", {"json": index})]
        for path, options in requests:
            async with session.post(f"{emulator.base_url}/{path}", **options) as response:
                assert response.status == 201
