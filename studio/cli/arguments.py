"""Arguments that several commands share, and what their texts are read as."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from studio.controls import ControlError
from studio.controls.sampling import check_seed
from studio.folders import expand_home


def comma_list(text: str) -> tuple[str, ...]:
    """Read a,b as its parts."""
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def picture_size(text: str) -> tuple[int, int]:
    """Read 512x512, 480x832 as (height, width)."""
    height, x, width = (part.strip() for part in text.lower().partition("x"))
    if not (x and height.isascii() and height.isdigit() and width.isascii() and width.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give height x width in pixels, as 480x832")
    return int(height), int(width)


def number_between(lowest: int, highest: int) -> Callable[[str], int]:
    """Make what reads a whole number from `lowest` to `highest`."""

    def read(text: str) -> int:
        number = whole_number(text)
        if not lowest <= number <= highest:
            raise argparse.ArgumentTypeError(f"{text.strip()[:40]} is out of range; possible: {lowest} to {highest}")
        return number

    return read


def whole_number(text: str) -> int:
    """Read a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number") from None


def seed_number(text: str) -> int:
    """Read a seed: any whole number of 64 bits, as other tools have them; -1 draws one."""
    try:
        return check_seed(whole_number(text))
    except ControlError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def user_path(text: str) -> Path:
    """Read a path; ~ is the home folder wherever the shell has left it, as in --takes=~/takes."""
    return expand_home(text)


def add_model_arguments(parser: argparse.ArgumentParser, default: str | None = "pocket", said: str = "pocket") -> None:
    """Add what a model is, and how it is opened; without a default it is a take's model, which has its own size."""
    group = parser.add_argument_group("model", "options that a model does not take are refused, with those it takes")
    group.add_argument(
        "--model",
        type=str.strip,
        default=default,
        help=f"a name of `studio models`, a folder or a file (default: {said})",
    )
    parser.set_defaults(size=None, sampler=None)
    if default:  # a take has its own
        group.add_argument(
            "--size", type=picture_size, metavar="HxW", help="height and width in pixels, as 512x512 or 480x832"
        )
        group.add_argument("--sampler", help="stream, rollout or rolling (default: what the model was made for)")
    group.add_argument("--quantize", metavar="KIND", help="weights in 8 bits: int8, fp8, int8-dynamic, fp8-dynamic")
    group.add_argument("--compile", action="store_true", help="torch.compile: minutes at the start, faster then")
    group.add_argument("--graphs", action="store_true", help="CUDA graphs")
    group.add_argument("--attention", metavar="NAME", help="diffusers' attention backend: native, flash, sage, ...")
    group.add_argument("--device", help="cuda, cuda:1 or cpu (default: the card, if there is one)")
    group.add_argument(
        "--tiny-vae", type=user_path, metavar="PATH", help="a tiny decoder: faster, coarser (AutoencoderTiny, TAEHV)"
    )
    group.add_argument(
        "--lcm-lora", type=user_path, metavar="FILE", help="an LCM-LoRA: a few steps on an image checkpoint of yours"
    )
    group.add_argument("--full-vae", action="store_true", help="the model's own decoder: finer, and much slower")
    group.add_argument(
        "--lora", action="append", default=[], metavar="NAME=FILE", help="a LoRA and what to call it; may be repeated"
    )
    group.add_argument(
        "--controlnet", type=user_path, metavar="PATH", help="a ControlNet for an image model: folder or file"
    )
    group.add_argument("--prediction", metavar="KIND", help="what a checkpoint predicts: epsilon or v_prediction")
    group.add_argument(
        "--drift-guard",
        action=argparse.BooleanOptionalAction,
        help="whether a Wan student without a sink sees its first frames again, on long streams: more memory",
    )
    group.add_argument("--generator", type=user_path, metavar="FILE", help="a student's weights for a Wan folder")
    group.add_argument(
        "--image-encoder",
        type=user_path,
        metavar="FOLDER",
        help="has image_encoder/ and image_processor/: for realwonder",
    )


def add_take_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which take is played, and on what model."""
    parser.add_argument(
        "score", type=user_path, help="a score that was recorded (.jsonl), or a video, GIF, PNG or zip that carries one"
    )
    add_model_arguments(parser, None, "the take's own")


def add_measure_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a measurement is of, and how its figures are written."""
    add_model_arguments(parser)
    parser.add_argument(
        "--seed", type=seed_number, default=0, help="of all that is random; -1 draws one (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output, nothing else")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, to see that it runs")
