"""The command line: `studio run`, `models`, `render`, `replay`, `train`, `evaluate`, `bench`, `doctor`."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from studio import __version__
from studio.bench import BenchError
from studio.controls import ControlError
from studio.hub.memory import NotEnough
from studio.hub.units import gigabytes
from studio.models.errors import CheckpointError, MissingWeights, OptionError, UnknownModel
from studio.models.loader import takes
from studio.models.registry import MODELS
from studio.presets import PresetError
from studio.score import Digest, Score, ScoreError, render, replay
from studio.ui.errors import OptionsError


class UsageError(ValueError):
    """An argument that cannot be: says what is possible."""


# What a person can do something about: shown as one sentence. Anything else is our mistake, and shown whole.
TOLD = (
    ControlError,
    ScoreError,
    PresetError,
    UnknownModel,
    OptionError,
    NotEnough,
    MissingWeights,
    CheckpointError,
    UsageError,
    BenchError,
    OptionsError,
    OSError,
)


# What a model is opened with, by the names of the command line and of the model's factory alike.
OPENED_WITH = ("quantize", "compile", "graphs", "attention", "device", "controlnet", "generator")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    # Before torch is loaded: threads that wait should sleep, or two processes on two cores slow each other tenfold.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    logging.basicConfig(level=logging.WARNING, format="studio: %(message)s", stream=sys.stderr)
    arguments = parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except TOLD as error:
        print(f"studio: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("studio: stopped", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """Every command and its options."""
    top = argparse.ArgumentParser(prog="studio", description="Paint, type, and watch generated video stream.")
    top.add_argument("--version", action="version", version=f"studio {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int | None], about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about)
        added.set_defaults(run=run)
        return added

    page = command("run", run_page, "open the studio's page")
    model_arguments(page)
    page.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for other machines too")
    page.add_argument("--port", type=int, default=None, help="port (default: the first free one from 7860)")
    page.add_argument("--takes", type=Path, default=Path("takes"), help="folder for takes (default: %(default)s)")
    page.add_argument("--open", action="store_true", help="open a browser too")
    server_arguments(page)

    models = command("models", run_models, "what can be played, what it takes, and whether it is here")
    models.add_argument("--json", action="store_true", help="one JSON list on standard output, nothing else")
    get = models.add_subparsers(metavar="get NAME").add_parser("get", help="download a model; goes on where it stopped")
    get.set_defaults(run=run_get)
    get.add_argument("name", metavar="NAME", help="a model of `studio models`")
    get.add_argument("--yes", action="store_true", help="do not ask: its licence is known and accepted")

    video = command("render", run_render, "play a take again into a video file")
    video.add_argument("score", type=Path, help="a score that was recorded (.jsonl)")
    video.add_argument("-o", "--output", type=Path, default=None, help="the file (default: the score's name, .mp4)")
    video.add_argument("--fps", type=int, default=24, help="frames a second (default: %(default)s)")
    model_arguments(video, None, "the take's own")

    again = command("replay", run_replay, "make a take's frames again and compare them with the recording's")
    again.add_argument("score", type=Path, help="a score that was recorded (.jsonl)")
    again.add_argument("--hash", action="store_true", help="print every frame's hash")
    model_arguments(again, None, "the take's own")

    training = command("train", run_train, "train the pocket model; goes on where it was stopped")
    training.add_argument("--recipe", default="cpu", help="cpu or h100 (default: %(default)s)")
    training.add_argument("--folder", type=Path, default=Path("runs/pocket"), help="checkpoints (default: %(default)s)")
    training.add_argument("--out", type=Path, default=None, help="where the weights go (default: into the package)")

    for name, run, about in (
        ("evaluate", run_evaluate, "measure what the model draws, on held-out words and paths"),
        ("bench", run_bench, "measure speed and response on this machine"),
    ):
        measure = command(name, run, about)
        model_arguments(measure)
        measure.add_argument("--seed", type=int, default=0, help="of all that is random (default: %(default)s)")
        measure.add_argument("--json", action="store_true", help="one JSON object on standard output, nothing else")
        measure.add_argument("--quick", action="store_true", help="a tenth of the work, to see that it runs")
        if name == "bench":
            suite_arguments(measure)

    check = command("doctor", run_doctor, "what this machine can do, and what to do about what it cannot")
    check.add_argument("--port", type=int, default=7860, help="the port to look at (default: %(default)s)")
    return top


def suite_arguments(command: argparse.ArgumentParser) -> None:
    """Which suite of the bench, and what the gpu suite is told."""
    command.add_argument("--suite", default="play", help="play, core or gpu (default: %(default)s)")
    group = command.add_argument_group("gpu suite", "real architectures at full size, with random weights")
    group.add_argument("--only", type=listed, default=(), metavar="NAMES", help="some of sd-turbo,sdxl-turbo,wan-1.3b")
    group.add_argument(
        "--wrappers", type=listed, default=(), metavar="LIST", help="as eager,graphs,fp8-dynamic+compile+graphs"
    )
    group.add_argument("--reference", type=Path, metavar="PATH", help="a checkout of StreamDiffusion or LongLive")
    group.add_argument("--reference-python", default=sys.executable, metavar="PYTHON", help="its interpreter")


def listed(text: str) -> tuple[str, ...]:
    """a,b: its parts."""
    return tuple(filter(None, text.split(",")))


def model_arguments(command: argparse.ArgumentParser, default: str | None = "pocket", said: str = "pocket") -> None:
    """What a model is, and how it is opened."""
    group = command.add_argument_group("model", "options that a model does not take are refused, with those it takes")
    group.add_argument("--model", default=default, help=f"a name of `studio models`, or a folder (default: {said})")
    command.set_defaults(size=None, sampler=None)
    if default:  # a take has its own
        group.add_argument("--size", type=size, metavar="HxW", help="height and width in pixels, as 512x512 or 480x832")
        group.add_argument("--sampler", help="stream, rollout or rolling (default: what the model was made for)")
    group.add_argument("--quantize", metavar="KIND", help="weights in 8 bits: int8, fp8, int8-dynamic, fp8-dynamic")
    group.add_argument("--compile", action="store_true", help="torch.compile: minutes at the start, faster then")
    group.add_argument("--graphs", action="store_true", help="CUDA graphs")
    group.add_argument("--attention", metavar="NAME", help="diffusers' attention backend: native, flash, sage, ...")
    group.add_argument("--device", help="cuda, cuda:1 or cpu (default: the card, if there is one)")
    group.add_argument("--full-vae", action="store_true", help="the model's own decoder: finer, and much slower")
    group.add_argument(
        "--lora", action="append", default=[], metavar="NAME=FILE", help="a LoRA and what to call it; may be repeated"
    )
    group.add_argument("--controlnet", type=Path, metavar="FOLDER", help="a ControlNet for an image model")
    group.add_argument("--generator", type=Path, metavar="FILE", help="a student's weights for a Wan folder")


def size(text: str) -> tuple[int, int]:
    """512x512, 480x832: (height, width)."""
    height, x, width = text.lower().partition("x")
    if not (x and height.isascii() and height.isdigit() and width.isascii() and width.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give height x width in pixels, as 480x832")
    return int(height), int(width)


def model_options(arguments: argparse.Namespace, name: str) -> dict[str, Any]:
    """What `studio.models.load` is told besides the name."""
    known = takes(name)
    named = {key: getattr(arguments, key) for key in ("size", *OPENED_WITH, "sampler")}
    options = {key: value for key, value in named.items() if value}
    for key in ("controlnet", "generator"):
        if key in options and not options[key].exists():
            raise UsageError(f"--{key}: there is no {options[key]}; give the path of what was downloaded")
    if arguments.full_vae:
        tiny = next((key for key in ("tiny_vae", "tiny_decoder") if key in known), None)
        if tiny is None:
            raise UsageError(f"{name} has one decoder; leave --full-vae out")
        options[tiny] = None
    if arguments.lora:
        loras = dict(lora(text) for text in arguments.lora)
        single = "loras" not in known and "lora" in known and len(loras) == 1
        options |= {"lora": next(iter(loras.values()))} if single else {"loras": loras}
    return options


def lora(text: str) -> tuple[str, Path]:
    """watercolour=styles/watercolour.safetensors: the name and the file."""
    name, separator, file = text.partition("=")
    if not (name and separator and file):
        raise UsageError(f"--lora is {text!r}; give a name and a file, as watercolour=watercolour.safetensors")
    if not Path(file).exists():
        raise UsageError(f"--lora {name}: there is no {file}; give the path of what was downloaded")
    return name, Path(file)


def opened(arguments: argparse.Namespace, name: str | None = None) -> Any:
    """The model of --model, loaded with the options given; what is not here is downloaded in sight."""
    from studio.models.loader import load

    chosen: str = name or arguments.model
    options = model_options(arguments, chosen)
    obtain(chosen, options)
    return load(chosen, **options)


def obtain(name: str, options: dict[str, Any]) -> None:
    """Download what a model lacks here, with its licence and a progress bar; NotEnough first if it would not fit."""
    from studio.hub import download, memory
    from studio.models.loader import asked

    entry = MODELS.get(name)
    if entry is None:
        return
    _, meant, options = asked(name, options)
    memory.check(memory.NETWORKS[entry.memory], name, {**options, **meant})
    missing = [part for key, part in entry.parts.items() if key not in options and download.here(part) is None]
    if missing:
        print(f"{name}: {gigabytes(sum(part.bytes for part in missing))} to download", file=sys.stderr)
        for part in missing:
            print(f"  {part.repo} ({gigabytes(part.bytes)}): {part.licence}", file=sys.stderr)
        with downloading() as progress:
            download.fetch(name, progress, without=frozenset(options))


@contextlib.contextmanager
def downloading() -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar in bytes on standard error; where that is no terminal, a line a file."""
    from tqdm import tqdm

    terminal = sys.stderr.isatty()
    with tqdm(unit="B", unit_scale=True, unit_divisor=1000, file=sys.stderr, disable=not terminal) as line:
        told = set()

        def progress(done: int, total: int, what: str) -> None:
            line.total = total
            line.set_description_str(what.rpartition("/")[2], refresh=False)
            line.update(done - line.n)
            if not terminal and what not in told:
                print(f"  {gigabytes(done)} of {gigabytes(total)}: {what}", file=sys.stderr, flush=True)
            told.add(what)

        try:
            yield progress
        except KeyboardInterrupt:
            line.close()
            print("what has come is kept: run it again to go on from there", file=sys.stderr)
            raise


