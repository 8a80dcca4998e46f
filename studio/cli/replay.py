"""`studio replay`: make a take's frames again and compare them with the recording's."""

from __future__ import annotations

import argparse
import sys

from studio.cli.arguments import add_take_arguments
from studio.cli.opening import open_take_model
from studio.cli.output import progress_bar
from studio.score import Digest, Score, replay


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the take, and what is printed of it."""
    add_take_arguments(parser)
    parser.add_argument("--hash", action="store_true", help="print every frame's hash")


def run(arguments: argparse.Namespace) -> int:
    """Print one line a frame with --hash, then the total; 1 if the recording's differs."""
    score = Score.read(arguments.score)
    digest = Digest()
    for frame in progress_bar(replay(score, open_take_model(arguments, score)), score.length):
        digest.add(frame)
        if arguments.hash:
            print(f"{frame.index} {frame.hash}")
    recorded = score.header.digest
    if recorded and recorded != str(digest):
        print(
            f"studio: the frames differ from the recording's: {digest} here, {recorded} recorded. Frames are the same "
            "only on the same kind of processor, number of threads and version of torch, and if no line was changed",
            file=sys.stderr,
        )
        return 1
    print(f"{digest} {digest.frames} frames, {'as recorded' if recorded else 'no hash was recorded'}")
    return 0
