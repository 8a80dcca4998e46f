"""`studio evaluate`: measure what the model draws, on held-out words and paths."""

from __future__ import annotations

import argparse

from studio.cli.arguments import add_measure_arguments as add_arguments
from studio.cli.errors import UsageError
from studio.cli.opening import open_model
from studio.cli.output import print_figures, progress_bar

__all__ = ["add_arguments", "run"]


def run(arguments: argparse.Namespace) -> None:
    """Evaluate the model and print the figures."""
    from studio.evaluation.evaluate import evaluate

    fewer = {"count": 20, "long": 1} if arguments.quick else {}
    model = open_model(arguments)
    if why := model.capabilities.refuses.get("stroke"):
        raise UsageError(
            f"evaluate judges painted subjects, and {model.name} takes no strokes: {why}; see studio bench"
        )
    if model.capabilities.strokes != "tracks":
        raise UsageError(
            f"evaluate judges subjects that a model draws by itself, and under {model.name} they are pasted; judge "
            "strokes on a picture model with: python -m studio.evaluation.picture_strokes FOLDER WITNESS"
        )
    print_figures(lambda: evaluate(model, arguments.seed, progress=progress_bar, **fewer), arguments.json)
