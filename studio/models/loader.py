"""From a name or a folder to a model that can be played."""

from __future__ import annotations

import importlib
import inspect
import json
import logging
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from studio.folders import expand_home
from studio.hub.progress import Progress
from studio.models.devices import resolve_device
from studio.models.errors import OptionError, UnknownModel
from studio.models.file_kinds import check_image_file
from studio.models.registry import FOLDERS, MODELS, ONE_FILE, FolderFormat

if TYPE_CHECKING:
    from studio.models.base import Model

log = logging.getLogger("studio")
INDEX = "model_index.json"
# OWNER/NAME, its page, or that of one file in it.
HUB_NAME = re.compile(
    r"(?:(?:https?://)?(?:huggingface\.co|hf\.co)/)?([\w.-]+)/([\w.-]+)"
    r"(?:/(?:tree/[^/]+|(?:blob|resolve)/([^/]+)/([^?]+)))?/?(?:\?.*)?"
)
WEIGHTS = (".safetensors", ".ckpt", ".pt", ".pth", ".gguf")  # how files of weights end
PLACES = (
    "controlnet",
    "tiny_vae",
    "lcm_lora",
    "loras",
    "generator",
    "lora",
    "tiny_decoder",
    "text_encoder",
    "image_encoder",
)
DEVICES = ("device", "text_device")  # options that name one
# How a model is played where nobody says otherwise; no factory's options.
DEFAULTS = ("sampler", "steps", "first_frame_steps", "sink_policy")


@dataclass(frozen=True)
class ResolvedOptions:
    """What a model is made with: the factory, its options, and how the model is played (`DEFAULTS`)."""

    factory: str
    options: Mapping[str, Any]
    defaults: Mapping[str, str | int]

    @property
    def all(self) -> dict[str, Any]:
        """Give options and defaults together: what its memory depends on."""
        return {**self.options, **self.defaults}


def load(name: str | Path, progress: Progress | None = None, cancel: Event | None = None, **options: Any) -> Model:
    """Load the model of a name in `MODELS`, or of a diffusers folder, with its weights.

    What is not on this machine is downloaded, after the disk and what the model takes in memory were checked.

    Args:
        name: a name in `MODELS`, or the path of a folder.
        progress, cancel: see `download.fetch`.
        options: the factory's; one of a part's name takes that part's place, so `tiny_vae=None` goes without it.
            sampler, steps, first_frame_steps, sink_policy: to play it with, instead of what it was made for.

    Raises:
        UnknownModel, OptionError, NotEnoughMemory, DownloadError, or what the factory says of its files.

    Example:
        load("sd-turbo", size=(512, 768), device="cuda")
    """
    resolved = resolve_options(name, options)
    check_brought(str(name), resolved)
    check_memory(name, resolved)
    if str(name) in MODELS:
        paths = fetch_parts(str(name), resolved, progress, cancel)
    else:
        layout, folder = open_folder(name)
        paths, name = {layout.argument: folder}, folder
    model = instantiate(resolved.factory, {**paths, **resolved.options})
    return check_sampler(model.with_defaults(str(name), **resolved.defaults))


def check_brought(name: str, resolved: ResolvedOptions) -> None:
    """Raise OptionError, before anything is downloaded, for a file that the person is to bring and did not."""
    for option, words in (MODELS[name].brings if name in MODELS else {}).items():
        if resolved.options.get(option) is None:
            raise OptionError(f"{name} plays from a file that you bring, as the option {option}: {words}")


def check_memory(name: str | Path, resolved: ResolvedOptions) -> None:
    """Raise NotEnoughMemory if the model does not fit this machine; nothing is downloaded or loaded for it."""
    from studio.hub.fit import check_fit
    from studio.hub.folder import folder_counts

    if str(name) in MODELS:
        counts = MODELS[str(name)].memory
    else:
        layout, folder = open_folder(name)
        counts = folder_counts(folder, layout.kind)
    check_fit(counts, str(name), resolved.all)


def fetch_parts(
    name: str, resolved: ResolvedOptions, progress: Progress | None, cancel: Event | None
) -> dict[str, Path]:
    """Give the path of every part that no option takes the place of; downloaded where it is not here."""
    if not MODELS[name].parts:
        return {}
    from studio.hub import download

    return download.fetch(name, progress, cancel, without=frozenset(resolved.options))


