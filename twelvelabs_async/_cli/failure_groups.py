"""Failures of an ingestion, grouped by class, code and stage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import attrs
from typing_extensions import override

from twelvelabs_async._cli.console import basename
from twelvelabs_async._http.errors import error_class_for_status
from twelvelabs_async._text import printable
from twelvelabs_async.errors import APIError

MAX_GROUPS: Final = 50
"""Groups that are counted separately."""

MAX_SHOWN_GROUPS: Final = 10
"""Groups that are printed."""

MAX_SHOWN_SOURCES: Final = 50
"""Sources that are kept of each group, for the report."""

_API_ERROR: Final = re.compile(r"(\d{3})(?: ([A-Za-z]\w*))? on [A-Z]+ /")
_OTHER_ERROR: Final = re.compile(r"([A-Z]\w*(?:Error|Exception)): ")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")


@attrs.frozen
class FailureKind:
    """What failures of one group have in common."""

    error: str
    """Class of the error; the reason, with its numbers left out, of an item that was rejected before its upload."""
    code: str
    """Code of the platform; empty if there is none."""
    stage: str
    """Stage that failed; `queued` before the upload."""
    is_exception: bool = True
    """Whether `error` is the name of a class."""

    @override
    def __str__(self) -> str:
        name = " ".join(filter(None, (self.error, self.code)))
        return name if self.stage in {"queued", ""} else f"{name} while {self.stage}"


@attrs.define
class FailureGroup:
    """Failures of one kind."""

    error: str
    """Error of the first of them."""
    sources: list[str] = attrs.field(factory=list[str])
    """Sources of the first of them."""
    count: int = 0
    """How many there are."""

    def add(self, source: str) -> None:
        """Count the failure of one more source."""
        self.count += 1
        if len(self.sources) < MAX_SHOWN_SOURCES:
            self.sources.append(source)


class FailureGroups:
    """Counts failures by kind, and keeps the first error and some sources of each."""

    def __init__(self) -> None:
        self.groups: dict[FailureKind, FailureGroup] = {}

    def add(self, source: str, error: str, stage: str, exception: Exception | None = None) -> None:
        """Count the failure of an item; a ledger knows no exception."""
        kind = failure_kind(error, stage, exception)
        if kind not in self.groups and len(self.groups) >= MAX_GROUPS:
            kind = FailureKind("other errors", "", "", is_exception=False)
        self.groups.setdefault(kind, FailureGroup(error)).add(source)

    def most_common(self) -> list[tuple[FailureKind, FailureGroup]]:
        """Return the groups, the largest first."""
        return sorted(self.groups.items(), key=lambda item: -item[1].count)

    def lines(self) -> Iterator[str]:
        """Yield a line for each of the largest groups."""
        groups = self.most_common()
        width = max((len(f"{group.count:,}") for _, group in groups), default=0)
        for kind, group in groups[:MAX_SHOWN_GROUPS]:
            name, error = basename(group.sources[0]), printable(group.error)
            text = f"{kind}; such as {name}: {error}" if kind.is_exception else f"{error}; such as {name}"
            yield f"{group.count:{width},} x {printable(text)}"
        if len(groups) > MAX_SHOWN_GROUPS:
            yield f"and {len(groups) - MAX_SHOWN_GROUPS:,} more kinds"


def failure_kind(error: str, stage: str, exception: Exception | None) -> FailureKind:
    """Return the kind of a failure: from its exception, or from its message, which is all that a ledger records."""
    if exception is not None:
        code = exception.code if isinstance(exception, APIError) else None
        return FailureKind(type(exception).__name__, code or "", stage)
    if found := _API_ERROR.match(error):
        known = error_class_for_status(int(found[1]))
        return FailureKind(f"status {found[1]}" if known is APIError else known.__name__, found[2] or "", stage)
    if found := _OTHER_ERROR.match(error):
        return FailureKind(found[1], "", stage)
    return FailureKind(_NUMBER.sub("N", error), "", stage, is_exception=False)
