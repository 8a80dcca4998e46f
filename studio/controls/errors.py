"""What is said of a control that cannot be."""

from __future__ import annotations


class ControlError(ValueError):
    """A control that cannot be: says what was got, what is possible, and what to do."""
