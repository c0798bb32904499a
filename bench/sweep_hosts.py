#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Inside the guest: runs the variants of $DEVMEM_OUT/sweep.json in turns, round by round, and leaves ID.ROUND.json of each."""

import json
import os
import pathlib
import subprocess
import sys

LIMIT = 120  # seconds of one run


def shell(line: str, environment: dict[str, str]) -> str:
    """Runs line; what went wrong, or nothing."""
    command = ["timeout", "-k", "5", str(LIMIT), "bash", "-c", line]
    run = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if run.returncode == 124:
        return f"not done after {LIMIT} s\n{run.stdout}"
    return f"ended with status {run.returncode}\n{run.stdout}" if run.returncode else ""


def main() -> int:
    out = pathlib.Path(os.environ["DEVMEM_OUT"])
    sweep = json.loads((out / "sweep.json").read_text(encoding="utf-8"))
    hosts = range(int(os.environ["DEVMEM_HOSTS"]))
    # As hardware that receives to device memory does.
    failure = shell(" && ".join(f"on host{host} ethtool -K dm0 rx-gro-hw on" for host in hosts), {})
    if failure:
        print(f"sweep: rx-gro-hw: {failure}", file=sys.stderr)
        return 1
    failures = 0
    for number in range(sweep["rounds"]):
        for variant in sweep["variants"]:
            line = variant["command"].replace("{json}", str(out / f"{variant['id']}.{number}.json"))
            for step in (variant["before"], line, variant["after"]):
                failure = shell(step, variant["environment"]) if step else ""
                if failure:
                    print(f"sweep: {variant['id']}: {step}: {failure}", file=sys.stderr)
                    failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
