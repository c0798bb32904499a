# SPDX-License-Identifier: BSD-3-Clause
"""Numbers of objects whose memory goes back, handed from any thread to the loader's."""

import collections
import os
from typing import Any, Callable, Deque, Dict


class Returns:
    """A queue whose @fd is readable when there is something in it.

    It is for destructors: put() waits for nothing and takes no lock, since a destructor may run
    in the middle of anything, take() included. The last user closes the pipe.
    """

    def __init__(self) -> None:
        self._numbers: Deque[int] = collections.deque()
        self._events: Dict[int, Any] = {}
        self.fd, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def after(self, number: int, event: Any) -> None:
        """Holds @number back, once it is put, until event.query() is true."""
        self._events[number] = event

    @property
    def held_back(self) -> bool:
        """True when take() left numbers there, of whose events nothing tells."""
        return bool(self._numbers)

    def put(self, number: int) -> None:
        """Adds @number. Any thread."""
        self._numbers.append(number)
        try:
            os.write(self._wake, b"\0")
        except BlockingIOError:
            pass  # full of bytes, and so readable

    def take(self, give_back: Callable[[int], object]) -> None:
        """Calls @give_back with each number whose event has passed. One that is interrupted gets
        the number again."""
        try:
            os.read(self.fd, 4096)
        except BlockingIOError:
            pass
        for _ in range(len(self._numbers)):
            number = self._numbers[0]
            if number in self._events and not self._events[number].query():
                self._numbers.rotate(-1)
                continue
            give_back(number)
            self._numbers.popleft()
            self._events.pop(number, None)

    def __del__(self) -> None:
        if hasattr(self, "fd"):
            os.close(self.fd)
            os.close(self._wake)
