"""`studio render`: play a take again into a video file."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.arguments import add_take_arguments, number_between, user_path
from studio.cli.errors import UsageError
from studio.cli.opening import open_take_model
from studio.cli.output import progress_bar
from studio.folders import write_error
from studio.outputs import open_output
from studio.score import Score, render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the take, and the file it is played into."""
    add_take_arguments(parser)
    parser.add_argument(
        "-o", "--output", type=user_path, default=None, help="the file (default: the take's name, .mp4)"
    )
    parser.add_argument("--fps", type=number_between(1, 240), default=24, help="frames a second (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    """Render the take and print the file's path."""
    score = Score.read(arguments.score)
    path: Path = arguments.output or default_output(arguments.score)
    open_output(path, arguments.fps)  # which says of another ending what can be written; it writes nothing yet
    check_folder(path)
    model = open_take_model(arguments, score)
    print(render(score, path, model=model, fps=arguments.fps, progress=progress_bar))


def default_output(score: Path) -> Path:
    """Give the video's name where none was said; never that of the take itself."""
    path = score.with_suffix(".mp4")
    return path if path != score else score.with_name(f"{score.stem}-again.mp4")


def check_folder(path: Path) -> None:
    """Raise UsageError, before anything is rendered, where the file's folder is not there or cannot be written to."""
    missing = "" if path.parent.is_dir() else f"there is no folder {path.parent}"
    if reason := missing or write_error(path.parent):
        raise UsageError(f"cannot write {path} ({reason}); make room or choose another place, and render again")
