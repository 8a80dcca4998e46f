"""AnyFlow-FAR (arXiv 2605.13724, 2503.19325): a causal Wan whose steps are flow maps, played by our samplers.

All that is random in a frame is the noise it begins from, so more steps are the same film, finer.
"""

from __future__ import annotations

from dataclasses import replace
from math import lcm
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from studio.conditioning import Rows
from studio.kv_cache import KVCache
from studio.models.anyflow.checkpoint import load_far_net, net_folder, read_far_config
from studio.models.anyflow.far_net import FarNet
from studio.models.anyflow.options import FIRST_CHUNK, AnyFlowOptions
from studio.models.base import Capabilities
from studio.models.notices import Notices
from studio.models.options import flat_signature, from_flat
from studio.models.trial import attempt
from studio.models.wan.model import Wan, capabilities, patch_side

REFUSES = {"lora": "its net is opened as it was published, without a LoRA"}


class AnyFlow(Wan):
    """An AnyFlow-FAR student as the studio plays it, see `models.base.Model`.

    It has Wan 2.1's autoencoder, text encoder and schedule. Of the frames it keeps it reads all again with each chunk,
    each under the words it has by then. Raises CheckpointError for files that do not fit, ValueError for options that
    are not possible.
    """

    options: Any

    def __init__(self, base: Path | str, options: AnyFlowOptions | None = None) -> None:
        """base: a Wan folder in diffusers' layout, or AnyFlow's own."""
        given: Any = options or AnyFlowOptions()  # which has all that `Wan` asks of its own
        super().__init__(base, given)

    def read_config(self, base: Path, options: Any) -> dict[str, Any]:
        """Read the net's shape; CheckpointError for a folder or file of a net that is not played."""
        return read_far_config(base, options.generator)

    def cells(self, config: dict[str, Any], base: Path) -> int:
        """Give how many latent cells a picture's sides are multiples of: a coarse token's."""
        return lcm(patch_side(config, base), config["compressed_patch_size"][1])

    def read_net(self, base: Path, notices: Notices) -> nn.Module:
        """Read the net, ready to be played."""
        options, (device, dtype) = self.options, self.options.place
        folder = net_folder(base, options.generator)
        transformer = load_far_net(read_far_config(base, options.generator), folder, dtype)
        return attempt("transformer", folder, lambda: FarNet(transformer, options.chunk).eval().to(device))

    def able(self, size: tuple[int, int]) -> Capabilities:
        """Say what it can do: words alone, and a picture as its first frame; a first chunk of one frame."""
        able = capabilities(self.options, size, self.codec)
        refuses = {**able.refuses, **REFUSES}
        return replace(able, first_chunk=FIRST_CHUNK, flow_map=True, refuses=refuses)

    def denoise(self, rows: Rows, cache: KVCache | None = None, write: int = 0, causal: bool = True) -> Tensor:
        """Denoise rows, see `FarNet.forward`."""
        return self.net(rows.x, rows.sigma, rows.cond, rows.frames, rows.targets, cache, write, causal)

    def new_cache(self) -> KVCache:
        """Make an empty cache for one stream."""
        return self.net.new_cache(self.options.cache, self.latent)


@flat_signature(AnyFlowOptions)
def open_anyflow(base: Path | str, **options: Any) -> AnyFlow:
    """Open an AnyFlow-FAR student with options by their flat names, as `load` and the command line give them.

    options: the fields of `AnyFlowOptions` and of `Acceleration`.
    """
    return AnyFlow(base, from_flat(AnyFlowOptions, options))
