"""The page of extras lists the extras in pyproject.toml and their packages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]
ROWS = dict(
    re.findall(r"^\| `([a-z]+)` \|[^|]*\| ([^|]*) \|", (ROOT / "docs" / "extras.md").read_text("utf-8"), re.MULTILINE)
)


def test_the_page_lists_each_extra_and_its_packages() -> None:
    requirements = {extra: [Requirement(text) for text in texts] for extra, texts in EXTRAS.items() if extra != "all"}
    assert ROWS.keys() == requirements.keys()
    for extra, package_requirements in requirements.items():
        for requirement in package_requirements:
            names = [requirement.name] if requirement.name != "twelvelabs-async" else sorted(requirement.extras)
            assert all(name in ROWS[extra] for name in names), extra


def test_all_contains_all_extras_but_one() -> None:
    (requirement,) = map(Requirement, EXTRAS["all"])
    assert EXTRAS.keys() - requirement.extras == {"all", "frames"}
