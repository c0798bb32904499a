# SPDX-License-Identifier: BSD-3-Clause
"""Types of elements: as the array interfaces spell them, and as DLPack numbers them."""

from typing import NamedTuple, Optional, Union

_CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}  # DLDataTypeCode
_BFLOAT = 4
_SIZES = {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16), "b": (1,)}


class Dtype(NamedTuple):
    """The type of an element; typestr is None where the array interfaces have no word for it."""

    typestr: Optional[str]
    code: int
    itemsize: int  # bytes


def parse(dtype: Union[str, object]) -> Dtype:
    """The type that @dtype names: "<f4", "u1", "bfloat16", or a numpy.dtype."""
    text = getattr(dtype, "str", dtype)
    if text == "bfloat16":
        return Dtype(None, _BFLOAT, 2)
    if not isinstance(text, str) or not text:
        raise TypeError(f"{dtype!r} is no type of an element: give one like '<f4'")
    order, rest = (text[0], text[1:]) if text[0] in "<>|=" else ("<", text)
    kind, size = rest[:1], rest[1:]
    if kind not in _SIZES or not size.isdecimal() or int(size) not in _SIZES[kind]:
        raise TypeError(f"no type of an element is {text!r}: there are i, u, f, c and b")
    if order == ">" and int(size) > 1:
        raise TypeError(f"{text!r} has the other byte order: no device reads that in place")
    return Dtype(("|" if size == "1" else "<") + rest, _CODES[kind], int(size))
