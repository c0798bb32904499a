# SPDX-License-Identifier: BSD-3-Clause
"""Objects as a Loader brings them."""

from typing import Any, Callable, Optional

from ._span import Span
from .errors import DevmemError
from .tensor import Tensor


class Object(Tensor):
    """One object in the window of a Loader, or one that could not be fetched.

    url: as it was given. number: its place in the order, from 0. error: None, or why it could not
    be fetched (Loader's on_error="yield"): then it has no memory, and what asks for it raises
    error.

    It is released when the next one is asked for, unless keep() was called. Views and tensors made
    of it hold its memory until the last of them is gone.
    """

    def __init__(
        self,
        url: str,
        number: int,
        span: Optional[Span] = None,
        error: Optional[DevmemError] = None,
        after: Optional[Callable[[int, Any], None]] = None,
    ) -> None:
        self.url = url
        self.number = number
        self.error = error
        self.kept = False
        self._span = span
        self._after = after

    def _held(self) -> Span:
        if self.error is not None:
            raise self.error
        return super()._held()

    def keep(self) -> "Object":
        """Leaves it to the caller to release() this, or to drop it. Returns this."""
        self.kept = True
        return self

    def release_after(self, event: Any) -> None:
        """Releases it; its memory does not go back before event.query() is true, as that of a
        torch.cuda.Event is once the work before it is done."""
        self._held()
        if self._after is not None:
            self._after(self.number, event)
        self.release()

    def __enter__(self) -> "Object":
        return self

    def __exit__(self, *what: object) -> None:
        self.release()

    def __repr__(self) -> str:
        state = "failed" if self.error else "released" if self.released else "loaded"
        return f"<devmem.Object {self.number} {self.url}, {state}>"
