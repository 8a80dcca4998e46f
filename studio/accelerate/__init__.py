"""Ways to make a network faster or smaller that leave the code around it as it is: a file each.

`accelerate` gives the same module back, changed in place: its class, names, configuration and attributes stay, so
whoever calls it is unaware. `available` says what can be used on this machine.
"""

from __future__ import annotations

import torch
from torch import nn

from studio.accelerate.attention import attention_names, attention_reason, check_attention, set_attention
from studio.accelerate.compile import compile_calls, compile_reason
from studio.accelerate.graphs import forget, graph_calls, graphs_reason
from studio.accelerate.options import Acceleration
from studio.accelerate.quantize import QUANTIZATIONS, quantize_reason, quantize_weights

__all__ = ["QUANTIZATIONS", "Acceleration", "accelerate", "available", "forget"]


def accelerate(module: nn.Module, acceleration: Acceleration) -> nn.Module:
    """Change a module in place and give it back; results stay equal within rounding (quantized: within its error).

    Args:
        module: any network; on the device it is played on.
        acceleration: what to do; an empty one does nothing.

    Returns:
        The module itself. Call `forget` after changing anything a forward reads beside its arguments and the values of
        its weights, such as an adapter's scale, where graphs are used.

    Raises:
        ValueError: before anything is changed, for what is unknown or cannot be used here, with what can.

    Example:
        accelerate(unet, Acceleration(quantize="int8", compile=True))
    """
    check(module, acceleration)
    if acceleration.attention is not None:
        set_attention(module, acceleration.attention)
    if acceleration.quantize is not None:
        quantize_weights(module, acceleration.quantize)
    if acceleration.compile:
        compile_calls(module, acceleration.compile)
    if acceleration.graphs:
        graph_calls(module)
    return module


def check(module: nn.Module, acceleration: Acceleration) -> None:
    """Check that all that is asked for can be had here; else ValueError with what can."""
    device = next((weight.device for weight in module.parameters()), torch.device("cpu"))
    if acceleration.attention is not None:
        check_attention(module, acceleration.attention)
    if (name := acceleration.quantize) is not None:
        if name not in QUANTIZATIONS:
            raise ValueError(f"quantize is {name!r}; possible: {', '.join(QUANTIZATIONS)}")
        require(f"quantize={name!r}", quantize_reason(name))
    if acceleration.compile:
        require("compile", compile_reason(device, acceleration.compile))
    if acceleration.graphs:
        require("graphs", graphs_reason(device))


def require(what: str, reason: str) -> None:
    """Raise ValueError if there is a reason against something."""
    if reason:
        raise ValueError(f"{what} cannot be used here: {reason}")


def available() -> dict[str, str]:
    """Say what can be used on this machine: name -> "", or why it cannot be and what to do.

    "compile", "graphs", the names of quantizations, and "attention:NAME" for diffusers' public backends.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    found = {"compile": compile_reason(device), "graphs": graphs_reason(device)}
    found |= {name: quantize_reason(name) for name in QUANTIZATIONS}
    return found | {f"attention:{name}": attention_reason(name) for name in attention_names()}
