"""The files of a LoRA, and what their trainers noted of its strength: in the file's head, or beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from studio.models.errors import CheckpointError
from studio.models.finite import check_finite
from studio.models.weight_files import check_scaled

CONFIG = "adapter_config.json"  # PEFT's, beside adapter_model.safetensors
NOTE = "lora_adapter_metadata"  # diffusers', in the file's head
NETWORKS = ("unet", "transformer", "text_encoder", "text_encoder_2")  # folders in a LoRA's folder, one of each
NUMBER = (int, float)
# What a note may say (PEFT's names), with the kind of value. `alpha` is what LoHa and LoKr call theirs.
SETTINGS: dict[str, type | tuple[type, ...]] = {
    "r": NUMBER,
    "lora_alpha": NUMBER,
    "alpha": NUMBER,
    "rank_pattern": dict,
    "alpha_pattern": dict,
    "use_rslora": bool,
    "use_dora": bool,
    "peft_type": str,
}
PLAYED = ("LORA", "LOHA", "LOKR")  # PEFT's names of kinds
PICKLED = (".pt", ".pth")

Settings = Mapping[str, Any]
ReadPickled = Callable[[Path], Mapping[str, Tensor]]
Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Source:
    """One file of a LoRA.

    net: the network it is for, "" where its keys say it; tensors: by key; notes: what is said of the strength of each
    network's layers, under "" of all.
    """

    path: Path
    net: str
    tensors: Mapping[str, Tensor]
    notes: Mapping[str, Settings]

    def settings(self, net: str) -> Settings:
        """Give what is noted for a network."""
        return {**self.notes.get("", {}), **self.notes.get(net, {})}


def find_files(path: Path) -> dict[str, Path]:
    """Find a LoRA's files by the network each is for, "" where its keys say it: the path, or what its folder holds.

    Raises CheckpointError for a folder of which it is not clear.
    """
    if not path.is_dir():
        return {"": path}
    if inside := {net: found for net in NETWORKS if (found := only_file(path / net)) is not None}:
        return inside
    if (found := only_file(path)) is not None:
        return {"": found}
    names = ", ".join(file.name for file in weights_in(path)) or "none"
    raise CheckpointError(f"a LoRA's folder holds one safetensors file, {path} holds {names}; name the file")


def weights_in(folder: Path) -> list[Path]:
    """List the files of weights in a folder, safetensors before the pickled ones of trainers."""
    return [file for kind in (".safetensors", *PICKLED) for file in sorted(folder.glob(f"*{kind}"))]


def only_file(folder: Path) -> Path | None:
    """Give PEFT's file of a folder, or the only one of a kind, safetensors first; None for none, or several."""
    files = weights_in(folder)
    peft = [file for file in files if file.name == "adapter_model.safetensors"]
    kinds = (peft, [file for file in files if file.suffix == ".safetensors"], files)
    chosen = next(filter(None, kinds), [])
    return chosen[0] if len(chosen) == 1 else None


def config_beside(file: Path) -> Path | None:
    """Give PEFT's settings of a file, if they stand beside it."""
    config = file.with_name(CONFIG)
    is_its = file.stem.startswith("adapter_model") or only_file(file.parent) == file
    return config if is_its and config.is_file() else None


def used_files(path: Path) -> list[Path]:
    """List all that is read of a LoRA, which decides what it plays: weights, and PEFT's settings."""
    files = find_files(path).values()
    return [each for file in files for each in (file, config_beside(file)) if each is not None]


def open_sources(path: Path, tell: Tell, read_pickled: ReadPickled | None = None) -> list[Source]:
    """Read a LoRA's files and notes, and check that all numbers are finite.

    tell: told what is left aside; read_pickled: reads a trainer's .pt, where the family has such. Raises
    CheckpointError for files that cannot be read.
    """
    return [read_source(net, file, tell, read_pickled) for net, file in find_files(path).items()]


def read_source(net: str, file: Path, tell: Tell, read_pickled: ReadPickled | None) -> Source:
    """Read one file with its notes."""
    if read_pickled is not None and file.suffix in PICKLED:
        tensors, head = read_pickled(file), {}
    else:
        tensors, head = read_safetensors(file)
    check_scaled(tensors, f"LoRA {file.name}")
    check_finite(tensors.items(), f"LoRA {file.name}")
    notes = notes_of(head, file, tell)
    if (config := config_beside(file)) is not None:
        notes = {**notes, "": {**notes.get("", {}), **read_config(config)}}
    for settings in notes.values():
        check_settings(settings, file)
    return Source(file, net, tensors, notes)


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors of a safetensors file, and its head."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118, it is no dict
            head = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"LoRA {path} cannot be read: {error}; it must be a whole safetensors file") from error
    if not tensors:
        raise CheckpointError(f"LoRA {path} is empty; get it again")
    return tensors, head


def read_config(path: Path) -> dict[str, Any]:
    """Read PEFT's adapter_config.json; CheckpointError for one that is broken, or of a kind that is not played."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}), and it says how strong the LoRA is; get it again"
        ) from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} holds no settings but {type(found).__name__}; get it again")
    if (kind := str(found.get("peft_type") or PLAYED[0]).upper()) not in PLAYED:
        raise CheckpointError(
            f"{path.parent.name} is a {kind} of PEFT (so says its {CONFIG}); possible: LoRA, LoHa, LoKr"
        )
    return {"peft_type": kind} | {name: found[name] for name in SETTINGS if found.get(name) is not None}


def notes_of(head: Mapping[str, str], path: Path, tell: Tell) -> dict[str, dict[str, Any]]:
    """Give what a file's head notes for each network: diffusers' note, or the same settings in the head itself."""
    notes: dict[str, dict[str, Any]] = {}
    told = {name: parsed(value) for name, value in head.items() if setting_of(name)[1] in SETTINGS}
    if (note := head.get(NOTE)) is not None:
        found = parsed(note)
        if not isinstance(found, dict) and found not in (None, []):
            said = f"LoRA {path.name}: its note {NOTE} cannot be read and is left aside"
            tell(f"{said}; it plays at the strength of its keys")
        told |= found if isinstance(found, dict) else {}
    for name, value in told.items():
        net, setting = setting_of(name)
        if setting in SETTINGS and value is not None:
            notes.setdefault(net, {})[setting] = value
    return notes


def setting_of(name: str) -> tuple[str, str]:
    """Split a note's name into network and setting: `unet.lora_alpha`, or `lora_alpha` alone."""
    net, _, setting = name.rpartition(".")
    return net, setting


def parsed(text: str) -> object:
    """Read JSON; what is none stays text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError, TypeError):
        return text


def check_settings(settings: Settings, path: Path) -> None:
    """Raise CheckpointError for a setting of another kind, and for a strength or rank that cannot be one."""
    for name, value in settings.items():
        numbers = list(value.values()) if isinstance(value, dict) else [value]
        least = 1 if name in ("r", "rank_pattern") else -float("inf")
        possible = isinstance(value, SETTINGS[name])
        if SETTINGS[name] in (NUMBER, dict):
            possible &= all(isinstance(each, NUMBER) and math.isfinite(each) and each >= least for each in numbers)
        if not possible:
            raise CheckpointError(f"LoRA {path.name} notes {name} as {value!r}, which is no strength; get it again")
