"""`studio bench`: measure speed and response on this machine."""

from __future__ import annotations

import argparse
import sys

from studio.cli.arguments import add_measure_arguments, comma_list, user_path
from studio.cli.opening import open_model
from studio.cli.output import print_figures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is measured, which suite of the bench, and what the gpu suite takes."""
    add_measure_arguments(parser)
    parser.add_argument(
        "--suite", default="play", help="play, core, grab, instrument, line, warp or gpu (default: %(default)s)"
    )
    group = parser.add_argument_group("gpu suite", "real architectures at full size, with random weights")
    group.add_argument(
        "--only",
        type=comma_list,
        default=(),
        metavar="NAMES",
        help="some of sd-turbo, sdxl-turbo, wan-1.3b, wan-1.3b-frame, wan-1.3b-chunk",
    )
    group.add_argument(
        "--wrappers", type=comma_list, default=(), metavar="LIST", help="as eager,graphs,fp8-dynamic+compile+graphs"
    )
    group.add_argument("--reference", type=user_path, metavar="PATH", help="a checkout of StreamDiffusion or LongLive")
    group.add_argument("--reference-python", default=sys.executable, metavar="PYTHON", help="its interpreter")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print the figures."""
    from studio.bench import FULL, QUICK, bench, suite

    if arguments.suite == "play":
        plan = QUICK if arguments.quick else FULL
        print_figures(lambda: bench(open_model(arguments), arguments.seed, plan), arguments.json)
        return
    if arguments.suite == "line":
        from studio.ui.line_bench import measure_line

        print_figures(lambda: measure_line(5.0 if arguments.quick else 20.0), arguments.json)
        return
    gpu = (arguments.only, arguments.wrappers, arguments.reference, arguments.reference_python)
    print_figures(lambda: suite(arguments.suite, arguments.seed, arguments.quick, *gpu), arguments.json)
