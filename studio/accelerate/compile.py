"""torch.compile: a UNet whole, where the time goes into many unlike layers; a transformer by its block.

A block is compiled once and used by all of them.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Protocol, TypedDict, cast

import torch
from torch import nn

from studio.accelerate.calls import calls_of, is_listed, replace_call

RECOMPILE_LIMIT = (
    32  # forms a call is compiled for; torch's own 8 are soon used up by numbers of steps: then it is eager
)


class CompileOptions(TypedDict):
    """What torch.compile is told; dynamic None: sizes become open at the first change."""

    backend: str
    dynamic: bool | None


class HasRepeatedBlocks(Protocol):
    """A transformer of diffusers that names the blocks it repeats."""

    def compile_repeated_blocks(self, *, backend: str, dynamic: bool | None) -> None: ...


def compile_cache() -> Path:
    """Say where compiled code is kept between runs.

    TORCHINDUCTOR_CACHE_DIR, else `studio/inductor` in the user's cache.
    """
    kept = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    base = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else os.environ.get("XDG_CACHE_HOME")
    return Path(kept) if kept else Path(base or Path.home() / ".cache") / "studio" / "inductor"


def compile_reason(device: torch.device, backend: bool | str = True) -> str:
    """Say why torch.compile cannot be used; "" if it can."""
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


def compile_calls(module: nn.Module, backend: bool | str) -> None:
    """Compile where `CALLS` says, else the repeated blocks of a diffusers transformer, else the forward."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(compile_cache()))
    options = CompileOptions(
        backend="inductor" if backend is True else str(backend), dynamic=None if calls_of(module).grows else False
    )
    torch._dynamo.config.recompile_limit = max(RECOMPILE_LIMIT, torch._dynamo.config.recompile_limit)
    if not is_listed(module) and getattr(module, "_repeated_blocks", None):
        cast(HasRepeatedBlocks, module).compile_repeated_blocks(**options)
        return
    for name in calls_of(module).compile:
        replace_call(module, name, lambda call: torch.compile(call, **options))
