"""The install command in error messages about missing packages."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any

import pytest

from twelvelabs_async._text import install_command


class FakeDistribution:
    """A distribution with the given `direct_url.json` (PEP 610)."""

    def __init__(self, origin: str | None) -> None:
        self._origin = origin

    def read_text(self, _: str) -> str | None:
        return self._origin


@pytest.mark.parametrize(
    ("origin", "requirement"),
    [
        (None, "twelvelabs-async[cli]"),
        ("not json", "twelvelabs-async[cli]"),
        ({"url": "file:///home/me/my%20clone", "dir_info": {}}, "/home/me/my clone[cli]"),
        ({"url": "file:///home/me/a.whl", "archive_info": {}}, "/home/me/a.whl[cli]"),
        (
            {"url": "https://host.example/x.git", "vcs_info": {"vcs": "git", "commit_id": "1"}},
            "twelvelabs-async[cli] @ git+https://host.example/x.git",
        ),
    ],
)
def test_the_command_installs_the_extra_from_the_origin_of_the_package(
    monkeypatch: pytest.MonkeyPatch, origin: Any, requirement: str
) -> None:
    text = origin if origin is None or isinstance(origin, str) else json.dumps(origin)

    def distribution(_: str) -> FakeDistribution:
        return FakeDistribution(text)

    monkeypatch.setattr(metadata, "distribution", distribution)
    assert install_command("cli") == f'python -m pip install "{requirement}"'


def test_the_command_names_the_package_if_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_not_found(_: str) -> Any:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "distribution", raise_not_found)
    assert install_command("cli") == 'python -m pip install "twelvelabs-async[cli]"'
