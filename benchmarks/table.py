"""Medians, ratios and tables."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.clients import BARE, CLIENTS, HASHING, OFFICIAL, WITHOUT_SNIFFIO
from benchmarks.runner import MD5, SERVER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.cases import Case, Column, Group
    from benchmarks.runner import Samples
    from benchmarks.work import Figures

NAMES = {
    "ours": "twelvelabs_async",
    "official": "twelvelabs",
    "aiohttp": "bare aiohttp",
    HASHING: "bare aiohttp, MD5",
    WITHOUT_SNIFFIO: "twelvelabs, no sniffio",
    SERVER: "(bare sockets)",
    MD5: "(MD5 alone)",
}
PEERS = (OFFICIAL, BARE)


def median_value(samples: Sequence[Figures], column: Column) -> float | None:
    """Return the median of a column, or None if the column was not measured."""
    try:
        return median(column.compute(figures) for figures in samples)
    except KeyError:
        return None


def median_ratio(figures: Sequence[Figures], peer_figures: Sequence[Figures], column: Column) -> float:
    """Return the median of the ratios of two clients' figures in each round."""
    return median(
        column.compute(figure) / column.compute(peer_figure)
        for figure, peer_figure in zip(figures, peer_figures, strict=True)
    )


def summary(cases: Sequence[Case], samples: Samples) -> dict[str, Any]:
    """Return medians, ratios and all samples for the JSON file."""
    return {
        case.name: {
            client: {
                "median": {column.name: median_value(figures, column) for column in case.group.columns},
                "ratio": {
                    peer: {
                        column.name: median_ratio(figures, samples[case.name][peer], column)
                        for column in case.group.columns[: case.group.ratio_columns]
                    }
                    for peer in PEERS
                    if client in CLIENTS
                },
                "samples": figures,
            }
            for client, figures in samples[case.name].items()
        }
        for case in cases
    }


def table(group: Group, cases: Sequence[Case], samples: Samples) -> str:
    """Format the table of a group."""
    heads = ["", ""]
    for position, column in enumerate(group.columns):
        heads.append(column.name)
        heads += ["min-max"] if not position else []
        heads += [f"/ {NAMES[peer]}" for peer in PEERS] if position < group.ratio_columns else []
    rows = [heads]
    for case in cases:
        client_samples = samples[case.name]
        for client in (name for name in NAMES if name in client_samples):
            first = client == CLIENTS[0]
            rows.append([case.label if first else "", NAMES[client], *_cells(group, client, client_samples)])
    return f"{group.title}\n\n{align(rows)}\n"


def _cells(group: Group, client: str, client_samples: Mapping[str, Sequence[Figures]]) -> list[str]:
    cells: list[str] = []
    for position, column in enumerate(group.columns):
        median_figure = median_value(client_samples[client], column)
        cells.append("-" if median_figure is None else f"{median_figure:,.{column.digits}f}")
        if not position:
            figures = [column.compute(sample) for sample in client_samples[client]]
            cells.append(f"{min(figures):,.{column.digits}f}-{max(figures):,.{column.digits}f}")
        if position < group.ratio_columns:
            cells += [_format_ratio(client_samples, client, peer, column) for peer in PEERS]
    return cells


def _format_ratio(client_samples: Mapping[str, Sequence[Figures]], client: str, peer: str, column: Column) -> str:
    return "" if client == peer else f"{median_ratio(client_samples[client], client_samples[peer], column):.2f}"


def align(rows: Sequence[Sequence[str]]) -> str:
    """Format rows: the first two columns left-aligned, the others right-aligned."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines: list[str] = []
    for row in rows:
        left = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        lines.append("  ".join(left + right).rstrip())
    return "\n".join(lines)
