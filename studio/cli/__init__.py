"""The command line: `studio run`, `models`, `render`, `replay`, `train`, `evaluate`, `bench`, `doctor`. A file each."""

from __future__ import annotations

import argparse
import importlib
import io
import logging
import os
import sys
from collections.abc import Sequence

from studio import __version__
from studio.cli.errors import worded_errors

# Name -> the module that has it, and what it does. A module is imported when its command is used; it has
# add_arguments(parser), and run(arguments), which gives the exit status, or None for 0.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("studio.cli.run", "open the studio's page"),
    "models": ("studio.cli.models", "what can be played, what it takes, and whether it is here"),
    "render": ("studio.cli.render", "play a take again into a video file"),
    "replay": ("studio.cli.replay", "make a take's frames again and compare them with the recording's"),
    "train": ("studio.cli.train", "train the pocket model; goes on where it was stopped"),
    "evaluate": ("studio.cli.evaluate", "measure what the model draws, on held-out words and paths"),
    "bench": ("studio.cli.bench", "measure speed and response on this machine"),
    "doctor": ("studio.cli.doctor", "what this machine can do, and what to do about what it cannot"),
}
USAGE, STOPPED, READER_GONE = 1, 130, 141  # exit statuses; a shell has the last for who wrote into a closed pipe


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    # Before torch is loaded: threads that wait should sleep, or two processes on two cores slow each other tenfold.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    logging.basicConfig(level=logging.WARNING, format="studio: %(message)s", stream=sys.stderr)
    argv = sys.argv[1:] if argv is None else argv
    if isinstance(sys.stdout, io.TextIOWrapper):  # a prompt's letters on a terminal that has not got them
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = make_parser(next((word for word in argv if not word.startswith("-")), None)).parse_args(argv)
    try:
        status = arguments.run(arguments) or 0
        if sys.stdout:
            sys.stdout.flush()  # here, where it can be told what is wrong, and not at the end of the interpreter
        return status
    except BrokenPipeError:  # `studio models | head -1` has read what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except KeyboardInterrupt:
        print("studio: stopped", file=sys.stderr)
        return STOPPED
    except Exception as error:
        if not isinstance(error, worded_errors()):
            raise
        print(f"studio: {error}", file=sys.stderr)
        return USAGE


def make_parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """Make the parser of every command, with the arguments of the chosen one, whose module is imported."""
    top = argparse.ArgumentParser(prog="studio", description="Paint, type, and watch generated video stream.")
    top.add_argument("--version", action="version", version=f"studio {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (module, about) in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about)
        if name == chosen:
            imported = importlib.import_module(module)
            command.set_defaults(run=imported.run)
            imported.add_arguments(command)
    return top
