"""Ways to make a network faster or smaller that leave the code around it as it is.

`wrapped` gives the same module back, changed in place: its class, names, configuration and attributes stay, so whoever
calls it is unaware. `available` says what can be used on this machine.

compile: torch.compile. A UNet is compiled whole, where the time goes into many unlike layers; a transformer by its
block, which is compiled once and used by all. CUDA graphs are ours (`Graphed`), not torch.compile's own
(mode "reduce-overhead"): that one skips every forward that writes into its inputs, as a KV cache's does, and gives
away outputs that the next call overwrites.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from studio.accelerate.options import Acceleration

QUANTIZATIONS = ("int8", "int8-dynamic", "fp8", "fp8-dynamic")
EXACT = ("time_", "text_", "embed", "proj_in", "proj_out")  # layers that stay as they are: few, small and sensitive
GRAPHS = 24  # the most forms of call a module keeps graphs of
RECOMPILED = 32  # forms a call is compiled for; torch's own 8 are soon used up by numbers of steps: then it is eager
PATIENCE = 4  # calls of a form before it is recorded: a cache that fills meets forms that do not come again


@dataclass(frozen=True)
class Parts:
    """The calls of a module that are replaced, as dotted names: all work, and nothing that looks at values.

    grows: whether its shapes grow while a cache fills; they are then compiled as open sizes, once, and otherwise each
    for itself, which gives faster code.
    """

    compile: tuple[str, ...] = ("forward",)
    graphs: tuple[str, ...] = ("forward",)
    grows: bool = False


# By the name of the class, so that nothing is imported for it. What is not here is wrapped at its forward; of
# diffusers' transformers the repeated blocks are compiled.
PARTS = {
    "UNet2DConditionModel": Parts(),
    "ControlNetModel": Parts(),
    "AutoencoderTiny": Parts(("encoder.forward", "decoder.forward"), ("encoder.forward", "decoder.forward")),
    "AutoencoderKL": Parts(("encoder.forward", "decoder.forward"), ("encoder.forward", "decoder.forward")),
    "CausalWan": Parts(("block",), ("body",), grows=True),
    "TinyDecoder": Parts(("decode",), ("decode",)),
}


def wrapped(
    module: nn.Module,
    *,
    compile: bool | str = False,
    graphs: bool = False,
    quantize: str | None = None,
    attention: str | None = None,
) -> nn.Module:
    """The module itself, changed in place; its results stay equal within rounding (with `quantize`: within its error).

    compile: torch.compile on this module's regions; True, or the name of one of torch.compile's backends. The first
    call compiles (minutes for a full-size UNet); the result is kept on disk, see `compile_cache`.
    graphs: CUDA graphs, see `Graphed`; on CUDA only, without gradients. Call `forget` after changing anything a
    forward reads beside its arguments and the values of its weights, such as an adapter's scale.
    quantize: torchao on the linear layers but the first and last: "int8", "fp8" hold weights in 8 bits; "int8-dynamic",
    "fp8-dynamic" also multiply in 8 bits. Wrap after weights are loaded and adapters are fused.
    attention: a backend by the name diffusers gives it ("native", "flash", "sage", ...).
    Raises ValueError, before anything is changed, for what is unknown or cannot be used here, with what can.
    """
    device = next((weight.device for weight in module.parameters()), torch.device("cpu"))
    if attention is not None:
        check_attention(module, attention)
    if quantize is not None:
        check_quantize(quantize)
    if compile:
        require("compile", compile_reason(device, compile))
    if graphs:
        require("graphs", graphs_reason(device))
    if attention is not None:
        set_attention(module, attention)
    if quantize is not None:
        quantize_weights(module, quantize)
    if compile:
        compile_parts(module, "inductor" if compile is True else compile)
    if graphs:
        for name in parts(module).graphs:
            replace_call(module, name, Graphed)
    return module


def accelerate(module: nn.Module, acceleration: Acceleration) -> nn.Module:
    """Change a module in place as asked, and give it back; see `wrapped`."""
    return wrapped(
        module,
        compile=acceleration.compile,
        graphs=acceleration.graphs,
        quantize=acceleration.quantize,
        attention=acceleration.attention,
    )


def available() -> dict[str, str]:
    """What can be used on this machine: name -> "", or why it cannot be and what to do.

    "compile", "graphs", the names of quantizations, and "attention:NAME" for diffusers' public backends.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    found = {"compile": compile_reason(device), "graphs": graphs_reason(device)}
    found |= {name: quantize_reason(name) for name in QUANTIZATIONS}
    return found | {f"attention:{name}": attention_reason(name) for name in attention_names()}


