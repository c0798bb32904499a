# SPDX-License-Identifier: BSD-3-Clause
"""Failures, with the library's number and its sentence."""

import ctypes
import os
from typing import Any, Optional, Tuple

from . import _structs


class DevmemError(OSError):
    """A call of the library failed.

    code: -errno, as the library gave it. errno: the same, positive. str() is one sentence: who
    failed, why, and what to do next. url and number name the object that could not be fetched,
    where the failure is one of an object, and are None else.
    """

    def __init__(
        self, code: int, text: str, url: Optional[str] = None, number: Optional[int] = None
    ) -> None:
        super().__init__(-code, text)
        self.code = code
        self.url = url
        self.number = number

    def __str__(self) -> str:
        return self.strerror if self.url is None else f"{self.url}: {self.strerror}"


class ReleasedError(ValueError):
    """Memory was used that has been given back."""


def sentence(code: int, error: Optional[_structs.Error]) -> str:
    """The library's sentence, or the system's where the library left none."""
    text = error.text.decode(errors="replace") if error is not None else ""
    return text or os.strerror(-code)


def check(code: int, error: Optional[_structs.Error] = None) -> int:
    """Returns @code, which is that of a call, or raises DevmemError where it is one of failure."""
    if code < 0:
        raise DevmemError(code, sentence(code, error))
    return code


def error_and_pointer() -> Tuple[_structs.Error, Any]:
    """An empty struct devmem_error, and what a call takes to fill it."""
    error = _structs.Error()
    return error, ctypes.byref(error)
