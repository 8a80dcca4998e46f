"""`studio evaluate`: measure what the model draws, on held-out words and paths, or from videos that come in."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from studio.cli.arguments import add_measure_arguments, user_path
from studio.cli.errors import UsageError
from studio.cli.opening import open_model
from studio.cli.output import print_figures, progress_bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is measured, and of what."""
    add_measure_arguments(parser)
    parser.add_argument(
        "--drag",
        action="store_true",
        help="how a thing that is taken hold of follows, on a student of the drawn world; on a picture model of it "
        "whether a painted subject is there and where",
    )
    parser.add_argument(
        "--witness",
        type=user_path,
        metavar="FILE",
        help="of --drag: what finds subjects in pictures, `studio train --recipe student` writes it "
        "(default: witness.safetensors in the model's folder)",
    )
    parser.add_argument(
        "--video-in",
        action="store_true",
        help="redraw films instead: how much of their structure is kept, how late, how many pictures a second",
    )
    parser.add_argument(
        "--places",
        type=user_path,
        metavar="FOLDER",
        help="how places of your own are played on: each picture of the folder, as it is and as prompts turn it",
    )
    parser.add_argument(
        "--own",
        type=user_path,
        metavar="FOLDER",
        help="how pictures of your own are drawn: each of the folder is cut out, named, painted, and judged",
    )


def run(arguments: argparse.Namespace) -> None:
    """Evaluate the model and print the figures."""
    if arguments.places:
        run_places(arguments)
        return
    if arguments.own:
        run_own(arguments)
        return
    if arguments.video_in:
        run_video_in(arguments)
        return
    if arguments.drag:
        run_drag(arguments)
        return
    from studio.evaluation.evaluate import evaluate

    model = open_model(arguments)
    fewer = {"count": 20, "long": 1} if arguments.quick else {}
    if why := model.capabilities.refuses.get("stroke"):
        raise UsageError(
            f"evaluate judges painted subjects, and {model.name} takes no strokes: {why}; see studio bench"
        )
    if model.capabilities.strokes != "tracks":
        raise UsageError(f"{model.name} was not taught to follow strokes; --drag judges how it follows a hand")
    print_figures(lambda: evaluate(model, arguments.seed, progress=progress_bar, **fewer), arguments.json)


def run_places(arguments: argparse.Namespace) -> None:
    """Judge places of one's own, and print the figures."""
    from studio.evaluation.own_places import evaluate_places

    if not arguments.places.is_dir():
        raise UsageError(f"{arguments.places} is no folder; give --places a folder of pictures")
    model: Any = open_model(arguments)
    if not model.capabilities.own_places:
        raise UsageError(f"{model.name} has no places of one's own, which are the pocket model's")
    try:
        print_figures(
            lambda: evaluate_places(model, arguments.places, arguments.seed, arguments.quick, progress_bar),
            arguments.json,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def run_own(arguments: argparse.Namespace) -> None:
    """Judge how subjects of one's own are drawn, and print the figures."""
    from studio.evaluation.own import evaluate_own

    if not arguments.own.is_dir():
        raise UsageError(f"{arguments.own} is no folder; give --own a folder of pictures")
    model = open_model(arguments)
    try:
        print_figures(lambda: evaluate_own(model, arguments.own, arguments.seed, progress=progress_bar), arguments.json)
    except ValueError as error:
        raise UsageError(str(error)) from error


def run_video_in(arguments: argparse.Namespace) -> None:
    """Evaluate how a student redraws films, and print the figures."""
    from studio.evaluation.video_in import evaluate_video_in

    model = open_model(arguments)
    if not model.capabilities.redraws:
        raise UsageError(f"{model.name} redraws no videos; give a Wan student")
    films = 1 if arguments.quick else 4
    print_figures(lambda: evaluate_video_in(model, films, arguments.seed), arguments.json)


def run_drag(arguments: argparse.Namespace) -> None:
    """Measure how things follow a hand, and print the figures."""
    from studio.evaluation.drag import evaluate_drag
    from studio.evaluation.picture_strokes import evaluate_picture_strokes
    from studio.evaluation.video import load_witness
    from studio.training.video_clips import World

    seen = arguments.witness or Path(arguments.model) / "witness.safetensors"
    if not seen.is_file():
        raise UsageError(f"{seen} is no file; give --witness, the file that `studio train --recipe student` wrote")
    model = open_model(arguments)
    if model.capabilities.strokes == "underpainting":
        takes = 2 if arguments.quick else 40
        print_figures(
            lambda: evaluate_picture_strokes(model, World.paint(), load_witness(seen), takes, arguments.seed),
            arguments.json,
        )
        return
    if model.capabilities.strokes != "cutouts":
        raise UsageError(f"--drag judges things that are taken hold of, and {model.name} shows no cut-outs")
    count = 1 if arguments.quick else 8
    figures = lambda: evaluate_drag(  # noqa: E731
        model, World.paint(), load_witness(seen), count, arguments.seed, progress=progress_bar
    )
    print_figures(figures, arguments.json)
