# SPDX-License-Identifier: BSD-3-Clause
"""Runs the tests of the Python binding; exit status 77 where they cannot run. python_test.py"""

import os
import pathlib
import shutil
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent


def main() -> int:
    """Compiles the libraries' stand-ins, and runs all tests of tests/unit/python on them."""
    if not shutil.which("cc"):
        print("cc is missing: apt-get install gcc")
        return 77
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(SOURCE / "python"), str(HERE / "python")]
    import standin

    with tempfile.TemporaryDirectory() as folder:
        standin.build(pathlib.Path(folder))
        os.environ["DEVMEM_LIBRARY_PATH"] = folder
        tests = unittest.defaultTestLoader.discover(str(HERE / "python"), "*_test.py")
        result = unittest.TextTestRunner(verbosity=1).run(tests)
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
