#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Medians and ratios of peers.sh's runs: peers_table.py DIR, where their JSON lies."""
import collections
import glob
import json
import os
import statistics
import sys

WAYS = ("devmem", "plain", "mpi", "verbs")


def results(folder, kind):
    """Yields (way, run as its JSON) for all runs of a kind."""
    for way in WAYS:
        for path in sorted(glob.glob(os.path.join(folder, f"{way}.{kind}.*.json"))):
            with open(path, encoding="utf-8") as file:
                yield way, json.load(file)


def medians(folder, kind, names):
    """The median of each of names, by size and way, and the way's names for itself; ends the program on wrong data."""
    values, titles = collections.defaultdict(list), {}
    for way, run in results(folder, kind):
        titles[way] = run.get("plugin", way)
        for line in run["results"]:
            if line["wrong"]:
                sys.exit(f"peers: {line['wrong']} wrong values by {way} at {line['size']} bytes")
            values[line["size"], way].append([line[name] for name in names])
    if not values:
        sys.exit(f"peers: no runs in {folder}: are there files WAY.{kind}.N.json?")
    return {key: [statistics.median(column) for column in zip(*runs)] for key, runs in values.items()}, titles


def rows(table, form):
    """Prints a line for each size and way: the medians, and each as a multiple of devmem's."""
    for size, way in sorted(table, key=lambda key: (key[0], WAYS.index(key[1]))):
        values = table[size, way]
        ratios = [value / own if own else float("nan") for value, own in zip(values, table[size, "devmem"])]
        print(form.format(size, way, *values) + "".join(f" {'x%.2f' % ratio:>8}" for ratio in ratios))


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: peers_table.py DIR")
    folder = sys.argv[1]
    table, titles = medians(folder, "allreduce", ("time_us", "busbw", "cpu_us"))
    print("# all-reduce of float over 2 ranks; medians, and multiples of devmem's")
    print("#", ", ".join(f"{way}: {title}" for way, title in titles.items()))
    print("#     size way         time    busbw      cpu     time    busbw      cpu")
    print("#      (B)             (us)   (GB/s)     (us)")
    rows(table, "{:>10} {:<7} {:>8.0f} {:>8.3f} {:>8.0f}")
    table, _ = medians(folder, "stream", ("gbs", "cpu_s_per_gb"))
    print("# stream of messages from one rank to the other, 4 at once")
    print("#     size way         GB/s  CPU s/GB     GB/s      CPU")
    rows(table, "{:>10} {:<7} {:>8.3f} {:>9.3f}")


main()
