# SPDX-License-Identifier: BSD-3-Clause
"""devmem: objects of web servers, fetched into device memory over device memory TCP."""

from .errors import DevmemError, ReleasedError
from .http import Http, parse_index
from .loader import Loader
from .memory import Exporter, Memory
from .objects import Object
from .tensor import Tensor, View

__all__ = [
    "DevmemError",
    "Exporter",
    "Http",
    "Loader",
    "Memory",
    "Object",
    "ReleasedError",
    "Tensor",
    "View",
    "parse_index",
]
