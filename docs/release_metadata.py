"""Add the metadata that depend on the repository: URLs, and the README with absolute links. Hatchling calls this hook.

`repository` in `[tool.hatch.metadata.hooks.custom]` of `pyproject.toml` is the only place that names the repository.
While it is empty, the package has no URLs, and its README keeps the relative links.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, cast

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINKS: Final = (
    re.compile(r"(?P<image>!\[[^\]]*)?\]\((?P<target>[^)\s]+)"),
    re.compile(r'(?:(?P<image>src(?:set)?)|href)="(?P<target>[^"]+)'),
)
"""Links of Markdown and of HTML."""


class ReleaseMetadata(MetadataHookInterface):
    """Sets `readme` and `urls`, which `pyproject.toml` declares as dynamic."""

    # The build environment has no `override`, which Python 3.11 lacks.
    def update(self, metadata: dict[str, Any]) -> None:  # type: ignore[explicit-override]
        """Set the fields."""
        config = cast("dict[str, str]", self.config)  # pyright: ignore[reportUnknownMemberType]  # a bare dict
        repository, tag = config["repository"], f"v{metadata['version']}"
        text = (Path(self.root) / "README.md").read_text("utf-8")
        if repository:
            text = absolute_links(text, Path(self.root), repository, tag)
            metadata["urls"] = urls(repository, tag)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def urls(repository: str, tag: str) -> dict[str, str]:
    """Return the links that a package index shows."""
    return {
        "Homepage": repository,
        "Documentation": f"{repository}/tree/{tag}/docs",
        "Changelog": f"{repository}/blob/{tag}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def absolute_links(text: str, root: Path, repository: str, tag: str) -> str:
    """Make links to files below `root` absolute: they lead to the page of a file, or to an image itself."""

    def replace(match: re.Match[str]) -> str:
        target = match["target"]
        if not (root / target.partition("#")[0]).exists() or target.startswith("#"):
            return match[0]
        kind = "raw" if match["image"] else "blob"
        return f"{match[0].removesuffix(target)}{repository}/{kind}/{tag}/{target}"

    for pattern in LINKS:
        text = pattern.sub(replace, text)
    return text
