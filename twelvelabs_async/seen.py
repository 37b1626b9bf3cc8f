"""What answers say of the service beside what was asked."""

from __future__ import annotations

import logging
from typing import Final

import attrs

from twelvelabs_async.reply import Reply

API_VERSION: Final = "1.3"
"""The version of the API that the models describe."""

logger: Final = logging.getLogger("twelvelabs_async.retry")


@attrs.define
class Seen:
    """What answers have said of the service; shared by all views of a client."""

    api_version: str | None = None
    """`X-Api-Version` of the last answer that had one."""
    warned: bool = False
    """Whether a mismatch has been told."""

    def note(self, reply: Reply) -> None:
        """Keep the version an answer names, and warn once if the models are made for another one."""
        version = reply.headers.get("X-Api-Version")
        if version is None or version == self.api_version:
            return
        self.api_version = version
        if not self.warned and version.lstrip("v").split(".")[:2] != API_VERSION.split("."):
            self.warned = True
            logger.warning("the server speaks API version %.20r, this client was made for %s", version, API_VERSION)