def run_page(arguments: argparse.Namespace) -> None:
    from studio.ui.app import launch

    more = server_options(arguments)  # what is wrong with it is told before a model is fetched
    options = model_options(arguments, arguments.model)
    obtain(arguments.model, options)
    launch(
        arguments.model,
        arguments.host,
        arguments.port,
        open_browser=arguments.open,
        takes=arguments.takes,
        options=options,
        **more,
    )


def server_arguments(page: argparse.ArgumentParser) -> None:
    """What a server is told that others may open."""
    group = page.add_argument_group("for others than this machine")
    group.add_argument("--share", action="store_true", help="also by a public address of Gradio's")
    group.add_argument("--sessions", type=int, default=None, help="how many may play at once (default: 2)")
    group.add_argument("--models", default=None, metavar="NAME,NAME", help="the models a page may change to")
    group.add_argument("--auth", default=None, metavar="USER:PASSWORD", help="who may come in; or a file, one a line")
    group.add_argument(
        "--allowed-host",
        action="append",
        default=None,
        metavar="NAME",
        help="a name it answers to; as often as needed",
    )
    group.add_argument("--root-path", default=None, metavar="/PATH", help="the sub-path a proxy serves it under")
    group.add_argument("--certificate", type=Path, default=None, help="for https: the certificate (PEM)")
    group.add_argument("--key", type=Path, default=None, help="for https: its key (PEM)")
    group.add_argument("--disk", type=float, default=None, metavar="GB", help="takes kept for one person (default: 2)")


