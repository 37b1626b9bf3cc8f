"""The page of the video desk, used by somebody in a browser."""

from __future__ import annotations

import asyncio
from pathlib import Path

from browser import chromium
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

import twelvelabs_async

CLIP = Path(twelvelabs_async.__file__).parent / "cli" / "clips" / "sailing-boat-at-sunset.mp4"
HOSTILE = "<img src=x onerror=document.title='taken'> sailing.mp4"
PATIENCE = 20


def shown(page: Chrome, within: str) -> str:
    return page.find_element(By.CSS_SELECTOR, within).text


def use(page: Chrome, address: str, film: Path) -> list[dict[str, str]]:
    """Bring a video, wait until it is ready, look for it, and have it described; returns what the browser said."""
    wait = WebDriverWait(page, PATIENCE)
    page.get(address)
    page.find_element(By.ID, "file").send_keys(str(film))
    page.find_element(By.CSS_SELECTOR, "#bring button").click()
    wait.until(lambda _: "ready" in shown(page, "#videos"))
    assert film.name in shown(page, "#videos")
    page.find_element(By.ID, "words").send_keys("sailing")
    page.find_element(By.CSS_SELECTOR, "#find button").click()
    wait.until(lambda _: film.name in shown(page, "#hits"))
    page.find_element(By.CSS_SELECTOR, "#videos button").click()
    wait.until(lambda _: len(shown(page, "#text")) > 20)
    page.get_screenshot_as_file(str(film.with_suffix(".png")))
    return list(page.get_log("browser"))  # type: ignore[no-untyped-call]  # as selenium has it


async def test_a_video_is_brought_found_and_described_by_hand(address: str, tmp_path: Path) -> None:
    """Its name would run a script if the page took it for HTML."""
    film = tmp_path / HOSTILE
    film.write_bytes(CLIP.read_bytes())

    def visit() -> None:
        with chromium(tmp_path / "profile") as page:
            assert not [line for line in use(page, address, film) if "favicon" not in line["message"]]
            assert page.title == "Video desk"

    await asyncio.to_thread(visit)
