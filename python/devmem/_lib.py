# SPDX-License-Identifier: BSD-3-Clause
"""Finds and loads the shared libraries, and tells ctypes what their functions take."""

import ctypes
import errno
import functools
import os
from ctypes import POINTER, c_bool, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from typing import Any, Dict, Iterator, List, Tuple

from . import _structs
from .errors import DevmemError

SEARCH_PATH = "DEVMEM_LIBRARY_PATH"

_error = POINTER(_structs.Error)
_out = POINTER(c_void_p)
_Prototypes = Dict[str, Tuple[Any, List[Any]]]

INDEX_FN = ctypes.CFUNCTYPE(c_int, c_void_p, c_char_p, c_char_p)

DEVMEM: _Prototypes = {
    "devmem_exporter_open": (c_int, [c_int, c_int, _out, _error]),
    "devmem_exporter_close": (None, [c_void_p]),
    "devmem_exporter_ordinal": (c_int, [c_void_p]),
    "devmem_exporter_cpu_reaches": (c_bool, [c_void_p]),
    "devmem_exporter_trouble": (None, [c_void_p, _error]),
    "devmem_mem_alloc": (c_int, [c_void_p, c_size_t, _out, _error]),
    "devmem_mem_wrap": (
        c_int,
        [c_void_p, c_void_p, c_size_t, c_int, c_uint64, _out, _error],
    ),
    "devmem_mem_free": (None, [c_void_p]),
    "devmem_staging_alloc": (c_void_p, [c_void_p, c_size_t]),
    "devmem_staging_free": (None, [c_void_p, c_void_p]),
    "devmem_copy_start": (
        c_int,
        [c_void_p, POINTER(_structs.Copy), c_uint, POINTER(c_uint64)],
    ),
    "devmem_copy_done": (c_int, [c_void_p, c_uint64]),
    "devmem_nic_list": (c_int, [c_char_p, c_int, POINTER(_structs.Nic), c_uint, _error]),
}

HTTP: _Prototypes = {
    "devmem_http_open": (
        c_int,
        [POINTER(_structs.Nic), c_void_p, POINTER(_structs.HttpOptions), _out, _error],
    ),
    "devmem_http_close": (None, [c_void_p]),
    "devmem_http_fd": (c_int, [c_void_p]),
    "devmem_http_progress": (c_int, [c_void_p]),
    "devmem_http_stats_get": (None, [c_void_p, POINTER(_structs.HttpStats)]),
    "devmem_index_parse": (c_int, [c_char_p, c_size_t, c_char_p, INDEX_FN, c_void_p, _error]),
    "devmem_loader_open": (
        c_int,
        [c_void_p, c_void_p, POINTER(c_char_p), c_size_t, c_uint, _out, _error],
    ),
    "devmem_loader_close": (None, [c_void_p]),
    "devmem_loader_next": (c_int, [c_void_p, POINTER(_structs.Object), _error]),
    "devmem_loader_release": (c_int, [c_void_p, c_uint64]),
}


def _candidates(soname: str) -> Iterator[str]:
    for folder in filter(None, os.environ.get(SEARCH_PATH, "").split(":")):
        path = os.path.join(folder, soname)
        if os.path.exists(path):
            yield path
    yield soname


def _load(soname: str) -> ctypes.CDLL:
    name = next(_candidates(soname))
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise DevmemError(
            -errno.ENOENT,
            f"cannot load {soname}: {error}; install it, or name its folder in ${SEARCH_PATH}",
        ) from None


def _declare(library: ctypes.CDLL, prototypes: _Prototypes) -> ctypes.CDLL:
    for name, (result, arguments) in prototypes.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


@functools.lru_cache(maxsize=None)
def devmem() -> ctypes.CDLL:
    """libdevmem. Its calls let other threads of Python run."""
    return _declare(_load("libdevmem.so.0"), DEVMEM)


@functools.lru_cache(maxsize=None)
def http() -> ctypes.CDLL:
    """libdevmem-http, which finds the libdevmem that was loaded before it."""
    devmem()
    return _declare(_load("libdevmem-http.so.0"), HTTP)
