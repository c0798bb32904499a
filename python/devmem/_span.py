# SPDX-License-Identifier: BSD-3-Clause
"""Spans: pieces of device memory that are given back when nobody in Python looks at them."""

import ctypes
import weakref
from typing import TYPE_CHECKING

from ._handle import Handle

if TYPE_CHECKING:
    from ._engine import Engine


class Span:
    """@nbytes of device memory of @engine at @address.

    Whoever uses the memory holds the span: an object, its views, and tensors of other libraries.
    When the last of them has gone, in whatever thread, @owner goes and gives the memory back.
    """

    def __init__(self, engine: "Engine", address: int, nbytes: int, owner: Handle) -> None:
        self.engine = engine
        self.address = address
        self.nbytes = nbytes
        self.owner = owner
        self.users: "weakref.WeakSet[Handle]" = weakref.WeakSet()  # a loader and its objects


def buffer(span: Span, offset: int, nbytes: int) -> "ctypes.Array[ctypes.c_ubyte]":
    """A writable buffer over memory that the CPU reaches; it, and what is made of it, holds
    the span."""
    view = (ctypes.c_ubyte * nbytes).from_address(span.address + offset)
    setattr(view, "span", span)
    return view
