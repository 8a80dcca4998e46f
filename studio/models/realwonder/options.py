"""How RealWonder's student is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.models.wan.options import WanOptions


@dataclass(frozen=True)
class RealWonderOptions(WanOptions):
    """What is opened beside a base folder, and how it is played, see `WanOptions`.

    Args:
        generator: the student's file, step=000800.pt of the published ones; it must be given.
        image_encoder: a folder whose image_encoder and image_processor read the picture, as those of
            Wan-AI/Wan2.1-I2V-14B-480P-Diffusers; None: base has them.
        sink, window: with the chunk of 3 the 21 latent frames it was trained to see.
    """

    sink: int = 1
    window: int = 17
    image_encoder: Path | str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.generator is None:
            raise ValueError(
                "generator is not given; give the student's own file, step=000800.pt of the published ones"
            )