def check_sampler(model: Model) -> Model:
    """Give the model back, if there is a sampler of the name it is to be played with; else raise OptionError."""
    from studio.samplers import samplers_of

    if (sampler := model.capabilities.sampler) not in (samplers := samplers_of(model)):
        raise OptionError(f"sampler is {sampler!r}; {model.name} is played by: {', '.join(samplers)}")
    return model


def resolve_options(name: str | Path, options: Mapping[str, Any]) -> ResolvedOptions:
    """Put the options of the table and the person together; OptionError for one the factory does not take."""
    entry = MODELS.get(str(name))
    options = {key: find_places(value) if key in PLACES else expand_homes(value) for key, value in options.items()}
    chosen = {key: value for key in DEFAULTS if (value := options.get(key)) is not None}
    given = {key: value for key, value in options.items() if key not in DEFAULTS}
    accepted = accepted_options(name)
    if strange := [key for key in given if key not in accepted]:
        raise OptionError(f"{name} takes no {', '.join(strange)}; it takes: {', '.join(accepted) or 'no options'}")
    for key in PLACES:
        check_place(key, given.get(key))
    if given.get("dtype") is not None:
        given["dtype"] = read_dtype(given["dtype"])
    if given.get("size") is not None:
        given["size"] = read_size(given["size"])
    for key in DEVICES:
        if given.get(key) is not None:
            resolve_device(given[key])
    if entry is None:
        return ResolvedOptions(factory_of(name), given, chosen)
    return ResolvedOptions(entry.factory, {**entry.options, **given}, {**entry.defaults, **chosen})


def check_place(option: str, value: object) -> None:
    """Raise OptionError unless an option of `PLACES` is a path, or None; of LoRAs, paths by their names."""
    if option == "loras" and value is not None:
        if not isinstance(value, Mapping):
            raise OptionError(f"loras is {value!r}; give {{name: file}}, as {{'ink': 'ink.safetensors'}}")
        for each in value.values():
            check_place("a LoRA's file", each)
    elif not isinstance(value, str | Path | None):
        raise OptionError(f"{option} is {value!r}; give one path")


def read_dtype(dtype: object) -> object:
    """Give a torch dtype, by its name too; OptionError for one that networks are not played in."""
    import torch

    found = getattr(torch, dtype.removeprefix("torch."), None) if isinstance(dtype, str) else dtype
    if found not in (torch.float32, torch.float16, torch.bfloat16):
        raise OptionError(f"dtype is {dtype!r}; possible: float32, float16, bfloat16")
    return found


def read_size(size: Any) -> tuple[int, int]:
    """Give a size as (height, width) in whole pixels; OptionError for anything else."""
    try:
        height, width = map(operator.index, size)
    except (TypeError, ValueError):
        raise OptionError(f"size is {size!r}; give (height, width) in whole pixels, as (480, 832)") from None
    return height, width


def expand_homes(value: object) -> object:
    """Put the home folder in the place of a path's ~, in a mapping's values too; anything else stays as it is."""
    if isinstance(value, Mapping):
        return {key: expand_homes(each) for key, each in value.items()}
    return expand_home(value) if isinstance(value, str | Path) and str(value).startswith("~") else value


def find_places(value: object) -> object:
    """Give where a part is that is given beside a model, in a mapping's values too: see `find_place`."""
    if isinstance(value, Mapping):
        return {key: find_places(each) for key, each in value.items()}
    return find_place(value) if isinstance(value, str | Path) else value


def find_place(given: str | Path) -> Path:
    """Give the path of a file or folder: of one in the hub's cache, by its folder or its name, that of its snapshot."""
    place = expand_home(given)
    if place.exists():
        return follow_snapshot(place)
    try:
        return find_in_cache(str(given))
    except UnknownModel:
        return place  # whoever reads it says that it is not there


def accepted_options(name: str | Path) -> tuple[str, ...]:
    """List the options a model's factory takes, by name."""
    return tuple(inspect.signature(import_factory(factory_of(name))).parameters)


def factory_of(name: str | Path) -> str:
    """Give the factory of a name in `MODELS` or of a folder, as "module:name"."""
    entry = MODELS.get(str(name))
    return entry.factory if entry else open_folder(name)[0].factory