def forget(module: nn.Module) -> None:
    """Drops the CUDA graphs kept of a module: call after changing what its forward reads beside its arguments."""
    for name in parts(module).graphs:
        owner, attribute = place(module, name)
        call = getattr(owner, attribute)
        if isinstance(call, Graphed):
            call.forget()


def require(what: str, reason: str) -> None:
    if reason:
        raise ValueError(f"{what} cannot be used here: {reason}")


def parts(module: nn.Module) -> Parts:
    """Where a module is wrapped."""
    return PARTS.get(next((k.__name__ for k in type(module).__mro__ if k.__name__ in PARTS), ""), Parts())


def place(module: nn.Module, name: str) -> tuple[Any, str]:
    """The owner of a dotted name, and the name it has there."""
    *path, attribute = name.split(".")
    owner: Any = module
    for step in path:
        owner = getattr(owner, step)
    return owner, attribute


def replace_call(module: nn.Module, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Puts a wrapped call in the place of a call of the module."""
    owner, attribute = place(module, name)
    setattr(owner, attribute, wrap(getattr(owner, attribute)))


# torch.compile


def compile_cache() -> Path:
    """Where compiled code is kept between runs: TORCHINDUCTOR_CACHE_DIR, else `studio/inductor` in the user's cache."""
    kept = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    base = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else os.environ.get("XDG_CACHE_HOME")
    return Path(kept) if kept else Path(base or Path.home() / ".cache") / "studio" / "inductor"


def compile_reason(device: torch.device, backend: bool | str = True) -> str:
    """Why torch.compile cannot be used, "" if it can."""
    if backend is not True:
        known = torch.compiler.list_backends(exclude_tags=())
        return "" if backend in known else f"torch.compile has no backend {backend!r}; there are: {', '.join(known)}"
    if device.type == "cuda":
        from torch.utils._triton import has_triton

        return "" if has_triton() else "it needs Triton on CUDA; pip install triton"
    compilers = ("cl",) if sys.platform == "win32" else ("g++", "clang++")
    if os.environ.get("CXX") or any(shutil.which(name) for name in compilers):
        return ""
    return f"it needs a C++ compiler, and none of {', '.join(compilers)} is on the path; install one or set CXX"


def compile_parts(module: nn.Module, backend: str) -> None:
    """Compiles where `PARTS` says, else the repeated blocks of a diffusers transformer, else the forward."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(compile_cache()))
    options: dict[str, Any] = {"backend": backend, "dynamic": None if parts(module).grows else False}
    torch._dynamo.config.recompile_limit = max(RECOMPILED, torch._dynamo.config.recompile_limit)
    known = any(kind.__name__ in PARTS for kind in type(module).__mro__)
    if not known and getattr(module, "_repeated_blocks", None):
        regional: Any = module
        regional.compile_repeated_blocks(**options)
        return
    for name in parts(module).compile:
        replace_call(module, name, lambda call: torch.compile(call, **options))


# CUDA graphs


def graphs_reason(device: torch.device) -> str:
    """Why CUDA graphs cannot be used, "" if they can."""
    if not torch.cuda.is_available():
        return "CUDA graphs need an NVIDIA GPU and a torch built for CUDA, and torch sees none"
    return "" if device.type == "cuda" else f"the module is on {device}; move it to the GPU first"


class Capture:
    """Records calls as CUDA graphs, all in one pool of memory: they are replayed one at a time, under a lock."""

    def __init__(self) -> None:
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, call: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
        """What replays the call, and its outputs, in the memory that a replay fills.

        Warmed up on a stream of its own, so that workspaces and tuned kernels are there before the recording.
        """
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            call()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Other sessions' threads go on meanwhile: only this thread is kept from what a recording does not allow.
        with torch.cuda.graph(graph, pool=self.pool, stream=stream, capture_error_mode="thread_local"):
            outputs = call()
        return graph.replay, outputs


@dataclass
class Recording:
    """One form of call: memory its inputs are copied to, what was last copied there, the replay and its outputs."""

    inputs: list[Tensor]
    last: list[tuple[Tensor, int]]
    replay: Callable[[], None]
    outputs: Any

    def __call__(self, tensors: Sequence[Tensor]) -> Any:
        """Inputs in, replay, copies of the outputs out. What was not touched since the last time is not copied."""
        fresh = [(old, new) for old, new, last in zip(self.inputs, tensors, self.last) if not untouched(new, last)]
        for old, new in fresh:
            old.copy_(new)
        self.last = [seen(tensor) for tensor in tensors]
        self.replay()
        return pytree.tree_map_only(Tensor, Tensor.clone, self.outputs)


class Graphed:
    """A call replayed from CUDA graphs, one for each form it is made in; the first few calls of a form run eagerly.

    A form is the shapes, dtypes and devices of the tensors among the arguments, and everything else among them; an
    object that has a `graph_key` counts by that: its tensors stay where they are and are not copied. Weights keep their
    memory too: values changed in place are seen. With gradients calls run eagerly; of more than `GRAPHS` forms the one
    longest unused is dropped. A recording makes the call a few times over: a cache is to be written the same each time.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        capture: Callable[[Callable[[], Any]], tuple[Callable[[], None], Any]] | None = None,
    ) -> None:
        self.call, self.capture = call, capture or Capture()
        self._recordings: OrderedDict[Hashable, Recording | int] = OrderedDict()  # or how often a form was met
        self._lock = threading.Lock()  # sessions share a model, and its recordings their memory

    def __call__(self, *args: Any, **options: Any) -> Any:
        if torch.is_grad_enabled():
            return self.call(*args, **options)
        leaves, tree = taken_apart((args, options))
        form = (tree, *(leaf_key(leaf) for leaf in leaves))
        with self._lock:
            known = self._recordings.pop(form, 0)
            if isinstance(known, int) and known >= PATIENCE:
                known = self._record(leaves, tree)
            self._recordings[form] = known if isinstance(known, Recording) else known + 1
            while len(self._recordings) > GRAPHS:
                self._recordings.popitem(last=False)
            if isinstance(known, Recording):
                return known([leaf for leaf in leaves if isinstance(leaf, Tensor)])
            return self.call(*args, **options)

    def forget(self) -> None:
        """Drops all recordings."""
        with self._lock:
            self._recordings.clear()

    def _record(self, leaves: list[Any], tree: Any) -> Recording:
        fixed = [leaf.clone() if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        args, options = pytree.tree_unflatten(fixed, tree)
        replay, outputs = self.capture(lambda: self.call(*args, **options))
        inputs = [leaf for leaf in fixed if isinstance(leaf, Tensor)]
        return Recording(inputs, [seen(leaf) for leaf in leaves if isinstance(leaf, Tensor)], replay, outputs)


def taken_apart(tree: Any) -> tuple[list[Any], Any]:
    """The tensors and other values in nested arguments, in order, and their arrangement; dataclasses are opened."""
    leaves, arrangement = pytree.tree_flatten(tree)
    closed = {type(leaf) for leaf in leaves if is_dataclass(leaf) and not hasattr(leaf, "graph_key")}
    if not closed:
        return leaves, arrangement
    for kind in closed:
        torch.export.register_dataclass(kind)
    return taken_apart(tree)


def leaf_key(leaf: Any) -> Hashable:
    """What of an argument a recording depends on."""
    if isinstance(leaf, Tensor):
        return (leaf.shape, leaf.stride(), leaf.dtype, leaf.device)
    return leaf.graph_key if hasattr(leaf, "graph_key") else leaf


def untouched(tensor: Tensor, last: tuple[Tensor, int]) -> bool:
    """Whether a tensor is the one seen last and has not been written to since."""
    return tensor is last[0] and seen(tensor)[1] == last[1] >= 0


def seen(tensor: Tensor) -> tuple[Tensor, int]:
    """A tensor and how often it was written to; -1 where torch does not count (inference mode)."""
    return tensor, -1 if tensor.is_inference() else tensor._version


# torchao


def quantize_reason(name: str) -> str:
    """Why a quantization cannot be used, "" if it can."""
    if importlib.util.find_spec("torchao") is None:
        return "it needs torchao; pip install torchao"
    if name == "fp8-dynamic" and not (torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 9)):
        return "multiplying in fp8 needs an NVIDIA GPU of capability 8.9 or newer (Ada, Hopper); use fp8 or int8"
    return ""


