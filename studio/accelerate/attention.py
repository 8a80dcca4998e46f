"""The kernel that computes attention, by the names of diffusers' registry."""

from __future__ import annotations

from typing import Protocol, cast

import torch
from torch import nn

from studio.accelerate.calls import calls_of


class HasAttentionBackend(Protocol):
    """A model of diffusers whose attention can be told a backend."""

    def set_attention_backend(self, backend: str) -> None: ...


def attention_names() -> tuple[str, ...]:
    """List the public names in diffusers' registry."""
    from diffusers.models.attention_dispatch import AttentionBackendName

    return tuple(name.value for name in AttentionBackendName if not name.value.startswith("_"))


def attention_reason(name: str) -> str:
    """Say why a backend cannot be used; "" if it can."""
    from diffusers.models import attention_dispatch

    try:
        attention_dispatch._check_attention_backend_requirements(attention_dispatch.AttentionBackendName(name))
    except (RuntimeError, ImportError) as error:
        return str(error)
    needs_gpu = not (name.lstrip("_").startswith("native") or name == "flex")
    return "it runs on a GPU, and torch sees none" if needs_gpu and not torch.cuda.is_available() else ""


def check_attention(module: nn.Module, name: str) -> None:
    """Check that a backend is known, can be used here, and that the module can be told one; else ValueError.

    diffusers' own `set_attention_backend` passes over the attention of UNets without a word; here that is an error.
    """
    from diffusers.models.attention_dispatch import AttentionBackendName

    known = [backend.value for backend in AttentionBackendName]
    if name not in known:
        raise ValueError(f"attention is {name!r}; possible: {', '.join(known)}")
    if reason := attention_reason(name):
        raise ValueError(f"attention={name!r} cannot be used here: {reason}")
    if name != "native" and not (calls_of(module).attention or reads_backend(module)):
        raise ValueError(
            f"{type(module).__name__} computes attention with torch's own kernel, which picks the fastest it has; "
            f"attention={name!r} is not possible, leave it out or use 'native'"
        )


def reads_backend(module: nn.Module) -> bool:
    """Tell whether diffusers' `set_attention_backend` would reach any of a module's attention."""
    processors = (getattr(inner, "processor", None) for inner in module.modules())
    return hasattr(module, "set_attention_backend") and any(hasattr(one, "_attention_backend") for one in processors)


def set_attention(module: nn.Module, name: str) -> None:
    """Set a backend for every attention of a module: by the attribute it has for it, or through diffusers.

    diffusers makes it the default of the whole process too, which is taken back: other models are none of our business.
    """
    if attribute := calls_of(module).attention:
        setattr(module, attribute, name)
    elif reads_backend(module):
        from diffusers.models.attention_dispatch import _AttentionBackendRegistry as registry

        default, _ = registry.get_active_backend()
        cast(HasAttentionBackend, module).set_attention_backend(name)
        registry.set_active_backend(default)
