"""What is kept of analyses: what they were asked, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from twelvelabs_async.emulator.media import Media

Json = dict[str, Any]

GENERAL = "general"
SEGMENTS = "time_based_metadata"
MODES = (GENERAL, SEGMENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A video or a picture that is analyzed."""

    type: str
    """`url`, `asset_id` or `base64_string`."""
    reference: str | None
    """The URL or the id; nothing for bytes that came along."""
    filename: str
    media: Media


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """An analysis as it was asked for, and found to be in order."""

    given: Json
    """The request itself, for the parts that are only shown again."""
    model: str
    mode: str
    video: Source | None
    images: tuple[Source, ...]
    prompt: str
    start: float
    """Seconds."""
    end: float
    max_tokens: int | Literal["unlimited"]
    schema: Json | None
    """What a JSON answer has to look like."""
    definitions: tuple[Json, ...]
    """What kinds of segments to find."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """All that is looked at."""
        return self.images if self.video is None else (self.video,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an analysis comes to."""

    generation_id: str
    tokens: tuple[str, ...]
    """The text in the pieces of which its length is counted."""
    input_tokens: int
    warning: str | None = None
    """Why the text was cut."""
    failure: tuple[str, str] | None = None
    """Code and message, if there is no result."""

    @property
    def text(self) -> str:
        """The text in one."""
        return "".join(self.tokens)

    @property
    def finish_reason(self) -> str:
        """`stop` or `length`."""
        return "length" if self.warning else "stop"

    @property
    def usage(self) -> dict[str, int]:
        """The count of tokens as the API writes it."""
        return {"output_tokens": len(self.tokens), "input_tokens": self.input_tokens}


@dataclass(slots=True, kw_only=True)
class Analysis:
    """An analysis task."""

    id: str
    custom_id: str | None
    ask: Ask
    created_at: float
    canceled_at: float | None = None
    batch: Batch | None = None
    position: int = 0
    """Its place in the batch."""
    outcome: Outcome | None = None
    """Worked out when somebody first wants to know it."""


@dataclass(slots=True, kw_only=True)
class Batch:
    """Analyses that were asked for together."""

    id: str
    model: str
    mode: str
    created_at: float
    expires_at: float
    items: list[Analysis] = field(default_factory=list[Analysis])
    canceled_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Session:
    """A conversation about a knowledge store."""

    id: str
    knowledge_store_id: str
    created_at: float
    turns: int = 0


@dataclass(slots=True)
class Analyses:
    """All of that by id, oldest first."""

    tasks: dict[str, Analysis] = field(default_factory=dict[str, Analysis])
    """Those of batches included."""
    batches: dict[str, Batch] = field(default_factory=dict[str, Batch])
    sessions: dict[str, Session] = field(default_factory=dict[str, Session])
    keys: dict[str, str] = field(default_factory=dict[str, str])
    """Tasks by the key that keeps a request from being done twice."""

    def delete_batch(self, batch: Batch) -> None:
        """Delete a batch with its tasks."""
        del self.batches[batch.id]
        for item in batch.items:
            self.tasks.pop(item.id, None)
