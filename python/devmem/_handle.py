# SPDX-License-Identifier: BSD-3-Clause
"""What must be given back to the C library once, when its last user in Python has gone."""

from typing import Any, Callable, Optional


class Handle:
    """Owns @value, a pointer as a rule: @free gets it when the last reference has gone, in
    whatever thread that is, or close() is called.

    What is in @keeps lives until then: a memory keeps its exporter, a loader its client. ctypes
    takes a handle where a function wants the pointer.
    """

    def __init__(self, value: Any, free: Callable[[Any], Any], *keeps: object) -> None:
        self._as_parameter_ = value
        self._free: Optional[Callable[[Any], Any]] = free
        self._keeps = keeps

    def close(self) -> None:
        """Gives it back now, and lets go what it keeps."""
        free, self._free = self._free, None
        if free is not None:
            free(self._as_parameter_)
            self._keeps = ()

    def __del__(self) -> None:
        # There is none where a constructor failed.
        if hasattr(self, "_free"):
            self.close()
