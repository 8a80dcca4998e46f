"""`studio render`: play a take again into a video file."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.arguments import add_take_arguments
from studio.cli.opening import open_take_model
from studio.cli.output import progress_bar
from studio.score import Score, render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the take, and the file it is played into."""
    add_take_arguments(parser)
    parser.add_argument("-o", "--output", type=Path, default=None, help="the file (default: the score's name, .mp4)")
    parser.add_argument("--fps", type=int, default=24, help="frames a second (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    """Render the take and print the file's path."""
    score = Score.read(arguments.score)
    path = arguments.output or arguments.score.with_suffix(".mp4")
    model = open_take_model(arguments, score)
    print(render(score, path, model=model, fps=arguments.fps, progress=progress_bar))
