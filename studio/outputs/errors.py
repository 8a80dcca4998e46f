"""What is said where frames cannot be written."""

from __future__ import annotations

import importlib.util
from pathlib import Path


class OutputError(ValueError):
    """A file that nothing here writes: says which can be written."""


def missing_package(module: str, package: str, extra: str) -> str:
    """Say how to install the package that a module is of; "" where it is there. Nothing is imported."""
    there = importlib.util.find_spec(module) is not None
    return "" if there else f'it needs {package}: pip install "live-studio[{extra}]"'


def write_error(path: Path, error: OSError) -> OSError:
    """Give the error a person can act on."""
    reason = error.strerror or str(error)
    return OSError(error.errno, f"cannot write {path} ({reason}); make room or choose another place, and render again")
