"""Files of weights: what a file is by its first bytes, its tensors by name, and the spellings that variants come in.

Nothing in a file is ever run. Files are mapped into memory, so that only what is used is read.
"""

from __future__ import annotations

import json
import pickle
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Any

from studio.models.errors import CheckpointError, MissingWeights
from studio.models.json_file import read_json

if TYPE_CHECKING:
    from torch import Size, Tensor

# How a file begins that is none of weights, or of weights that are not played: what it is, and what would do.
FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (
        b"GGUF",
        "a GGUF file (weights packed in blocks of a few bits), which is not played",
        "give the .safetensors it was made from; --quantize int8 or fp8 makes that as small on the card",
    ),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS, and the file it points to is not here",
        "run `git lfs pull`, or download it",
    ),
    (b"<!doctype", "a web page", "download the file itself, by the page's download button"),
    (b"<html", "a web page", "download the file itself, by the page's download button"),
    (b"ftrt", "a TensorRT engine, which is made for one card and holds no weights by name", "give the .safetensors"),
    (b"\x89hdf", "an HDF5 file of Keras", "give the .safetensors"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it and give the .safetensors in it"),
    (b"rar!", "a RAR archive", "unpack it and give the .safetensors in it"),
    (b"\x1f\x8b", "a gzip archive", "unpack it and give the .safetensors in it"),
)
TORCH_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin")
VARIANTS = (None, "fp16", "bf16", "fp32")  # in which precision weights come, the first that is there is taken
# diffusion_pytorch_model.fp16-00001-of-00002.safetensors, and as it was: ...-00001-of-00002.fp16.safetensors
WEIGHTS = re.compile(
    r"(?P<stem>[^.]+?)(?:\.(?P<variant>\w+))?(?:-(?P<number>\d{5})-of-(?P<count>\d{5}))?(?:\.(?P<old>\w+))?\.safetensors"
)
QUANTIZED = (
    "it was quantized, and what makes weights of them again is not read. Get it in fp16 or bf16; --quantize int8 makes "
    "that as small."
)
SCALES = (".scale_weight", ".weight_scale", "scaled_fp8")  # in names of ComfyUI's and of compressed-tensors' files
SHARD = re.compile(r"-\d{5}-of-\d{5}")


def check_kind(path: Path) -> None:
    """Raise CheckpointError for a file that is known to hold no weights that can be played: what it is, what to do."""
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}); give the path of a file of weights"
        ) from error
    if not start:
        raise CheckpointError(f"{path} (0 bytes) cannot be read: it is empty; download it again")
    begins = start if start.startswith(b"GGUF") else start.lstrip().lower()
    for mark, what, todo in FOREIGN:
        if begins.startswith(mark):
            raise CheckpointError(f"{path} is {what}; {todo}")
    if path.suffix == ".onnx":
        raise CheckpointError(f"{path} is an ONNX graph, which is not played; give the .safetensors")


def is_safetensors(path: Path) -> bool:
    """Whether a file begins as safetensors do: the length of its header, and a JSON object."""
    with path.open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size


def read_file(path: Path) -> dict[str, Any]:
    """Read one file's content, mapped into memory; CheckpointError, with what it is, for one that is not weights."""
    import torch

    check_kind(path)
    try:
        if path.suffix == ".safetensors" or is_safetensors(path):
            from safetensors.torch import load_file

            return load_file(path)
        zipped = path.open("rb").read(2) == b"PK"  # as torch saves since 1.6; older files cannot be mapped
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{path.name} holds more than weights, and loading it could run foreign code ({reason}). It was not "
            "loaded. Get it as .safetensors, or convert it where you trust it."
        ) from error
    except Exception as error:  # what a broken file raises is any of a dozen kinds
        raise CheckpointError(
            f"{path} ({path.stat().st_size:,} bytes) cannot be read as weights: it is cut off or something else "
            f"({(str(error).splitlines() or [type(error).__name__])[0][:160]}). Download it again."
        ) from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path.name} holds {type(found).__name__}, not weights by name; give a state dict")
    return found


def check_scaled(names: Iterable[str], source: Path | str) -> None:
    """Raise CheckpointError for weights that are to be multiplied by scales beside them, which nothing here reads."""
    if found := next((name for name in names if any(mark in name for mark in SCALES)), None):
        raise CheckpointError(
            f"{source} is in scaled fp8 (it has {found}), and its weights without their scales are others. Get it in "
            "fp16 or bf16; --quantize fp8 makes that as small on the card."
        )


def misfits(weights: Mapping[str, Tensor], shapes: Mapping[str, Size]) -> str:
    """Say what keeps weights from being a net's of these shapes: what is missing, unknown, or of another shape."""
    missing = [name for name in shapes if name not in weights]
    unknown = [name for name in weights if name not in shapes]
    other = [
        f"{name} {tuple(weights[name].shape)} instead of {tuple(shape)}"
        for name, shape in shapes.items()
        if name in weights and weights[name].shape != shape
    ]
    found = (("missing", missing), ("unknown", unknown), ("of another shape", other))
    return "; ".join(f"{len(names)} {kind}: {first_few(names)}" for kind, names in found if names)


