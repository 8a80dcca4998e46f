"""`studio doctor`: what this machine can do, and what to do about what it cannot."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.cli.arguments import number_between, user_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is looked at."""
    parser.add_argument(
        "--port", type=number_between(0, 65535), default=7860, help="the port to look at (default: %(default)s)"
    )
    parser.add_argument(
        "--takes", type=user_path, default=Path("takes"), help="the folder for takes to look at (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print every finding; 1 if nothing runs without what is missing."""
    from studio.doctor import examine

    findings = list(examine(arguments.port, arguments.takes))
    for finding in findings:
        print(finding)
    return 1 if any(finding.stops for finding in findings) else 0