def instantiate(factory: str, options: Mapping[str, Any]) -> Model:
    """Make the model; OptionError where the factory says that an option is not possible."""
    try:
        return import_factory(factory)(**options)
    except ValueError as error:
        log.debug("%s refused", factory, exc_info=error)
        raise OptionError(str(error)) from error


def import_factory(factory: str) -> Callable[..., Model]:
    """Import the function or class of "module:name"."""
    module, _, name = factory.partition(":")
    return getattr(importlib.import_module(module), name)


def open_folder(name: str | Path) -> tuple[FolderFormat, Path]:
    """Tell what kind of diffusers folder a path is; UnknownModel if it is none that can be played.

    A file is an image model's, or CheckpointError says what else it is of. A folder of the hub's cache
    (models--OWNER--NAME), and OWNER/NAME of one that is there, is its snapshot.
    """
    folder = expand_home(name)
    if not folder.exists():
        folder = find_in_cache(str(name))
    if folder.name == INDEX and folder.is_file():
        folder = folder.parent
    if folder.is_file():
        check_image_file(folder)
        return ONE_FILE, folder.resolve()
    folder = follow_snapshot(folder)
    pipeline = read_pipeline(folder)
    for beginning, layout in FOLDERS.items():
        if pipeline.startswith(beginning):
            return layout, folder.resolve()
    raise UnknownModel(
        f"{folder} is a {pipeline}; the studio plays StableDiffusionPipeline, StableDiffusionXLPipeline and WanPipeline"
    )


def find_in_cache(name: str) -> Path:
    """Find in the hub's cache what OWNER/NAME, its page's address, or a file's, names; UnknownModel if it is not there.

    Nothing is downloaded by such a name: which of a repository's many files, and under which licence, a person says.
    """
    known = (
        f"no model is called {name!r}; there are: {', '.join(MODELS)}, any diffusers folder of Stable Diffusion or "
        "Wan, and any Stable Diffusion in one file, by its path"
    )
    repo = HUB_NAME.fullmatch(name)
    if repo is None and "://" in name:
        raise UnknownModel(f"{name} is an address; download the file it offers, and give its path")
    if repo is None or (name.endswith(WEIGHTS) and not repo[4]):
        raise UnknownModel(known)
    from studio.hub.download import cache_folder

    folder, owned = cache_folder() / f"models--{repo[1]}--{repo[2]}", f"{repo[1]}/{repo[2]}"
    found = follow_snapshot(folder) / (repo[4] or "") if folder.is_dir() else folder
    if not found.exists():
        wanted = f"{owned} {repo[4]}" if repo[4] else owned
        raise UnknownModel(
            f"{known}; a repository of the hub is not downloaded by its name alone: `hf download {wanted}` brings it, "
            "and then it plays by that name"
        )
    return found


def follow_snapshot(folder: Path) -> Path:
    """Give the snapshot of a folder of the hub's cache: the main one, else the only one; any other folder as it is."""
    snapshots = sorted(path for path in folder.glob("snapshots/*") if path.is_dir())
    if not snapshots or (folder / INDEX).exists():
        return folder
    try:
        main = folder / "snapshots" / (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        main = None
    if main in snapshots:
        return main
    if len(snapshots) > 1:
        raise UnknownModel(f"{folder} holds {len(snapshots)} snapshots; give the path of one, as {snapshots[0]}")
    return snapshots[0]


def read_pipeline(folder: Path) -> str:
    """Read the name of the pipeline a diffusers folder says it is; UnknownModel where it says none."""
    index = folder / INDEX
    wanted = "give a diffusers folder, with model_index.json beside unet/ or transformer/, vae/ and text_encoder/"
    if (folder.parent / INDEX).is_file() and not (folder / INDEX).exists():
        wanted += f"; this is a part of {folder.parent}, give that"
    elif inside := sorted(folder.glob(f"*/{INDEX}")):
        wanted += f"; there is one in it: {inside[0].parent}"
    elif files := [file for file in sorted(folder.glob("*")) if file.suffix in WEIGHTS]:
        wanted += f"; a checkpoint in one file is played by its own path, as {files[0]}"
    if not index.is_file():
        raise UnknownModel(f"{folder} holds no model_index.json, so it is no diffusers folder; {wanted}")
    try:
        return str(json.loads(index.read_text(encoding="utf-8"))["_class_name"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnknownModel(f"{index} does not name a pipeline ({error!r}); {wanted}") from error
