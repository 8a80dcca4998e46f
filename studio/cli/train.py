"""`studio train`: train the pocket model."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.arguments import user_path
from studio.cli.errors import UsageError
from studio.cli.output import format_value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the recipe, and where its files go."""
    parser.add_argument("--recipe", default="cpu", help="cpu or h100 (default: %(default)s)")
    parser.add_argument(
        "--folder", type=user_path, default=Path("runs/pocket"), help="checkpoints (default: %(default)s)"
    )
    parser.add_argument("--out", type=user_path, default=None, help="where the weights go (default: into the package)")


def run(arguments: argparse.Namespace) -> None:
    """Train, and print a line for each report."""
    from studio.training import recipe

    if arguments.recipe not in recipe.RECIPES:
        raise UsageError(f"no recipe is called {arguments.recipe!r}; there are: {', '.join(recipe.RECIPES)}")
    options = {"out": arguments.out} if arguments.out else {}
    for report in recipe.train(arguments.folder, arguments.recipe, **options):
        print("  ".join(f"{name} {format_value(value)}" for name, value in report.items()), flush=True)