def server_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Those of `ServerOptions` that were given; raises OptionsError."""
    from studio.ui.options import check_address, check_certificate, read_auth

    check_address(arguments.host, arguments.port)
    check_certificate(arguments.certificate, arguments.key)
    given = {
        "share": arguments.share or None,
        "sessions": arguments.sessions,
        "models": arguments.models and [name.strip() for name in arguments.models.split(",")],
        "auth": arguments.auth and read_auth(arguments.auth),
        "allowed_hosts": arguments.allowed_host,
        "root_path": arguments.root_path,
        "certificate": arguments.certificate,
        "key": arguments.key,
        "disk_per_person": arguments.disk and round(arguments.disk * 1e9),
    }
    return {name: value for name, value in given.items() if value is not None}


def run_models(arguments: argparse.Namespace) -> None:
    """Every model in a few lines, what plays here first."""
    from dataclasses import asdict

    from studio.hub.catalogue import listing

    listed = listing()
    if arguments.json:
        print(json.dumps([asdict(one) for one in listed]))
        return
    print(f"{'name':18}{'download':>10}{'memory':>10}   {'here':6}plays here")
    for one in listed:
        size = gigabytes(one.download_bytes) if one.download_bytes else "-"
        plays = "no" if not one.fits else "slowly" if one.slow else "yes"
        here = "yes" if one.here else "no"
        print(f"{one.name:18}{size:>10}{gigabytes(one.memory_bytes):>10}   {here:6}{plays}")
        for line in (one.what, one.licence, "" if plays == "yes" else one.reason):
            print(f"  {line}" * bool(line), end="\n" * bool(line))
    print("\n`studio models get NAME` downloads one, `studio run --model NAME` plays it; sizes are approximate")


def run_get(arguments: argparse.Namespace) -> None:
    """Download a model once its licence was shown and accepted."""
    from studio.hub import download

    name = arguments.name
    if name not in MODELS:
        raise UnknownModel(f"no model is called {name!r}; there are: {', '.join(MODELS)}")
    parts = MODELS[name].parts.values()
    if all(download.here(part) is not None for part in parts):
        print(f"{name} is here; play it with: studio run --model {name}")
        return
    print(f"{name}: {MODELS[name].what}\nlicence: {MODELS[name].licence}")
    for part in parts:
        print(f"  https://huggingface.co/{part.repo} ({gigabytes(part.bytes)}): {part.licence}")
    if not arguments.yes and not agreed(
        f"Download about {gigabytes(MODELS[name].bytes)} to {download.cache()}? [y/N] "
    ):
        raise UsageError("nothing was downloaded; answer y, or give --yes once you have read the licence")
    with downloading() as progress:
        download.fetch(name, progress)
    print(f"{name} is here; play it with: studio run --model {name}")


def agreed(question: str) -> bool:
    """What a person answers; no, where nobody can."""
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


def run_render(arguments: argparse.Namespace) -> None:
    score = Score.read(arguments.score)
    path = arguments.output or arguments.score.with_suffix(".mp4")
    print(render(score, path, model=take_model(arguments, score), fps=arguments.fps, progress=bar))


def take_model(arguments: argparse.Namespace, score: Score) -> Any:
    """The model to play a take on: None for the take's own as it is, which the score then finds."""
    if not any(getattr(arguments, name) for name in ("model", "full_vae", "lora", *OPENED_WITH)):
        return None
    arguments.size = arguments.size or (score.header.height, score.header.width)
    return opened(arguments, arguments.model or score.header.model)


