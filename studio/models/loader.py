"""From a name or a folder to a model that can be played."""

from __future__ import annotations

import importlib
import inspect
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from studio.models.errors import OptionError, UnknownModel
from studio.models.registry import FOLDERS, IMAGE, MODELS

if TYPE_CHECKING:
    from studio.models.base import Model

log = logging.getLogger("studio")
Progress = Callable[[int, int, str], None]  # bytes done, bytes in all, what is under way


def load(name: str | Path, progress: Progress | None = None, cancel: Event | None = None, **options: Any) -> Model:
    """The model of a name in `MODELS`, or of a diffusers folder, with its weights.

    What is not on this machine is downloaded (`progress`, `cancel`: see download.fetch), after the disk and what the
    model takes in memory were checked. options: the factory's; one of a part's name takes that part's place, so
    `tiny_vae=None` goes without it; sampler, steps: to play it with, instead of what it was made for. Raises
    UnknownModel, OptionError, memory.NotEnough, download.DownloadError, or what the factory says of its files.
    """
    from studio.hub.memory import NETWORKS, check, network_of

    factory, meant, options = asked(name, options)
    if str(name) in MODELS:
        entry = MODELS[str(name)]
        check(NETWORKS[entry.memory], str(name), {**options, **meant})
        if entry.parts:
            from studio.hub.download import fetch

            options = {**fetch(str(name), progress, cancel, without=frozenset(options)), **options}
    else:
        _, argument, folder = of_folder(name)
        check(network_of(folder, "image" if factory == IMAGE else "video"), str(name), options)
        options, name = {argument: folder, **options}, folder
    model = made(factory, options)
    return check_sampler(model.with_defaults(str(name), **meant))


def check_sampler(model: Model) -> Model:
    """Give the model, if there is a sampler of the name it is to be played with; OptionError if there is none."""
    from studio.samplers import samplers_of

    if (sampler := model.capabilities.sampler) not in (samplers := samplers_of(model)):
        raise OptionError(f"sampler is {sampler!r}; {model.name} is played by: {', '.join(samplers)}")
    return model


def asked(name: str | Path, options: Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The factory, how its model is played (`sampler`, `steps`), and the options of the table and the person together.

    Raises OptionError for an option the factory does not take.
    """
    entry = MODELS.get(str(name))
    factory = entry.factory if entry else of_folder(name)[0]
    chosen = {key: value for key in ("sampler", "steps") if (value := options.get(key)) is not None}
    given = {key: value for key, value in options.items() if key not in ("sampler", "steps")}
    known = takes(name)
    if strange := [key for key in given if key not in known]:
        raise OptionError(f"{name} takes no {', '.join(strange)}; it takes: {', '.join(known) or 'no options'}")
    if entry is None:
        return factory, chosen, given
    return factory, {**entry.meant, **chosen}, {**entry.options, **given}


def takes(name: str | Path) -> tuple[str, ...]:
    """The options a model's factory takes, by name."""
    entry = MODELS.get(str(name))
    return tuple(inspect.signature(attribute(entry.factory if entry else of_folder(name)[0])).parameters)


def made(factory: str, options: Mapping[str, Any]) -> Any:
    """What the factory gives; OptionError where it says that an option is not possible."""
    try:
        return attribute(factory)(**options)
    except ValueError as error:
        log.debug("%s refused", factory, exc_info=error)
        raise OptionError(str(error)) from error


def attribute(factory: str) -> Callable[..., Any]:
    """The function or class of "module:name"."""
    module, _, name = factory.partition(":")
    return getattr(importlib.import_module(module), name)


def of_folder(name: str | Path) -> tuple[str, str, Path]:
    """The factory of a diffusers folder, the argument it takes the folder as, and the folder."""
    folder = Path(name).expanduser()
    if not folder.exists():
        raise UnknownModel(
            f"no model is called {str(name)!r}; there are: {', '.join(MODELS)}, and any diffusers folder of Stable "
            "Diffusion or Wan, by its path"
        )
    index = folder / "model_index.json"
    wanted = "give a diffusers folder, with model_index.json beside unet/ or transformer/, vae/ and text_encoder/"
    if not index.is_file():
        raise UnknownModel(f"{folder} holds no model_index.json, so it is no diffusers folder; {wanted}")
    try:
        kind = str(json.loads(index.read_text(encoding="utf-8"))["_class_name"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnknownModel(f"{index} does not name a pipeline ({error!r}); {wanted}") from error
    for beginning, (factory, argument) in FOLDERS.items():
        if kind.startswith(beginning):
            return factory, argument, folder.resolve()
    raise UnknownModel(
        f"{folder} is a {kind}; the studio plays StableDiffusionPipeline, StableDiffusionXLPipeline and WanPipeline"
    )
