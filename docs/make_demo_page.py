"""Generate `docs/demo-page.webp`, a screenshot of the page of the demo. Run it from the top of the repository.

It needs Chromium and Pillow: `python docs/make_demo_page.py`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image

OUTPUT: Final = Path(__file__).with_name("demo-page.webp")
WIDTH: Final = 860
HEIGHT: Final = 960
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS: Final = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=2")


def main() -> None:
    """Run the demo, take a screenshot of its page, and write it as a small image."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit("Chromium is not installed")
    with TemporaryDirectory() as name:
        folder = Path(name)
        page, screenshot = folder / "demo.html", folder / "page.png"
        run(sys.executable, "-m", "twelvelabs_async", "demo", "--html", str(page))
        target = (f"--user-data-dir={folder / 'profile'}", f"--screenshot={screenshot}")
        run(browser, *FLAGS, f"--window-size={WIDTH},{HEIGHT}", *target, page.as_uri())
        with Image.open(screenshot) as image:
            image.convert("RGB").save(OUTPUT, "WEBP", quality=78, method=6)
    sys.stdout.write(f"{OUTPUT.stat().st_size:,} bytes  {OUTPUT.name}\n")


def run(*command: str) -> None:
    """Run a program and discard its output."""
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # trusted commands


if __name__ == "__main__":
    main()
