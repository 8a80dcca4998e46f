"""`studio doctor`: what this machine can do, and what to do about what it cannot."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the port."""
    parser.add_argument("--port", type=int, default=7860, help="the port to look at (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Print every finding; 1 if nothing runs without what is missing."""
    from studio.doctor import examine

    findings = list(examine(arguments.port))
    for finding in findings:
        print(finding)
    return 1 if any(finding.stops for finding in findings) else 0
