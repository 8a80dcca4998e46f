"""What a page is told when it cannot have what it asks for."""

from __future__ import annotations


class Waiting(RuntimeError):
    """There is no session for this page yet; says why. The page asks again by itself."""


class SeatsTaken(Waiting):
    """No seat is free; says what to do."""


class LibraryError(ValueError):
    """A choice of a model that cannot be: says what is possible."""


class QuotaExceeded(ValueError):
    """No more can be kept for this person; says what to do."""


class OptionsError(ValueError):
    """What a server is to be started with cannot be: says what is possible."""


class TakeRefused(ValueError):
    """A file that no take can be opened from: says why, and what to do."""
