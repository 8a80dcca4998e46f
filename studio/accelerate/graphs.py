"""CUDA graphs of a network's calls, our own.

torch.compile's (mode "reduce-overhead") skip every forward that writes into its inputs, as a KV cache's does, and give
away outputs that the next call overwrites.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from studio.accelerate.calls import Call, calls_of, get_call, replace_call

MAX_GRAPHS = 24  # the most forms of call a module keeps graphs of
WARMUP_CALLS = 4  # calls of a form before it is recorded: a cache that fills meets forms that do not come again

Outputs = Any  # whatever tree of tensors a network's call gives
Capture = Callable[[Callable[[], Outputs]], tuple[Callable[[], None], Outputs]]


@runtime_checkable
class HasGraphKey(Protocol):
    """An argument that counts by a key: its tensors stay where they are and are not copied."""

    @property
    def graph_key(self) -> Hashable: ...


def graphs_reason(device: torch.device) -> str:
    """Say why CUDA graphs cannot be used; "" if they can."""
    if not torch.cuda.is_available():
        return "CUDA graphs need an NVIDIA GPU and a torch built for CUDA, and torch sees none"
    return "" if device.type == "cuda" else f"the module is on {device}; move it to the GPU first"


def graph_calls(module: nn.Module) -> None:
    """Replay the module's calls from CUDA graphs from now on."""
    for name in calls_of(module).graphs:
        replace_call(module, name, GraphedCallable)


def forget(module: nn.Module) -> None:
    """Drop the CUDA graphs kept of a module: call after changing what its forward reads beside its arguments."""
    for name in calls_of(module).graphs:
        call = get_call(module, name)
        if isinstance(call, GraphedCallable):
            call.forget()


class CudaCapture:
    """Records calls as CUDA graphs, all in one pool of memory: they are replayed one at a time, under a lock."""

    def __init__(self) -> None:
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, call: Callable[[], Outputs]) -> tuple[Callable[[], None], Outputs]:
        """Give what replays the call, and its outputs, in the memory that a replay fills.

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
class CapturedGraph:
    """One form of call: memory its inputs are copied to, what was last copied there, the replay and its outputs."""

    inputs: list[Tensor]
    last: list[tuple[Tensor, int]]
    replay: Callable[[], None]
    outputs: Outputs

    def __call__(self, tensors: Sequence[Tensor]) -> Outputs:
        """Copy inputs in but those that are unchanged, replay, give copies of the outputs."""
        changed = [(old, new) for old, new, last in zip(self.inputs, tensors, self.last) if not is_unchanged(new, last)]
        for old, new in changed:
            old.copy_(new)
        self.last = [with_version(tensor) for tensor in tensors]
        self.replay()
        return pytree.tree_map_only(Tensor, Tensor.clone, self.outputs)


class GraphedCallable:
    """A call replayed from CUDA graphs, one for each form it is made in; the first few calls of a form run eagerly.

    A form is the shapes, dtypes and devices of the tensors among the arguments, and everything else among them; an
    object that has a `graph_key` counts by that: its tensors stay where they are and are not copied. Weights keep their
    memory too: values changed in place are seen. With gradients calls run eagerly; of more than `MAX_GRAPHS` forms the
    one longest unused is dropped. A recording makes the call a few times over: a cache is to be written the same each
    time.
    """

    def __init__(self, call: Call, capture: Capture | None = None) -> None:
        self.call, self.capture = call, capture or CudaCapture()
        self._graphs: OrderedDict[Hashable, CapturedGraph | int] = OrderedDict()  # or how often a form was met
        self._lock = threading.Lock()  # sessions share a model, and its graphs their memory

    def __call__(self, *args: Any, **options: Any) -> Outputs:
        """Give what the call gives, in memory of its own."""
        if torch.is_grad_enabled():
            return self.call(*args, **options)
        leaves, tree = flatten_arguments((args, options))
        form = (tree, *(leaf_key(leaf) for leaf in leaves))
        with self._lock:
            known = self._graphs.pop(form, 0)
            if isinstance(known, int) and known >= WARMUP_CALLS:
                known = self._record(leaves, tree)
            self._graphs[form] = known if isinstance(known, CapturedGraph) else known + 1
            while len(self._graphs) > MAX_GRAPHS:
                self._graphs.popitem(last=False)
            if isinstance(known, CapturedGraph):
                return known([leaf for leaf in leaves if isinstance(leaf, Tensor)])
            return self.call(*args, **options)

    def forget(self) -> None:
        """Drop all graphs."""
        with self._lock:
            self._graphs.clear()

    def _record(self, leaves: list[object], tree: pytree.TreeSpec) -> CapturedGraph:
        fixed = [leaf.clone() if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        args, options = pytree.tree_unflatten(fixed, tree)
        replay, outputs = self.capture(lambda: self.call(*args, **options))
        inputs = [leaf for leaf in fixed if isinstance(leaf, Tensor)]
        return CapturedGraph(
            inputs, [with_version(leaf) for leaf in leaves if isinstance(leaf, Tensor)], replay, outputs
        )


def flatten_arguments(tree: object) -> tuple[list[object], pytree.TreeSpec]:
    """Give the tensors and other values in nested arguments, in order, and their arrangement; opens dataclasses."""
    leaves, arrangement = pytree.tree_flatten(tree)
    closed = {type(leaf) for leaf in leaves if is_dataclass(leaf) and not isinstance(leaf, HasGraphKey)}
    if not closed:
        return leaves, arrangement
    for kind in closed:
        torch.export.register_dataclass(kind)
    return flatten_arguments(tree)


def leaf_key(leaf: object) -> Hashable:
    """Give what of an argument a recording depends on."""
    if isinstance(leaf, Tensor):
        return (leaf.shape, leaf.stride(), leaf.dtype, leaf.device)
    return leaf.graph_key if isinstance(leaf, HasGraphKey) else leaf


def is_unchanged(tensor: Tensor, last: tuple[Tensor, int]) -> bool:
    """Tell whether a tensor is the one seen last and has not been written to since."""
    return tensor is last[0] and with_version(tensor)[1] == last[1] >= 0


def with_version(tensor: Tensor) -> tuple[Tensor, int]:
    """Give a tensor and how often it was written to; -1 where torch does not count (inference mode)."""
    return tensor, -1 if tensor.is_inference() else tensor._version
