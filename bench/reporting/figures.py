# SPDX-License-Identifier: BSD-3-Clause
"""Figures in documents by hand: <!-- figure POINT -->62.1<!-- end --> is what the report has for that point."""

from __future__ import annotations

import re
from collections.abc import Callable

from .points import Points
from .tables import figure

MARK = re.compile(r"(<!-- figure (?P<name>[^|]*?)(?: / (?P<of>[^|]*?))? -->)(?P<text>.*?)(<!-- end -->)", re.DOTALL)


def number(points: Points, name: str) -> float:
    """Of `POINT` its median, of `POINT limit` its limit."""
    point = name.removesuffix(" limit")
    if point not in points:
        raise KeyError(f"the report has no point '{point}'")
    if point == name:
        return points[point].median
    limit = points[point].limit
    if limit is None:
        raise KeyError(f"the report has no limit of '{point}'")
    return limit


def value(points: Points, name: str, of: str | None) -> str:
    """What stands between the marks: a median or a limit, or one over another."""
    return figure(number(points, name) / (number(points, of) if of else 1))


def each(text: str, points: Points, change: Callable[[re.Match, str], str]) -> str:
    return MARK.sub(lambda mark: change(mark, value(points, mark["name"], mark["of"])), text)


def filled(text: str, points: Points) -> str:
    """text with all of its marked figures as points has them."""
    return each(text, points, lambda mark, right: mark[1] + right + mark[5])


def wrong(text: str, points: Points) -> list[str]:
    """What is said of each marked figure that points has not, or has otherwise."""
    complaints = []
    for mark in MARK.finditer(text):
        try:
            right = value(points, mark["name"], mark["of"])
        except KeyError as error:
            complaints.append(error.args[0])
            continue
        if mark["text"] != right:
            complaints.append(f"{mark['name']}: the text has '{mark['text']}', the report '{right}'")
    return complaints
