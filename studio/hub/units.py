"""Numbers of bytes as a person reads them."""

from __future__ import annotations


def gigabytes(count: int) -> str:
    """Write a number of bytes for a person: 2.6 GB, 22 MB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"
