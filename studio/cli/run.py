"""`studio run`: open the studio's page."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.cli.arguments import add_model_arguments, number_between, user_path
from studio.cli.errors import UsageError
from studio.cli.opening import download_missing, model_options
from studio.cli.server import add_server_arguments, server_options
from studio.folders import state_folder, write_error

log = logging.getLogger("studio")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model, and where the page is served."""
    add_model_arguments(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for other machines too")
    parser.add_argument(
        "--port", type=number_between(1, 65535), default=None, help="port (default: the first free one from 7860)"
    )
    parser.add_argument(
        "--takes", type=user_path, default=Path("takes"), help="folder for takes (default: %(default)s)"
    )
    parser.add_argument(
        "--out",
        action="append",
        default=[],
        metavar="WAY",
        help="show the stream in other programs too: virtualcam, ndi, spout or syphon; as often as needed",
    )
    parser.add_argument(
        "--film", type=user_path, default=None, metavar="FILE", help="a video that each session draws from, in a loop"
    )
    parser.add_argument("--open", action="store_true", help="open a browser too")
    add_server_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Serve the page until it is stopped; what cannot be served, loaded or kept is told before anything is loaded."""
    check_folders(arguments.takes)
    from studio.ui.address import bare_host, check_address

    check_address(arguments.host, arguments.port)
    if bare_host(arguments.host) == "::":
        log.warning("--host :: answers IPv6 addresses alone; 0.0.0.0 answers IPv4, which most networks at home use")
    pictures = picture_options(arguments)
    server = server_options(arguments)
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
        state=state_folder(),
        **pictures,
        **server,
    )


def picture_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Give those of `ServerOptions` that say where pictures go and come from; raises UsageError."""
    check_outputs(arguments.out)
    if arguments.film:
        check_film_file(arguments.film)
    given = {"outputs": tuple(dict.fromkeys(arguments.out)), "film": arguments.film}
    return {name: value for name, value in given.items() if value}


def check_outputs(names: Sequence[str]) -> None:
    """Raise UsageError for a way out that this machine does not have."""
    if not names:
        return
    from studio.outputs import OutputError
    from studio.outputs.live import check_sink

    for name in names:
        try:
            check_sink(name)
        except OutputError as error:
            raise UsageError(str(error)) from None


def check_film_file(path: Path) -> None:
    """Raise UsageError for a film that cannot be read."""
    from studio.motion.film import FilmError
    from studio.session.film_in import check_film

    try:
        check_film(path)
    except FilmError as error:
        raise UsageError(f"--film: {error}") from None


def check_folders(takes: Path) -> None:
    """Raise UsageError where Gradio's folder is one that cannot be written to; warn where takes cannot be."""
    named = os.environ.get("GRADIO_TEMP_DIR")
    if named and (reason := write_error(Path(named))):
        raise UsageError(f"GRADIO_TEMP_DIR is {named}, which cannot be written to ({reason}); set it to another folder")
    if reason := write_error(takes):
        log.warning(
            "takes cannot be written to %s (%s): they are kept in memory and offered on the page; give another folder "
            "with --takes",
            takes,
            reason,
        )
