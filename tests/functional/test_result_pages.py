"""`search --html` and `demo --html` write pages whose videos play in a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser import chromium
from commands import Cli
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from twelvelabs_async._cli import demo
from twelvelabs_async.emulator import ThreadedEmulator, Timing

SAILING = demo.SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4"
TIMEOUT = 60


def video_sources(page: Path) -> set[str]:
    return {url.partition("#")[0] for url in re.findall(r'<video[^>]* src="([^"]*)"', page.read_text("utf-8"))}


@pytest.mark.usefixtures("cli_emulator")
def test_a_result_page_plays_files_ingested_on_this_machine(cli: Cli, tmp_path: Path) -> None:
    page = tmp_path / "hits.html"
    cli("ingest", str(demo.SAMPLE_VIDEOS), "--index", "holiday")
    result = cli("search", "holiday", "sailing boat", "--html", str(page))
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"page written to {page}" in result.stdout
    text = page.read_text("utf-8")
    assert video_sources(page) == {SAILING.as_uri()}
    assert "data:image/jpeg;base64," in text
    assert "These results are synthetic" in text
    assert "ingest_token" not in text


def test_a_result_page_plays_files_of_a_folder(cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    page, folder = tmp_path / "hits.html", tmp_path / "films" / "2026"
    folder.mkdir(parents=True)
    (folder / "sailing.mp4").write_bytes(SAILING.read_bytes())
    cli_emulator.add_video("holiday", SAILING.name, [(0, 4, "a sailing boat")])
    cli_emulator.add_video("holiday", folder / "sailing.mp4", [(0, 4, "a sailing boat")])
    result = cli("search", "holiday", "sailing", "--html", str(page), "--videos", str(tmp_path), "--json")
    assert len(result.records) == 2
    assert video_sources(page) == {(folder / "sailing.mp4").as_uri()}


@pytest.mark.parametrize("key", ["boat.mp4", "k" * 300, f"/{'k' * 300}"])
@pytest.mark.usefixtures("cli_emulator")
def test_a_key_is_not_used_as_a_file_path(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boat.mp4").write_bytes(SAILING.read_bytes())
    (tmp_path / "list.csv").write_text(f"source,key\nboat.mp4,{key}\n", "utf-8")
    assert cli("ingest", "--from", "list.csv", "--index", "holiday").exit_code == 0
    result = cli("search", "holiday", "boat", "--html", "hits.html")
    assert (result.exit_code, result.stderr) == (0, "")
    assert not any(url.startswith("file:") for url in video_sources(tmp_path / "hits.html"))


def test_a_page_that_cannot_be_written_is_an_error_before_the_search(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    result = cli("search", "holiday", "x", "--html", "/no/such/folder/hits.html")
    assert (result.exit_code, result.stderr) == (2, "error: cannot write the page to /no/such/folder/hits.html\n")
    assert len(cli_emulator.requests) == 0


@pytest.mark.usefixtures("cli_emulator")
@pytest.mark.parametrize("browser_exists", [True, False])
def test_the_browser_shows_the_page(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, browser_exists: bool
) -> None:
    opened_urls = list[str]()

    def open_browser(url: str) -> bool:
        opened_urls.append(url)
        return browser_exists

    monkeypatch.setattr("webbrowser.open", open_browser)
    monkeypatch.chdir(tmp_path)
    cli("ingest", str(SAILING), "--index", "holiday")
    result = cli("search", "holiday", "sailing", "--open")
    assert opened_urls == [(tmp_path / "twelvelabs-hits.html").as_uri()]
    assert ("no browser found" not in result.stdout, result.exit_code) == (browser_exists, 0)


def test_the_page_of_the_demo_plays_each_result_to_its_end(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "TIMING", Timing(asset=0, indexing=0))
    page = tmp_path / "demo.html"
    assert cli("demo", "--html", str(page)).exit_code == 0
    with chromium(tmp_path / "profile") as browser:

        def until(script: str) -> None:
            WebDriverWait(browser, TIMEOUT, 0.05).until(lambda _: browser.execute_script(f"return {script}"))

        def press(key: str) -> None:
            ActionChains(browser).send_keys(key).perform()

        browser.get(page.as_uri())
        until("document.querySelectorAll('.play').length === 5")
        press(Keys.ARROW_RIGHT)
        until("document.activeElement.id === 'hit-1-1-1'")
        press(Keys.ENTER)
        video = "document.querySelector('#hit-1-1-1 video')"
        until(f"{video}.currentTime > 1 && !{video}.paused && {video}.controls")
        press(Keys.ARROW_RIGHT)
        press(Keys.ENTER)
        until(f"{video}.paused && !document.querySelector('#hit-1-1-2 video').paused")
        press(Keys.ESCAPE)
        until("[...document.querySelectorAll('video')].every(one => one.paused)")
        browser.execute_script(f"{video}.currentTime = 4.5")
        press(Keys.ARROW_LEFT)
        press(Keys.ENTER)
        until(f"{video}.paused && {video}.currentTime >= 5 && {video}.currentTime < 6")
        assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]  # the method of selenium has no types
