"""A fair lock."""

from __future__ import annotations

import threading


class Turn:
    """A lock that goes by order of arrival: a thread that steps without end cannot keep the others out."""

    def __init__(self) -> None:
        self._door, self._room = threading.Lock(), threading.Lock()

    def __enter__(self) -> None:
        with self._door:
            self._room.acquire()

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits; for who has it."""
        return self._door.locked()

    def __exit__(self, *_: object) -> None:
        self._room.release()
