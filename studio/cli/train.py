"""`studio train`: train the pocket model, or the small video student or picture model of the same drawn world."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.arguments import user_path
from studio.cli.errors import UsageError
from studio.cli.output import format_value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the recipe, and where its files go."""
    parser.add_argument(
        "--recipe",
        default="cpu",
        help="of the pocket model: cpu or h100; of the video student: student; of the picture model: picture "
        "(default: cpu)",
    )
    parser.add_argument(
        "--folder", type=user_path, default=None, help="checkpoints (default: runs/ and pocket, student or picture)"
    )
    parser.add_argument(
        "--out",
        type=user_path,
        default=None,
        help="where the weights go (default: into the package, or a folder in that folder)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Train, and print a line for each report."""
    from studio.training import picture_recipe, recipe, student_recipe

    recipes = {"pocket": recipe, "student": student_recipe, "picture": picture_recipe}
    kind = next((kind for kind, module in recipes.items() if arguments.recipe in module.RECIPES), None)
    if kind is None:
        known = ", ".join(name for module in recipes.values() for name in module.RECIPES)
        raise UsageError(f"no recipe is called {arguments.recipe!r}; there are: {known}")
    options = {"out": arguments.out} if arguments.out else {}
    for report in recipes[kind].train(arguments.folder or Path("runs") / kind, arguments.recipe, **options):
        print("  ".join(f"{name} {format_value(value)}" for name, value in report.items()), flush=True)
