# SPDX-License-Identifier: BSD-3-Clause
"""Points as a table of Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, log10

from .points import METRICS, Point


def figure(value: float) -> str:
    """Three digits that count, without an exponent."""
    if value == 0:
        return "0"
    return f"{value:.{min(max(2 - floor(log10(abs(value))), 0), 6)}f}"


def size(count: int) -> str:
    """8, 64K, 1M: as options take it."""
    for unit, shift in (("G", 30), ("M", 20), ("K", 10)):
        if count >= 1 << shift and count % (1 << shift) == 0:
            return f"{count >> shift}{unit}"
    return str(count)


def word(key: str, value) -> str:
    """A parameter's value, as a table has it."""
    if key == "size" and isinstance(value, int):
        return size(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def named(params: dict, keys: Iterable[str]) -> str:
    """Parameters as words: devmem, 4 channels."""

    def of(key: str) -> str:
        value = word(key, params[key])
        return value if key in ("plan", "way", "memory") else f"{value} {key.removesuffix('s') if value == '1' else key}"

    return ", ".join(of(key) for key in keys)


def cell(point: Point) -> str:
    return f"{figure(point.median)} ± {point.noise:.0f} %"


def limit_of(points: Iterable[Point], metric: str) -> str:
    """Of a row: its points of one metric have the same."""
    return next((figure(point.limit) for point in points if point.metric == metric and point.limit is not None), "")


def row_of(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def head(key: tuple[str, str], metrics: bool) -> str:
    """Of a column: the parameters that it stands for, and its metric where there are several."""
    name, metric = key
    if not metrics:
        return name
    return (f"{name}: " if name else "") + f"{metric.replace('_', ' ')} ({METRICS[metric][0]})"


def table(points: list[Point], rows: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """A row for each value of the parameters `rows`, a column for each of `columns` and each metric, and the limit where a row has one."""
    lines: dict[tuple, dict[tuple[str, str], Point]] = {}
    heads: dict[tuple[str, str], None] = {}
    for point in points:
        column = (named(point.params, columns), point.metric)
        heads.setdefault(column)
        lines.setdefault(tuple(word(key, point.params[key]) for key in rows), {})[column] = point
    several = len({point.metric for point in points}) > 1
    limited = list(dict.fromkeys(point.metric for point in points if point.limit is not None))
    limits = ["limit"] if len(limited) == 1 else [f"limit of {metric}" for metric in limited]
    text = [row_of([*rows, *(head(key, several) for key in heads), *limits])]
    text.append(row_of(["---"] * len(rows) + ["---:"] * (len(heads) + len(limits))))
    for words, cells in lines.items():
        last = (limit_of(cells.values(), metric) for metric in limited)
        text.append(row_of([*words, *(cell(cells[key]) if key in cells else "" for key in heads), *last]))
    return "\n".join(text)
