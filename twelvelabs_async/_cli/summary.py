"""The lines at the end of an ingestion: counts, failures by kind, what was left out and what was not begun."""

from __future__ import annotations

from twelvelabs_async._cli.console import STOP_REASONS, Screen, format_counts, format_size
from twelvelabs_async._cli.progress import IngestStats
from twelvelabs_async.ingest import Summary


def print_summary(screen: Screen, summary: Summary, stats: IngestStats, seconds: float, *, excluded: int = 0) -> None:
    """Print the summary of an ingestion."""
    failed = bool(summary.failed or summary.skipped or summary.stop_reason)
    print_line = screen.warn if failed else screen.print
    print_line(f"{format_counts(summary)} in {seconds:.1f} s")
    speed = f", {format_size(round(summary.bytes_sent / seconds))}/s" if seconds else ""
    rows = {
        "already done": f"{summary.already_done:,}" if summary.already_done else "",
        "duplicates": f"{summary.duplicates:,}" if summary.duplicates else "",
        "changed": f"{summary.changed:,}" if summary.changed else "",
        "sent": f"{format_size(summary.bytes_sent)}{speed}" if summary.bytes_sent else "",
        "left out": stats.left_out.describe(excluded),
        "not begun": _not_begun(summary, stats),
        "stopped": STOP_REASONS[summary.stop_reason],
    }
    screen.table([(name, text) for name, text in rows.items() if text])
    for line in stats.failure_groups.lines():
        screen.warn(line)


def _not_begun(summary: Summary, stats: IngestStats) -> str:
    """Return how many items were not begun; empty if all were."""
    if not summary.skipped and not summary.stop_reason:
        return ""
    if stats.total is None:
        return f"{summary.skipped:,} items, and all that were not found yet"
    count = max(0, stats.total.items - summary.ready - summary.failed)
    if not count:
        return ""
    return f"{count:,} items" if count != 1 else "1 item"