def check_quantize(name: str) -> None:
    if name not in QUANTIZATIONS:
        raise ValueError(f"quantize is {name!r}; possible: {', '.join(QUANTIZATIONS)}")
    require(f"quantize={name!r}", quantize_reason(name))


def quantize_weights(module: nn.Module, name: str) -> None:
    """Linear layers' weights in 8 bits, in place; see `EXACT` for those that stay."""
    quantize_ = importlib.import_module("torchao.quantization").quantize_

    weights = dict(module.named_parameters())
    quantize_(module, quantize_config(name, next(iter(weights.values())).dtype), filter_fn=quantized)


def quantize_config(name: str, dtype: torch.dtype) -> Any:
    """torchao's configuration. Of fp8-dynamic one scale a row, more exact, where torch's kernel has it: bfloat16."""
    ao = importlib.import_module("torchao.quantization")

    if name == "fp8-dynamic":
        granularity = ao.PerRow() if dtype == torch.bfloat16 else ao.PerTensor()
        return ao.Float8DynamicActivationFloat8WeightConfig(granularity=granularity)
    kinds = {
        "int8": ao.Int8WeightOnlyConfig,
        "int8-dynamic": ao.Int8DynamicActivationInt8WeightConfig,
        "fp8": ao.Float8WeightOnlyConfig,
    }
    return kinds[name]()


