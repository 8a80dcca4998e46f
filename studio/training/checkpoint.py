"""Resumable training state: one file, replaced whole, read with `weights_only`."""

from pathlib import Path

import torch


def save_checkpoint(path: Path, step: int, **parts) -> None:
    """Writes the state dicts of `parts` and the step; a crash leaves the former file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save({"step": step, **{name: part.state_dict() for name, part in parts.items()}}, partial)
    partial.replace(path)


def load_checkpoint(path: Path, **parts) -> int:
    """Restores `parts` from `path` if it is there; returns the step to go on from (0 without a file)."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True, map_location="cpu")
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return state["step"]
