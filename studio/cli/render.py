"""`studio render`: play a take again into a video file, as it was or anew: finer, larger, on another model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from studio.cli.arguments import add_take_arguments, number_between, picture_size, user_path
from studio.cli.errors import UsageError
from studio.cli.opening import open_take_model
from studio.cli.output import progress_bar
from studio.controls.sampling import STEPS
from studio.folders import write_error
from studio.outputs import open_output
from studio.outputs.enlarge import TIMES
from studio.score import Score, ScoreError, playable_model
from studio.score.render import check_frames, render_again
from studio.score.salvage import salvage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the take, and the file it is played into."""
    add_take_arguments(parser)
    parser.add_argument(
        "-o", "--output", type=user_path, default=None, help="the file (default: the take's name, .mp4)"
    )
    group = parser.add_argument_group("anew", "otherwise than it was played; --model too: what is otherwise is said")
    group.add_argument("--steps", type=number_between(*STEPS), help="denoising steps of each frame")
    group.add_argument(
        "--size", type=picture_side, metavar="HxW", help="where the model has several, as 512 or 480x832"
    )
    group.add_argument("--sampler", help="stream, rollout or rolling")
    group.add_argument(
        "--salvage", action="store_true", help="open what can be read of a damaged take, or of a newer version"
    )
    parser.add_argument(
        "--enlarge",
        type=number_between(*TIMES),
        default=1,
        metavar="N",
        help="pictures N times as wide and high in the file (default: %(default)s)",
    )
    parser.add_argument("--fps", type=number_between(1, 240), default=24, help="frames a second (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    """Render the take and print the file's path; on standard error, what is otherwise than it was."""
    path: Path = arguments.output or default_output(arguments.score)
    open_output(path, arguments.fps)  # which says of another ending what can be written; it writes nothing yet
    score, left_out = read_take(arguments)
    check_folder(path)
    check_frames(score)
    anew = arguments.model or arguments.size
    sampler, arguments.sampler = arguments.sampler, None  # of the take, not of the model
    model = open_take_model(arguments, score)
    rendering = render_again(
        score,
        path,
        model if model and anew else playable_model(score, model),
        steps=arguments.steps,
        sampler=sampler,
        fps=arguments.fps,
        enlarge=arguments.enlarge,
        progress=progress_bar,
    )
    print(rendering.path)
    for note in (*left_out, *rendering.notes):
        print(f"studio: {note}", file=sys.stderr)


def read_take(arguments: argparse.Namespace) -> tuple[Score, tuple[str, ...]]:
    """Give the take, and what is not in it; ScoreError says how to open what can be read of one that is damaged."""
    if arguments.salvage:
        salvaged = salvage(arguments.score)
        return salvaged.score, salvaged.left_out
    try:
        return Score.read(arguments.score), ()
    except ScoreError as error:
        try:
            salvage(arguments.score)
        except ScoreError:
            raise error from None
        raise ScoreError(f"{error}; or `studio render --salvage` plays what can be read of it") from error


def picture_side(text: str) -> tuple[int, int]:
    """Read 480x832 as (height, width), 512 as a square."""
    return picture_size(f"{text}x{text}" if text.strip().isdigit() else text)


def default_output(score: Path) -> Path:
    """Give the video's name where none was said; never that of the take itself."""
    path = score.with_suffix(".mp4")
    return path if path != score else score.with_name(f"{score.stem}-again.mp4")


def check_folder(path: Path) -> None:
    """Raise UsageError, before anything is rendered, where the file's folder is not there or cannot be written to."""
    missing = "" if path.parent.is_dir() else f"there is no folder {path.parent}"
    if reason := missing or write_error(path.parent):
        raise UsageError(f"cannot write {path} ({reason}); make room or choose another place, and render again")