def run_replay(arguments: argparse.Namespace) -> int:
    """One line a frame with --hash, then the total; 1 if the recording's differs."""
    score = Score.read(arguments.score)
    digest = Digest()
    for frame in bar(replay(score, take_model(arguments, score)), score.length):
        digest.add(frame)
        if arguments.hash:
            print(f"{frame.index} {frame.hash}")
    recorded = score.header.digest
    if recorded and recorded != str(digest):
        print(
            f"studio: the frames differ from the recording's: {digest} here, {recorded} recorded. Frames are the same "
            "only on the same kind of processor, number of threads and version of torch, and if no line was changed",
            file=sys.stderr,
        )
        return 1
    print(f"{digest} {digest.frames} frames, {'as recorded' if recorded else 'no hash was recorded'}")
    return 0


def run_train(arguments: argparse.Namespace) -> None:
    from studio.training import recipe

    if arguments.recipe not in recipe.RECIPES:
        raise UsageError(f"no recipe is called {arguments.recipe!r}; there are: {', '.join(recipe.RECIPES)}")
    options = {"out": arguments.out} if arguments.out else {}
    for report in recipe.train(arguments.folder, arguments.recipe, **options):
        print("  ".join(f"{name} {shown(value)}" for name, value in report.items()), flush=True)


def run_evaluate(arguments: argparse.Namespace) -> None:
    from studio.evaluation.evaluate import evaluate
    from studio.models.base import optional

    less = {"count": 20, "long": 1} if arguments.quick else {}
    model = opened(arguments)
    if why := optional(model, "refuses").get("stroke"):
        raise UsageError(
            f"evaluate judges painted subjects, and {model.name} takes no strokes: {why}; see studio bench"
        )
    measured(arguments, lambda: evaluate(model, arguments.seed, progress=bar, **less))


def run_bench(arguments: argparse.Namespace) -> None:
    from studio.bench import FULL, QUICK, bench, suite

    if arguments.suite == "play":
        measured(arguments, lambda: bench(opened(arguments), arguments.seed, QUICK if arguments.quick else FULL))
        return
    told = (arguments.only, arguments.wrappers, arguments.reference, arguments.reference_python)
    measured(arguments, lambda: suite(arguments.suite, arguments.seed, arguments.quick, *told))


def run_doctor(arguments: argparse.Namespace) -> int:
    from studio.doctor import examine

    findings = list(examine(arguments.port))
    for finding in findings:
        print(finding)
    return 1 if any(finding.stops for finding in findings) else 0


def measured(arguments: argparse.Namespace, measure: Callable[[], dict[str, Any]]) -> None:
    """Print what was measured; what libraries print meanwhile goes to standard error."""
    with contextlib.redirect_stdout(sys.stderr):
        figures = measure()
    print(json.dumps(figures) if arguments.json else "\n".join(table(figures)))


def table(figures: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Nested figures as indented lines."""
    width = max((len(name) for name in figures), default=0)
    for name, value in figures.items():
        if isinstance(value, dict):
            yield f"{indent}{name}"
            yield from table(value, indent + "  ")
        else:
            yield f"{indent}{name:{width}}  {shown(value)}"


def shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def bar(items: Iterable[Any], total: int | None = None, desc: str | None = None) -> Iterable[Any]:
    """The items, with a progress bar on standard error where that is a terminal."""
    from tqdm import tqdm

    return tqdm(items, total=total, desc=desc, file=sys.stderr, disable=not sys.stderr.isatty())
