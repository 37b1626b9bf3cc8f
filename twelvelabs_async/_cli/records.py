"""The JSON object of one item: the same fields for a run and for a dry run."""

from __future__ import annotations

from typing import Any

from twelvelabs_async.ingest import IngestResult


def result_record(result: IngestResult, index_id: str) -> dict[str, Any]:
    """Return the JSON object of an item that has ended."""
    return item_record(
        index_id=index_id,
        source=result.source,
        status=result.status,
        stage=result.stage,
        asset_id=result.asset_id,
        indexed_asset_id=result.indexed_asset_id,
        error=result.error,
        rejected=result.rejected,
        already_done=result.already_done,
        duplicate_of=result.duplicate_of,
        replaced_asset_id=result.replaced_asset_id,
        attempts=result.attempts,
        bytes_sent=result.bytes_sent,
        elapsed=round(result.seconds, 3),
    )


def item_record(
    *,
    index_id: str | None,
    source: str,
    action: str | None = None,
    status: str | None = None,
    stage: str | None = None,
    asset_id: str | None = None,
    indexed_asset_id: str | None = None,
    error: str | None = None,
    rejected: bool = False,
    already_done: bool = False,
    duplicate_of: str | None = None,
    replaced_asset_id: str | None = None,
    warning: str | None = None,
    strategy: str | None = None,
    container: str | None = None,
    bytes: int | None = None,  # noqa: A002  # the name of a field
    duration: float | None = None,
    duration_measured: bool | None = None,
    attempts: int | None = None,
    bytes_sent: int | None = None,
    elapsed: float | None = None,
) -> dict[str, Any]:
    """Return the JSON object of an item with all fields; what is unknown, or does not apply, is None."""
    return {name: None if value == "" else value for name, value in locals().items()}
