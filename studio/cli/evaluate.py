"""`studio evaluate`: measure what the model draws, on held-out words and paths, or from videos that come in."""

from __future__ import annotations

import argparse

from studio.cli.arguments import add_measure_arguments
from studio.cli.errors import UsageError
from studio.cli.opening import open_model
from studio.cli.output import print_figures, progress_bar

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is measured."""
    add_measure_arguments(parser)
    parser.add_argument(
        "--video-in",
        action="store_true",
        help="redraw films instead: how much of their structure is kept, how late, how many pictures a second",
    )


def run(arguments: argparse.Namespace) -> None:
    """Evaluate the model and print the figures."""
    model = open_model(arguments)
    if arguments.video_in:
        from studio.evaluation.video_in import evaluate_video_in

        if not model.capabilities.redraws:
            raise UsageError(f"{model.name} redraws no videos; give a Wan student")
        films = 1 if arguments.quick else 4
        print_figures(lambda: evaluate_video_in(model, films, arguments.seed), arguments.json)
        return
    from studio.evaluation.evaluate import evaluate

    fewer = {"count": 20, "long": 1} if arguments.quick else {}
    if why := model.capabilities.refuses.get("stroke"):
        raise UsageError(
            f"evaluate judges painted subjects, and {model.name} takes no strokes: {why}; see studio bench"
        )
    print_figures(lambda: evaluate(model, arguments.seed, progress=progress_bar, **fewer), arguments.json)
