"""Text on the dashboard has the contrast that WCAG 2 requires for level AA."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from contrast import contrast

from twelvelabs_async.emulator import _admin

CSS = (Path(_admin.__file__).parent / "static" / "panel.css").read_text("utf-8")
LIGHT, DARK = (dict(re.findall(r"--([\w-]+): (#\w+)", part)) for part in re.split(r"@media[^{]*dark", CSS, maxsplit=1))
TEXTS = [
    *((name, background) for name in ("ink", "soft") for background in ("ground", "card", "faint")),
    *((name, f"{name}-ground") for name in ("good", "busy", "bad")),
    ("bad", "card"),
    ("on-accent", "accent"),
]


@pytest.mark.parametrize(("text", "background"), TEXTS)
@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_sufficient_contrast(scheme: dict[str, str], text: str, background: str) -> None:
    assert contrast(scheme[text], scheme[background]) >= 4.5
