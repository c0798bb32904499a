# SPDX-License-Identifier: BSD-3-Clause
"""python3 -m devmem URL...: fetches objects into device memory and tells what came."""

import argparse
import hashlib
import sys

from . import DevmemError, Loader, Object
from ._structs import MEM_KINDS


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m devmem",
        description="Fetches objects into device memory, in order, and prints URL, size and "
        "SHA-256 of each. Exit status: 0; 1: an object failed; 2: nothing could be fetched.",
    )
    parser.add_argument("urls", nargs="+", metavar="URL", help="http://host[:port]/path")
    parser.add_argument("-i", "--interface", help="network interface (default: the first)")
    parser.add_argument("-m", "--memory", choices=MEM_KINDS, default="cuda")
    parser.add_argument("-w", "--window", type=int, default=256, metavar="MIB")
    return parser.parse_args()


def _show(obj: Object) -> bool:
    if obj.error is not None:
        print(f"devmem: {obj.error}", file=sys.stderr)
        return False
    digest = hashlib.sha256()
    for chunk in obj.chunks():
        digest.update(chunk)
    print(obj.url, obj.nbytes, digest.hexdigest(), flush=True)
    return True


def main() -> int:
    """The command. Returns its exit status."""
    args = _arguments()
    options = dict(interface=args.interface, exporter=args.memory, window=args.window << 20)
    try:
        with Loader(args.urls, on_error="yield", **options) as loader:
            return 0 if all([_show(obj) for obj in loader]) else 1
    except DevmemError as error:
        print(f"devmem: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