def first_few(names: Sequence[str]) -> str:
    """Name the first few of them."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


# Folders


def variant_of(file: Path) -> str | None:
    """Give the variant that a file's name says it is of, as fp16; None for a plain one."""
    found = WEIGHTS.fullmatch(file.name)
    return found and (found["variant"] or found["old"])


def weight_files(folder: Path) -> tuple[str | None, list[Path]]:
    """Find the variant to load and its safetensors files: the whole precision where it is there, else fp16 or bf16.

    Raises MissingWeights where there are none, or not all of what came in several files.
    """
    files = sorted(folder.glob("*.safetensors"))
    for variant in VARIANTS:
        ours = [file for file in files if variant_of(file) == variant]
        ours = [file for file in ours if not SHARD.search(file.name)] or ours  # whole ones, where they are there too
        if ours:
            check_shards(folder, ours)
            return variant, ours
    others = ", ".join(
        sorted(file.name for file in folder.glob("*.*") if file.suffix in (*TORCH_SUFFIXES, ".safetensors", ".gguf"))
    )
    instead = f"; it has {others}, and pickled files and other variants are not loaded" if others else ""
    raise MissingWeights(f"{folder} has no safetensors weights{instead}; download the safetensors version")


def check_shards(folder: Path, files: Sequence[Path]) -> None:
    """Raise MissingWeights unless files that say how many they are, are that many."""
    counts: dict[int, set[int]] = {}
    for file in files:
        if (found := WEIGHTS.fullmatch(file.name)) and found["count"]:
            counts.setdefault(int(found["count"]), set()).add(int(found["number"]))
    for count, numbers in counts.items():
        if missing := sorted(set(range(1, count + 1)) - numbers):
            raise MissingWeights(
                f"{folder} lacks {len(missing)} of its {count} shards: number {', '.join(map(str, missing[:5]))}; "
                "download them into that folder"
            )


@contextmanager
def plain_folder(folder: Path) -> Iterator[Path]:
    """Give a net's folder with its weights under the plain names that libraries look for, whatever they are here.

    A variant in several files has had two spellings, of which a library knows one or none. Links stand in a temporary
    folder then, with an index of their own; a folder of plain names is given as it is.
    """
    variant, files = weight_files(folder)
    check_unquantized(folder, files)
    if variant is None and (len(files) == 1 or any(folder.glob("*.safetensors.index.json"))):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="studio-") as made:
        place = Path(made)
        for config in folder.glob("*config.json"):
            copyfile(config, place / config.name)
        link_weights(files, place)
        yield place


def check_unquantized(folder: Path, files: Iterable[Path]) -> None:
    """Raise CheckpointError for a net's folder of quantized weights, which libraries read by others, or just cast."""
    config = folder / "config.json"
    if packed := read_json(config).get("quantization_config") if config.is_file() else None:
        method = packed.get("quant_method") if isinstance(packed, dict) else packed
        raise CheckpointError(
            f"{folder} is quantized ({method}), which is not played; get it in fp16 or bf16; --quantize int8 makes "
            "that as small"
        )
    for file in files:
        check_kinds(file)


def check_kinds(file: Path) -> None:
    """Raise CheckpointError for a safetensors file of scaled weights or whole numbers."""
    kinds = read_kinds(file)
    check_scaled(kinds, file)
    for name, (kind, dimensions) in kinds.items():
        if dimensions > 1 and kind[0] in "IU" and "position_ids" not in name:
            raise CheckpointError(f"{file} holds {name} in whole numbers ({kind}): {QUANTIZED}")


def link_weights(files: Sequence[Path], place: Path) -> None:
    """Link files into a folder under plain names; of several, with the index of what each holds."""
    stem = files[0].name.partition(".")[0].partition("-")[0]
    if len(files) == 1:
        link(files[0], place / f"{stem}.safetensors")
        return
    index: dict[str, str] = {}
    for number, file in enumerate(files, 1):
        name = f"{stem}-{number:05}-of-{len(files):05}.safetensors"
        link(file, place / name)
        index |= dict.fromkeys(read_names(file), name)
    told = {"metadata": {}, "weight_map": index}
    (place / f"{stem}.safetensors.index.json").write_text(json.dumps(told), encoding="utf-8")


def link(file: Path, place: Path) -> None:
    """Link a file, or copy it where the system makes no links."""
    try:
        place.symlink_to(file.resolve())
    except OSError:
        copyfile(file, place)


def read_names(path: Path) -> list[str]:
    """Read the names of a safetensors file's tensors from its header; CheckpointError for a broken one."""
    return list(read_kinds(path))


def read_kinds(path: Path) -> dict[str, tuple[str, int]]:
    """Read a safetensors header: name -> kind of number ("F16", "I8") and how many dimensions; see `read_names`."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118, it is no dict
            return {name: (one.get_dtype(), len(one.get_shape())) for name, one in slices.items()}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as safetensors ({error}); download it again") from error
