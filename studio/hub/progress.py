"""Who listens while something is downloaded."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int, str], None]  # bytes done, bytes in all, what is under way
