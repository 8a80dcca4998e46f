"""`studio replay`: make a take's frames again and compare them with the recording's."""

from __future__ import annotations

import argparse
import sys

from studio.cli.arguments import add_take_arguments
from studio.cli.opening import open_take_model
from studio.cli.output import progress_bar
from studio.score import Digest, Score, digest_difference, playable_model, replay


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the take, and what is printed of it."""
    add_take_arguments(parser)
    parser.add_argument("--hash", action="store_true", help="print every frame's hash")


def run(arguments: argparse.Namespace) -> int:
    """Print one line a frame with --hash, then the total; 1 if the recording's differs."""
    score = Score.read(arguments.score)
    digest, model = Digest(), playable_model(score, open_take_model(arguments, score))
    for frame in progress_bar(replay(score, model), score.length):
        digest.add(frame)
        if arguments.hash:
            print(f"{frame.index} {frame.hash}")
    if difference := digest_difference(score.header, digest, model):
        print(f"studio: {difference}", file=sys.stderr)
        return 1
    print(f"{digest} {digest.frames} frames, {'as recorded' if score.header.digest else 'no hash was recorded'}")
    return 0
