# SPDX-License-Identifier: BSD-3-Clause
"""Loads objects twice and compares their sums. python_loader.py MEMORY SUMS ORIGIN"""

import hashlib
import sys
from typing import Dict, List, Tuple

import numpy

from devmem import Exporter, Http, Loader, Object

WINDOW = 8 << 20


def read_sums(path: str) -> List[Tuple[str, str]]:
    """Names and sums, of a file that sha256sum wrote."""
    with open(path, encoding="ascii") as file:
        return [(name, digest) for digest, name in map(str.split, file)]


def sum_of(obj: Object) -> str:
    """The sum of an object: of an array in place, where the CPU reaches the memory."""
    if hasattr(obj, "__array_interface__"):
        return hashlib.sha256(numpy.asarray(obj).data).hexdigest()
    return hashlib.sha256(obj.tobytes()).hexdigest()


def expect(what: str, wanted: object, got: object) -> None:
    """Ends the process where the two differ."""
    if wanted != got:
        sys.exit(f"python_loader: {what} is {got!r} instead of {wanted!r}")


def check_stats(stats: Dict[str, int], nbytes: int) -> None:
    """All of @nbytes went to device memory, and every token back."""
    print(stats)
    expect("placed", nbytes, stats["placed"])
    for name in ("rx_linear", "rx_plain"):
        expect(name, 0, stats[name])
    expect("tokens_returned", stats["tokens_taken"], stats["tokens_returned"])


def main(memory: str, sums: str, origin: str) -> None:
    """Two rounds with one client."""
    wanted = read_sums(sums)
    urls = [f"{origin}/{name}" for name, _ in wanted]
    nbytes = 0
    with Exporter(memory) as exporter, Http("dm0", exporter) as http:
        for _ in range(2):
            with Loader(urls, http=http, window=WINDOW, timeout=60) as loader:
                for obj, (name, digest) in zip(loader, wanted):
                    expect(name, digest, sum_of(obj))
                    nbytes += obj.nbytes
                expect("what follows the last object", None, next(loader, None))
        check_stats(http.stats(), nbytes)


if __name__ == "__main__":
    main(*sys.argv[1:])
