# SPDX-License-Identifier: BSD-3-Clause
"""The report as a file of JSON: environment, settings, points with all values, samples over time. docs/benchmarks.md describes it."""

from __future__ import annotations

import json
import pathlib
from dataclasses import dataclass

from .points import Points, of_json

SCHEMA = 1


class Unreadable(Exception):
    """A file is no report."""


def lines(value) -> str:
    """A list's entries are a line each, so that two reports may be compared by eye as well."""
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(" " + json.dumps(entry, ensure_ascii=False) for entry in value) + "\n]"


@dataclass
class Report:
    environment: dict
    settings: dict
    points: Points
    samples: list[dict]  # of line-rate: {"plan", "pairs", "directions", "shares": [[seconds, % of line rate], ...]}

    def write(self, path: pathlib.Path) -> None:
        document = {
            "schema": SCHEMA,
            "environment": self.environment,
            "settings": self.settings,
            "points": [point.as_json() for point in self.points],
            "samples": self.samples,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{\n" + ",\n".join(f'"{key}": {lines(value)}' for key, value in document.items()) + "\n}\n", encoding="utf-8")


def read(path: pathlib.Path) -> Report:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise Unreadable(f"{path}: schema {document['schema']}, this program reads {SCHEMA}; use the bench/report that wrote it")
        points = Points([of_json(entry) for entry in document["points"]])
        return Report(document["environment"], document["settings"], points, document["samples"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"{path} is no report: {error!r}; bench/report --json FILE writes one") from error
