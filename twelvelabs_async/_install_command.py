"""The command that installs an extra, for errors about missing packages."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

_PACKAGE: Final = "twelvelabs-async"


def install_command(extra: str) -> str:
    """Return the command that installs an extra from where the package was installed: a clone, a file or an index."""
    origin = _origin()
    url = str(origin.get("url", ""))
    requirement = f"{_PACKAGE}[{extra}]"
    if url.startswith("file:"):
        requirement = f"{url2pathname(urlsplit(url).path)}[{extra}]"
    elif "vcs_info" in origin:
        requirement = f"{requirement} @ {origin['vcs_info']['vcs']}+{url}"
    return f'python -m pip install "{requirement}"'


def _origin() -> dict[str, Any]:
    """Return where the package was installed from (PEP 610); empty if that was an index, or it is not installed."""
    from importlib import metadata  # noqa: PLC0415  # takes as long as the client, and is for errors only

    try:
        found: dict[str, Any] = json.loads(metadata.distribution(_PACKAGE).read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return {}
    return found
