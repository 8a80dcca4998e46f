"""What is said where frames cannot be written."""

from __future__ import annotations

from pathlib import Path


class OutputError(ValueError):
    """A file that nothing here writes: says which can be written."""


def write_error(path: Path, error: OSError) -> OSError:
    """Give the error a person can act on."""
    reason = error.strerror or str(error)
    return OSError(error.errno, f"cannot write {path} ({reason}); make room or choose another place, and render again")
