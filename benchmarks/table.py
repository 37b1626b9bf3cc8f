"""Medians, ratios and the tables they are shown in."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.clients import BARE, CLIENTS, OFFICIAL, PLAIN
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
    PLAIN: "twelvelabs, no sniffio",
    SERVER: "(bare sockets)",
    MD5: "(MD5 alone)",
}
PEERS = (OFFICIAL, BARE)


def value(samples: Sequence[Figures], column: Column) -> float | None:
    """The median of a column; None where it was not measured."""
    try:
        return median(column.of(figures) for figures in samples)
    except KeyError:
        return None


def ratio(mine: Sequence[Figures], theirs: Sequence[Figures], column: Column) -> float:
    """The median over the rounds of one client's figure by another's."""
    return median(column.of(one) / column.of(other) for one, other in zip(mine, theirs, strict=True))


def summary(chosen: Sequence[Case], samples: Samples) -> dict[str, Any]:
    """Medians, ratios and all samples, for programs."""
    return {
        case.name: {
            client: {
                "median": {column.name: value(figures, column) for column in case.group.columns},
                "ratio": {
                    peer: {
                        column.name: ratio(figures, samples[case.name][peer], column)
                        for column in case.group.columns[: case.group.ratios]
                    }
                    for peer in PEERS
                    if client in CLIENTS
                },
                "samples": figures,
            }
            for client, figures in samples[case.name].items()
        }
        for case in chosen
    }


def table(group: Group, chosen: Sequence[Case], samples: Samples) -> str:
    """All cases of a group."""
    heads = ["", ""]
    for at, column in enumerate(group.columns):
        heads.append(column.name)
        heads += ["min-max"] if not at else []
        heads += [f"/ {NAMES[peer]}" for peer in PEERS] if at < group.ratios else []
    rows = [heads]
    for case in chosen:
        found = samples[case.name]
        for client in (name for name in NAMES if name in found):
            first = client == CLIENTS[0]
            rows.append([case.label if first else "", NAMES[client], *_cells(group, client, found)])
    return f"{group.title}\n\n{aligned(rows)}\n"


def _cells(group: Group, client: str, found: Mapping[str, Sequence[Figures]]) -> list[str]:
    cells: list[str] = []
    for at, column in enumerate(group.columns):
        middle = value(found[client], column)
        cells.append("-" if middle is None else f"{middle:,.{column.digits}f}")
        if not at:
            figures = [column.of(sample) for sample in found[client]]
            cells.append(f"{min(figures):,.{column.digits}f}-{max(figures):,.{column.digits}f}")
        if at < group.ratios:
            cells += [_ratio(found, client, peer, column) for peer in PEERS]
    return cells


def _ratio(found: Mapping[str, Sequence[Figures]], client: str, peer: str, column: Column) -> str:
    return "" if client == peer else f"{ratio(found[client], found[peer], column):.2f}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns: the first two to the left, the rest to the right."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines: list[str] = []
    for row in rows:
        left = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        lines.append("  ".join(left + right).rstrip())
    return "\n".join(lines)
