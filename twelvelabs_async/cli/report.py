"""One page about an ingestion, to be opened and sent on: it holds all it needs, and asks no other host for anything.

No key ever comes near it. Addresses are shown without what is signed in them; whatever came from elsewhere, file names
above all, is escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from string import Template
from typing import Final

import attrs

from twelvelabs_async._version import __version__
from twelvelabs_async.cli.drawing import drawing
from twelvelabs_async.cli.render import size
from twelvelabs_async.cli.tally import Tally
from twelvelabs_async.errors import printable
from twelvelabs_async.events import LimitUpdate
from twelvelabs_async.ingest import Outcome
from twelvelabs_async.ingest.rules import duration

SHOWN_FAILURES: Final = 500
"""Rows of the table of failures."""

_ADDRESS: Final = re.compile(r"(https?://)(?:[^\s/@]*@)?([^\s?#]*)([?#]\S*)?")


@attrs.frozen(kw_only=True)
class About:
    """What the page is about."""

    index_name: str
    index_id: str
    began: datetime
    seconds: float
    ending: str
    """How it ended, in a few words."""
    quotas: Sequence[LimitUpdate] = ()
    """Limits, as they were last told."""


def page(about: About, tally: Tally) -> str:
    """The whole page."""
    blank = Template(files("twelvelabs_async.cli").joinpath("report.html").read_text("utf-8"))
    return blank.substitute(
        title=_text(f"Ingestion into {about.index_name}"),
        index=_text(about.index_name),
        index_id=_text(about.index_id),
        ending=_text(about.ending),
        when=about.began.strftime("%Y-%m-%d %H:%M UTC"),
        tiles=_tiles(about, tally),
        drawing=drawing(tally.timeline, about.seconds),
        reasons=_reasons(tally),
        failures=_failures(tally.failures, tally.counts["failed"] + tally.counts["skipped"]),
        quotas=_quotas(about.quotas, tally),
        version=_text(__version__),
    )


def public(text: str) -> str:
    """`text` without user names, queries and fragments of the addresses in it, and without control characters."""
    return printable(_ADDRESS.sub(lambda found: f"{found[1]}{found[2]}{'?…' if found[3] else ''}", text))


def _text(text: str) -> str:
    return html.escape(public(text))


def _tiles(about: About, tally: Tally) -> str:
    numbers = [
        ("ready", f"{tally.counts['ready']:,}", "ready"),
        ("failed", f"{tally.counts['failed']:,}", "failed" if tally.counts["failed"] else ""),
        ("not begun", f"{tally.counts['skipped']:,}", "skipped" if tally.counts["skipped"] else ""),
        ("done before", f"{tally.already:,}", ""),
        ("duplicates", f"{tally.duplicates:,}", ""),
        ("sent", size(tally.sent), ""),
        ("took", duration(about.seconds), ""),
        ("average", f"{size(round(tally.sent / about.seconds))}/s" if about.seconds else "-", ""),
    ]
    return "".join(
        f'<div class="tile {kind}"><dt>{_text(label)}</dt><dd>{_text(number)}</dd></div>'
        for label, number, kind in numbers
        if number != "0" or label in {"ready", "failed"}
    )


def _reasons(tally: Tally) -> str:
    rows = [(f"{count:,}", reason) for reason, count in tally.reasons.most_common()]
    if len(rows) < 2:
        return ""
    return f"<h2>Reasons</h2>{_table({'items': True, 'reason': False}, rows, kind='reasons')}"


def _failures(failures: Sequence[Outcome], count: int) -> str:
    if not count:
        return "<h2>Failures</h2><p>None.</p>"
    rows = [(one.source, _place(one), one.error) for one in failures[:SHOWN_FAILURES]]
    more = f"<p>And {count - len(rows):,} more.</p>" if count > len(rows) else ""
    table = _table({"source": False, "failed": False, "because": False}, rows, kind="failures")
    return f"<h2>Failures</h2>{table}{more}"


def _place(outcome: Outcome) -> str:
    if outcome.status == "skipped":
        return "not begun"
    return "before the upload" if outcome.stage == "queued" else f"while {outcome.stage}"


def _quotas(quotas: Sequence[LimitUpdate], tally: Tally) -> str:
    told = {(quota.category, quota.dimension): quota for quota in quotas}
    rows = [_quota_row(key, told.get(key), tally) for key in sorted({*told, *tally.waited})]
    if not rows:
        return "<h2>Quotas</h2><p>The platform told of no limit, and nothing waited for one.</p>"
    columns = {"quota": False, "limit": True, "left": True, "back at (UTC)": False, "waits": True, "waited": True}
    return f"<h2>Quotas</h2>{_table(columns, rows)}"


def _quota_row(key: tuple[str, str], quota: LimitUpdate | None, tally: Tally) -> tuple[str, ...]:
    waited = tally.waited.get(key)
    back = quota.resets_at.strftime("%Y-%m-%d %H:%M:%S") if quota and quota.resets_at else ""
    return (
        " ".join(filter(None, key)),
        _number(quota.limit if quota else None),
        _number(quota.remaining if quota else None),
        back,
        f"{waited.times:,}" if waited else "0",
        duration(waited.seconds) if waited else "",
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _table(columns: Mapping[str, bool], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """A table; columns say whether they hold numbers."""
    marks = [' class="number"' if number else "" for number in columns.values()]
    head = "".join(f"<th{mark}>{_text(name)}</th>" for name, mark in zip(columns, marks, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{mark}>{_text(cell)}</td>' for cell, mark in zip(row, marks, strict=True))}</tr>"
        for row in rows
    )
    return f'<div class="wide"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
