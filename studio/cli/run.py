"""`studio run`: open the studio's page."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.arguments import add_model_arguments
from studio.cli.opening import download_missing, model_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model, and where the page is served."""
    add_model_arguments(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for other machines too")
    parser.add_argument("--port", type=int, default=None, help="port (default: the first free one from 7860)")
    parser.add_argument("--takes", type=Path, default=Path("takes"), help="folder for takes (default: %(default)s)")
    parser.add_argument("--open", action="store_true", help="open a browser too")


def run(arguments: argparse.Namespace) -> None:
    """Serve the page until it is stopped."""
    from studio.ui.app import launch

    options = model_options(arguments, arguments.model)
    download_missing(arguments.model, options)
    launch(
        arguments.model,
        arguments.host,
        arguments.port,
        open_browser=arguments.open,
        takes=arguments.takes,
        options=options,
    )
