"""A part of a model used once, on the smallest input, when it is opened.

Configs hold values that build a net which cannot run: that is told of the file, before anything is played.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from studio.models.errors import CheckpointError

Result = TypeVar("Result")


def attempt(part: str, path: Path, use: Callable[[], Result]) -> Result:
    """Use a part; what its libraries raise becomes a CheckpointError that names it, but a lack of memory."""
    import torch

    try:
        with torch.no_grad():
            return use()
    except (CheckpointError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # what a value that cannot be makes of a forward is any of a dozen kinds
        said = (str(error).splitlines() or [""])[0][:160]
        raise CheckpointError(
            f"{path}: its {part} cannot be used ({type(error).__name__}: {said}); its config.json holds a value that "
            "cannot be, or does not belong to its weights; download it again"
        ) from error
