# SPDX-License-Identifier: BSD-3-Clause
"""The command line of bench/report."""

from __future__ import annotations

import argparse
import pathlib
import shutil
import sys

from . import compare, document, figures, pictures, readers, samples
from .environment import REPO, describe
from .limits import set_limits
from .matrix import PARTS
from .page import page
from .points import Points
from .run import measure, present, say

DOCS = REPO / "docs"
COMMITTED = DOCS / "performance/report.json"
MARKED = (REPO / "README.md",)  # documents by hand that hold figures of the report
MOST = 24 * 60  # minutes


class Usage(Exception):
    """What was asked for cannot be done."""


def parts_of(text: str) -> list:
    by_name = {part.name: part for part in PARTS}
    unknown = [name for name in text.split(",") if name not in by_name]
    if unknown:
        raise argparse.ArgumentTypeError(f"no part '{unknown[0]}'; there are {', '.join(by_name)}")
    return [by_name[name] for name in text.split(",")]


def minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= MOST:
        raise argparse.ArgumentTypeError(f"'{text}': give minutes, up to {MOST}")
    return value


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench/report",
        description="Measures the whole matrix of benches in the guest, each point at least three times, and keeps every value.",
        epilog="Exit status: 0; 1 when something could not be measured, or when --strict finds something worse; 2 for wrong usage.",
    )
    parser.add_argument("--short", action="store_true", help="small and few points, about 90 seconds: shows that everything works")
    parser.add_argument("--budget", type=minutes, default=20, metavar="MINUTES", help="passes over the matrix are made while there is time for another, at least 3 (default 20)")
    parser.add_argument("--only", type=parts_of, default=list(PARTS), metavar="PART,...", help="these of " + ", ".join(part.name for part in PARTS))
    parser.add_argument("--out", type=pathlib.Path, default=REPO / "build/report", metavar="DIR", help="raw files of all runs, report.json, performance.md and pictures (default build/report)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also write the report's JSON there")
    parser.add_argument("--of", type=pathlib.Path, metavar="FILE", help="measure nothing: print the report of FILE")
    parser.add_argument("--commit", action="store_true", help="also bring docs/performance.md, docs/performance/ and the figures of README.md up to date")
    parser.add_argument("--compare", type=pathlib.Path, nargs="+", metavar=("OLD.json", "NEW.json"), help="what changed by more than noise since OLD; with NEW nothing is measured")
    parser.add_argument("--strict", action="store_true", help="with --compare: exit status 1 when something got worse")
    return parser


def clear(out: pathlib.Path) -> None:
    """Removes what an earlier report left in out, and nothing else."""
    out.mkdir(parents=True, exist_ok=True)
    for path in [*out.glob("pass-[0-9]*"), out / "performance"]:
        shutil.rmtree(path, ignore_errors=True)
    for name in ("report.json", "performance.md"):
        (out / name).unlink(missing_ok=True)


def measured(options: argparse.Namespace) -> tuple[document.Report, bool]:
    """A new report, and whether everything in it could be measured."""
    out = options.out
    clear(out)
    # Limits are made of what the machine can do.
    parts, points = present(dict.fromkeys([*parts_of("machine"), *options.only])), Points()
    environment = describe()
    good = measure(parts, options.short, 60 * options.budget, out.resolve(), points)
    set_limits(points, environment["cores"])
    shares = samples.series(readers.line_samples(out / "pass-1/line-rate"))
    skipped = [part.name for part in PARTS if part not in parts]
    return document.Report(environment, {"short": options.short, "budget_minutes": options.budget, "skipped": skipped}, points, shares), good


def write(report: document.Report, options: argparse.Namespace) -> None:
    report.write(options.out / "report.json")
    if options.json:
        report.write(options.json)
    (options.out / "performance.md").write_text(page(report), encoding="utf-8")
    pictures.draw_all(report, options.out / "performance")


def commit(report: document.Report) -> None:
    """Everything in the tree that a report makes."""
    report.write(COMMITTED)
    (DOCS / "performance.md").write_text(page(report), encoding="utf-8")
    pictures.draw_all(report, DOCS / "performance")
    for path in MARKED:
        path.write_text(figures.filled(path.read_text(encoding="utf-8"), report.points), encoding="utf-8")
    say("docs/performance.md, docs/performance/ and README.md are up to date")


def compared(old: document.Report, new: document.Report, strict: bool) -> bool:
    """Tells what changed; whether --strict has nothing against it."""
    changes = compare.compare(old.points, new.points)
    both = sum(point.name in old.points for point in new.points)
    print(compare.tell(changes, len(old.points) - both, len(new.points) - both))
    return not (strict and any(change.worse for change in changes))


def run(options: argparse.Namespace) -> bool:
    if options.compare and len(options.compare) > 2:
        raise Usage("--compare takes OLD.json, and NEW.json or nothing")
    old = document.read(options.compare[0]) if options.compare else None
    if old and len(options.compare) == 2:
        return compared(old, document.read(options.compare[1]), options.strict)
    if options.of:
        report, good = document.read(options.of), True
    else:
        report, good = measured(options)
        if not len(report.points):
            say("nothing was measured")
            return False
        write(report, options)
    print(page(report))
    if options.commit:
        commit(report)
    return (compared(old, report, options.strict) if old else True) and good


def main() -> int:
    parser = arguments()
    options = parser.parse_args()
    try:
        return 0 if run(options) else 1
    except (Usage, document.Unreadable) as error:
        parser.error(str(error))
    except (pictures.NoPictures, KeyError, OSError) as error:
        say(error.args[0] if isinstance(error, KeyError) else str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
