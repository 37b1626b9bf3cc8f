"""The page of the web backends in a browser."""

from __future__ import annotations

import asyncio
from pathlib import Path

from browser import chromium
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from twelvelabs_async._cli.demo import SAMPLE_VIDEOS

CLIP = SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4"
HOSTILE = "<img src=x onerror=document.title='taken'> sailing.mp4"
TIMEOUT = 120  # seconds


def text_of(page: Chrome, selector: str) -> str:
    return page.find_element(By.CSS_SELECTOR, selector).text


def use_page(page: Chrome, url: str, film: Path) -> list[dict[str, str]]:
    """Upload a video, wait until it is ready, search for it and describe it; return the log of the browser."""
    wait = WebDriverWait(page, TIMEOUT)
    page.get(url)
    page.find_element(By.ID, "file").send_keys(str(film))
    page.find_element(By.CSS_SELECTOR, "#upload-form button").click()
    wait.until(lambda _: "ready" in text_of(page, "#videos"))
    assert film.name in text_of(page, "#videos")
    page.find_element(By.ID, "query").send_keys("sailing")
    page.find_element(By.CSS_SELECTOR, "#search-form button").click()
    wait.until(lambda _: film.name in text_of(page, "#hits"))
    page.find_element(By.CSS_SELECTOR, "#videos button").click()
    wait.until(lambda _: len(text_of(page, "#text")) > 20)
    page.refresh()
    wait.until(lambda _: film.name in text_of(page, "#videos") and "ready" in text_of(page, "#videos"))
    wait.until(lambda _: page.execute_script("return document.querySelector('#videos img')?.naturalWidth > 0"))
    page.get_screenshot_as_file(str(film.with_suffix(".png")))
    return list(page.get_log("browser"))  # type: ignore[no-untyped-call]  # the method of selenium has no types


async def test_a_video_is_uploaded_found_and_described_in_a_browser(backend_url: str, tmp_path: Path) -> None:
    """The filename would run a script if the page inserted it as HTML."""
    film = tmp_path / HOSTILE
    film.write_bytes(CLIP.read_bytes())

    def run_browser() -> None:
        with chromium(tmp_path / "profile") as page:
            assert not [line for line in use_page(page, backend_url, film) if "favicon" not in line["message"]]
            assert page.title == "Video library"

    await asyncio.to_thread(run_browser)
