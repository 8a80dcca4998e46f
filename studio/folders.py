"""Folders that things are written to: whether they can be, and one of the person's own where a shared one cannot."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl


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


def state_folder() -> Path | None:
    """Say where the studio keeps what outlives a run, which is not looked for or made; None for who has no home folder.

    STUDIO_STATE_DIR, else `studio` in the user's folder for state.
    """
    if kept := os.environ.get("STUDIO_STATE_DIR"):
        return Path(kept)
    base = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else os.environ.get("XDG_STATE_HOME")
    if base:
        return Path(base) / "studio"
    home = expand_home("~")
    return home / ".local" / "state" / "studio" if home.is_absolute() else None


def hold(file: IO) -> bool:
    """Mark an open file as in use until it is closed or the process ends, however it does; False if it was already.

    Two handles of one process are two. Windows lets nobody rename an open file, and that is mark enough.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # also a network's disk without such marks: nobody can tell
            return False
    return True


@contextlib.contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold a file that is there for a while; gives False if it is in use. Raises OSError where it cannot be opened."""
    if sys.platform == "win32":
        os.replace(path, path)  # PermissionError while another has it open
        yield True
    else:
        with path.open("rb") as file:
            yield hold(file)


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
