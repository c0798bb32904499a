# SPDX-License-Identifier: BSD-3-Clause
"""The HTTP client: connections whose payload is in device memory."""

import ctypes
import errno
import socket
from typing import Any, Dict, List, Optional, Tuple

from . import _lib, _structs
from ._engine import Engine
from ._handle import Handle
from .errors import DevmemError, check, error_and_pointer
from .memory import Exporter


def _filter(interface: Optional[str]) -> bytes:
    """@interface as devmem_nic_list() has it: a plain name is that interface and no other."""
    if not interface or interface[0] in "^=":
        return (interface or "").encode()
    return b"=" + interface.encode()


def find_nic(interface: Optional[str] = None) -> _structs.Nic:
    """The first usable interface of that name, or of a list as NCCL_SOCKET_IFNAME has it."""
    nic = _structs.Nic()
    error, at = error_and_pointer()
    nics = _lib.devmem().devmem_nic_list
    found = check(
        nics(_filter(interface), socket.AF_UNSPEC, ctypes.byref(nic), 1, at), error
    )
    if not found:
        name = interface or "any name"
        raise DevmemError(
            -errno.ENODEV,
            f"no interface of {name} is running and has an address: see ip -br addr",
        )
    return nic


def _text(value: Optional[str]) -> Optional[bytes]:
    return None if value is None else value.encode()


class Http:
    """Leases rx queues of the NIC of @interface, and connects from there. Needs CAP_NET_ADMIN or
    devmemd. Blocks while the driver restarts queues.

    @interface: its name; None: the first that is usable. @exporter: whose memory objects go to;
    it may be closed afterwards. @connections: at once, 1 to 128; 0: 4. @queues to lease; 0: 1.
    @pool_bytes of device memory that the NIC writes to; 0: 64 MiB. @part_bytes: larger objects
    are fetched by ranges of so many bytes; 0: 16 MiB. @tries of a request that brings nothing new;
    0: 6. @server_timeout: seconds without a byte from it; 0: 30. @redirects of one object;
    0: 10. @lease_dir and @broker as devmem_port_options has them.

    A client and its loaders belong to one thread at a time.
    """

    def __init__(
        self,
        interface: Optional[str] = None,
        exporter: Optional[Exporter] = None,
        *,
        connections: int = 0,
        queues: int = 0,
        pool_bytes: int = 0,
        part_bytes: int = 0,
        tries: int = 0,
        server_timeout: float = 0,
        redirects: int = 0,
        lease_dir: Optional[str] = None,
        broker: Optional[str] = None,
    ) -> None:
        options = _structs.HttpOptions(
            queues=queues,
            connections=connections,
            pool_bytes=pool_bytes,
            part_bytes=part_bytes,
            tries=tries,
            timeout_ms=round(1000 * server_timeout),
            redirects=redirects,
            lease_dir=_text(lease_dir),
            broker=_text(broker),
        )
        engine = (exporter or Exporter()).engine
        self._engine: Optional[Engine] = engine
        self._handle: Optional[Handle] = _open(find_nic(interface), engine, options)

    @property
    def handle(self) -> Handle:
        """The C library's client. ValueError: this is closed."""
        if self._handle is None:
            raise ValueError("the client is closed")
        return self._handle

    @property
    def engine(self) -> Engine:
        """The exporter whose memory objects go to. ValueError: this is closed."""
        if self._engine is None:
            raise ValueError("the client is closed")
        return self._engine

    @property
    def fd(self) -> int:
        """A descriptor that is readable when progress() has something to do."""
        return int(_lib.http().devmem_http_fd(self.handle))

    def progress(self) -> int:
        """Moves everything as far as it goes, without waiting. Returns how many fetches are under
        way. Loaders do it when the next object is asked for."""
        return check(_lib.http().devmem_http_progress(self.handle))

    def stats(self) -> Dict[str, int]:
        """Where bytes went since the client was opened: the fields of devmem_http_stats."""
        stats = _structs.HttpStats()
        _lib.http().devmem_http_stats_get(self.handle, ctypes.byref(stats))
        return {name: getattr(stats, name) for name, _ in stats._fields_}

    def close(self) -> None:
        """Ends all connections, once loaders are closed, too."""
        self._handle = self._engine = None

    def __enter__(self) -> "Http":
        return self

    def __exit__(self, *what: object) -> None:
        self.close()


def _open(nic: _structs.Nic, engine: Engine, options: _structs.HttpOptions) -> Handle:
    lib = _lib.http()
    pointer = ctypes.c_void_p()
    error, at = error_and_pointer()
    code = lib.devmem_http_open(
        ctypes.byref(nic), engine, ctypes.byref(options), ctypes.byref(pointer), at
    )
    check(code, error)
    return Handle(pointer, lib.devmem_http_close, engine)


def parse_index(text: bytes, base: str) -> List[Tuple[str, str]]:
    """Names and whole URLs of the objects of an index, in its order: a text with an object in
    each line, or the XML of an S3 listing. What is relative is so to @base."""
    entries: List[Tuple[str, str]] = []

    def add(_: Any, name: bytes, url: bytes) -> int:
        entries.append((name.decode(), url.decode()))
        return 0

    error, at = error_and_pointer()
    parse = _lib.http().devmem_index_parse
    check(parse(text, len(text), base.encode(), _lib.INDEX_FN(add), None, at), error)
    return entries
