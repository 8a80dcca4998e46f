"""Folders that things are written to: whether they can be, and one of the person's own where a shared one cannot."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def write_error(folder: Path) -> str:
    """Say why files cannot be written into a folder, or why it cannot be made where it is not there; "" if they can.

    Tried, not asked: rights alone do not tell of read-only disks. Nothing stays of the trial.
    """
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryFile(dir=there):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def expand_home(path: str | Path) -> Path:
    """Put the home folder in the place of a path's ~; a path whose ~ names nobody's stays as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def use_own_gradio_folder() -> Path:
    """Give Gradio a temporary folder it can write to, and return it; call before Gradio is imported.

    Gradio's is `gradio` in the folder for temporary files, whoever made it: another person of the machine keeps it from
    starting. Then it gets one of this person's own. GRADIO_TEMP_DIR, where it is set, stands.
    """
    if named := os.environ.get("GRADIO_TEMP_DIR"):
        return Path(named)
    shared = Path(tempfile.gettempdir()) / "gradio"
    if not any(write_error(folder) for folder in (shared, shared / "vibe_edit_history")):
        return shared
    own = Path(tempfile.mkdtemp(prefix="gradio-"))  # a name that can be foreseen could be another person's again
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = str(own)
    return own
