# SPDX-License-Identifier: BSD-3-Clause
"""The loader: many objects, in order, through a bounded window of device memory."""

import ctypes
import errno
import math
import select
import time
import weakref
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Union

from . import _lib, _structs
from ._handle import Handle
from ._returns import Returns
from ._span import Span
from .errors import DevmemError, check, error_and_pointer, sentence
from .http import Http
from .memory import Exporter, Memory, allocate
from .objects import Object

ON_ERROR = ("raise", "yield", "skip")
_EVENT_POLL = 1e-3  # seconds
_LONGEST_WAIT = 3600.0  # seconds; poll() takes no more than some weeks


class Loader:
    """Fetches objects in order and ahead of their use: `for obj in Loader(urls): ...`

    @http: a client; None: one is made with @interface and @http_options (see Http). @exporter: an
    Exporter or the name of a kind of memory, for the client that is made. @window: bytes of device
    memory that objects take turns in, or a Memory. It must hold the largest object, and all that
    are used at once. @ahead: fetches at once, 0: one for each connection.

    @on_error: of an object that cannot be fetched: "raise" raises DevmemError with its url and
    number, "yield" gives an Object whose error is set, "skip" passes over it. After each, next()
    goes on with the object behind it.

    @timeout: seconds to wait for an object before TimeoutError is raised; None: for ever. Waiting
    lets other threads run, and can be interrupted; next() then goes on where it was.

    Loader and Http belong to one thread at a time; objects, views and tensors may be used and
    dropped in any.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        http: Optional[Http] = None,
        interface: Optional[str] = None,
        exporter: Union[Exporter, str] = "cuda",
        window: Union[Memory, int] = 256 << 20,
        ahead: int = 0,
        on_error: str = "raise",
        timeout: Optional[float] = None,
        **http_options: Any,
    ) -> None:
        if on_error not in ON_ERROR:
            raise ValueError(f"on_error is one of {ON_ERROR}, not {on_error!r}")
        if http is not None and (interface or http_options):
            raise TypeError("interface and options of a client are told where it is made")
        self._on_error = on_error
        self._timeout = timeout
        self._current: Callable[[], Optional[Object]] = lambda: None
        self._raw = _structs.Object()
        self._error = _structs.Error()
        self._returns = Returns()
        self._owns_http = http is None
        self.http = http or _client(interface, exporter, http_options)
        self._handle: Optional[_Opened] = _Opened(
            self.http, _window(self.http, window), list(urls), ahead
        )
        self._poll = select.poll()
        self._poll.register(self.http.fd, select.POLLIN)
        self._poll.register(self._returns.fd, select.POLLIN)

    def __iter__(self) -> Iterator[Object]:
        return self

    def __next__(self) -> Object:
        self._release_current()
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            result = self._ask()
            if result == 0:
                self._wait(deadline)
            elif result == -errno.ENODATA:
                raise StopIteration
            elif result > 0:
                return self._arrived()
            else:
                error = self._failure(result)
                if self._on_error == "raise":
                    raise error
                if self._on_error == "yield":
                    return Object(str(error.url), int(error.number or 0), error=error)

    def _release_current(self) -> None:
        current = self._current()
        if current is not None and not current.kept:
            current.release()

    def _opened(self) -> "_Opened":
        if self._handle is None:
            raise ValueError("the loader is closed")
        return self._handle

    def _ask(self) -> int:
        """The result of devmem_loader_next()."""
        handle = self._opened()
        lib = _lib.http()
        self._returns.take(lambda number: lib.devmem_loader_release(handle, number))
        if self._raw.url:  # an interrupt came between the call and its result
            return self._error.code or 1
        self._error.code = 0
        raw, error = ctypes.byref(self._raw), ctypes.byref(self._error)
        return int(lib.devmem_loader_next(handle, raw, error))

    def _wait(self, deadline: Optional[float]) -> None:
        """Until there is something to do, or memory came back."""
        left = _LONGEST_WAIT if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(
                f"no object came within {self._timeout} s: the server is slow, or objects and "
                "views that are still used leave no room in the window"
            )
        longest = _EVENT_POLL if self._returns.held_back else _LONGEST_WAIT
        self._poll.poll(math.ceil(1000 * min(left, longest)))

    def _arrived(self) -> Object:
        raw = self._raw
        url, number, address, size = raw.url.decode(), raw.number, raw.addr or 0, raw.size
        raw.url = None
        window = self._opened().window
        owner = Handle(number, self._returns.put, window)
        window.users.add(owner)
        span = Span(window.engine, address, size, owner)
        obj = Object(url, number, span, after=self._returns.after)
        self._current = weakref.ref(obj)
        return obj

    def _failure(self, code: int) -> DevmemError:
        url, number = (self._raw.url or b"").decode(), self._raw.number
        self._raw.url = None
        return DevmemError(code, sentence(code, self._error), url, number)

    def close(self) -> None:
        """Gives up what is under way. Objects that were kept, and views, stay what they are: the
        window is freed with the last of them."""
        self._release_current()
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()  # the traceback of an exception may hold it
        if self._owns_http:
            self.http.close()

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, *what: object) -> None:
        self.close()


def _client(
    interface: Optional[str], exporter: Union[Exporter, str], options: Dict[str, Any]
) -> Http:
    if isinstance(exporter, str):
        exporter = Exporter(exporter)
    return Http(interface, exporter, **options)


def _window(http: Http, window: Union[Memory, int]) -> Span:
    if not isinstance(window, Memory):
        return allocate(http.engine, window).span
    span = window.span
    if span.engine is not http.engine:
        raise ValueError("the window is memory of another exporter than the client's")
    if span.users:
        raise ValueError("the window is another loader's, or objects and views in it are in use")
    return span


class _Opened(Handle):
    """The C library's loader, with what must live as long as it does."""

    def __init__(self, http: Http, window: Span, urls: List[str], ahead: int) -> None:
        lib = _lib.http()
        pointer = ctypes.c_void_p()
        error, at = error_and_pointer()
        array = (ctypes.c_char_p * len(urls))(*(url.encode() for url in urls))
        code = lib.devmem_loader_open(
            http.handle, window.owner, array, len(urls), ahead, ctypes.byref(pointer), at
        )
        check(code, error)
        super().__init__(pointer, lib.devmem_loader_close, http.handle)
        self.window = window
        window.users.add(self)

    def close(self) -> None:
        super().close()
        self.__dict__.pop("window", None)
