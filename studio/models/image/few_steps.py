"""Whether a checkpoint was distilled for a few steps, by what its files say; what they do not say is not known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.models.image.options import ImageOptions
    from studio.models.image.parts import ImageParts
    from studio.models.image.single_file import SingleFile
    from studio.models.image.sources import DiffusersFolder

# What distilled checkpoints, and LoRAs that distil, are called by those who publish them.
NAMED = re.compile(r"turbo|lightning|lcm|hyper|flash|dmd|tcd|pcm|distill|schnell", re.IGNORECASE)
SCHEDULERS = ("LCMScheduler", "TCDScheduler")


def why_undistilled(source: DiffusersFolder | SingleFile, parts: ImageParts, options: ImageOptions) -> str:
    """Say why a few steps are too few for a checkpoint; empty for one that was distilled, by any sign there is.

    Signs: an LCM-LoRA, LCM's levels or its embedding of the guidance scale, the scheduler of SD-Turbo and SDXL-Turbo
    (trailing timesteps that predict the noise), or a name that says it.
    """
    scheduler = source.scheduler()
    name = str(scheduler.get("_class_name"))
    turbo = scheduler.get("timestep_spacing") == "trailing" and parts.levels.prediction == "epsilon"
    told = " ".join((source.title, *(options.loras or {}), *(path.name for path in options.lora_files)))
    if parts.levels.grid or parts.unet.config.time_cond_proj_dim or name in SCHEDULERS or turbo or NAMED.search(told):
        return ""
    return (
        "nothing in this checkpoint's files says that it was distilled, and one that was not draws blurred pictures "
        "then; open it with an LCM-LoRA (--lcm-lora FILE), or take more steps, with guidance"
    )