def quantized(layer: nn.Module, name: str) -> bool:
    """Whether a layer's weights go into 8 bits: the kernels want multiples of 16."""
    if not isinstance(layer, nn.Linear) or any(part in name for part in EXACT):
        return False
    return layer.in_features % 16 == 0 and layer.out_features % 16 == 0


# Attention


def attention_names() -> tuple[str, ...]:
    """The public names in diffusers' registry."""
    from diffusers.models.attention_dispatch import AttentionBackendName

    return tuple(name.value for name in AttentionBackendName if not name.value.startswith("_"))


def attention_reason(name: str) -> str:
    """Why a backend cannot be used, "" if it can."""
    from diffusers.models import attention_dispatch

    try:
        attention_dispatch._check_attention_backend_requirements(attention_dispatch.AttentionBackendName(name))
    except (RuntimeError, ImportError) as error:
        return str(error)
    needs_gpu = not (name.lstrip("_").startswith("native") or name == "flex")
    return "it runs on a GPU, and torch sees none" if needs_gpu and not torch.cuda.is_available() else ""


def check_attention(module: nn.Module, name: str) -> None:
    """That a backend is known, can be used here, and that the module can be told one.

    diffusers' own `set_attention_backend` passes over the attention of UNets without a word; here that is an error.
    """
    from diffusers.models.attention_dispatch import AttentionBackendName

    known = [backend.value for backend in AttentionBackendName]
    if name not in known:
        raise ValueError(f"attention is {name!r}; possible: {', '.join(known)}")
    require(f"attention={name!r}", attention_reason(name))
    if name != "native" and not (hasattr(module, "attention") or hears_backends(module)):
        raise ValueError(
            f"{type(module).__name__} computes attention with torch's own kernel, which picks the fastest it has; "
            f"attention={name!r} is not possible, leave it out or use 'native'"
        )


def hears_backends(module: nn.Module) -> bool:
    """Whether diffusers' `set_attention_backend` would reach any of a module's attention."""
    told = (getattr(inner, "processor", None) for inner in module.modules())
    return hasattr(module, "set_attention_backend") and any(hasattr(one, "_attention_backend") for one in told)


def set_attention(module: Any, name: str) -> None:
    """A backend for every attention of a module: its own `attention`, or through diffusers.

    diffusers makes it the default of the whole process too, which is taken back: other models are none of our business.
    """
    if hasattr(module, "attention"):
        module.attention = name
    elif hears_backends(module):
        from diffusers.models.attention_dispatch import _AttentionBackendRegistry as registry

        default, _ = registry.get_active_backend()
        module.set_attention_backend(name)
        registry.set_active_backend(default)
