"""Which ways of making a network faster or smaller are asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Acceleration:
    """What `accelerate` is to do to a network; by default nothing.

    compile: torch.compile on the network's own calls; True, or the name of one of torch.compile's backends. The first
    call compiles (minutes for a full-size UNet); the result is kept on disk, see `compile.compile_cache`.
    graphs: CUDA graphs, see `graphs.GraphedCallable`; on CUDA only, without gradients.
    quantize: torchao on the linear layers but the first and last: "int8", "fp8" hold weights in 8 bits; "int8-dynamic",
    "fp8-dynamic" also multiply in 8 bits. For after weights are loaded and adapters are fused.
    attention: a backend by the name diffusers gives it ("native", "flash", "sage", ...).
    """

    compile: bool | str = False
    graphs: bool = False
    quantize: str | None = None
    attention: str | None = None
