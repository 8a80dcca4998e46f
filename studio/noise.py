"""Noise as a pure function of (seed, frame, step): a replay is exact, whatever way a frame was reached."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

# Wichura, "The percentage points of the normal distribution" (AS 241, 1988), PPND7: numerators and denominators.
CENTRE = (3.3871327179, 50.434271938, 159.29113202, 59.109374720), (1.0, 17.895169469, 78.757757664, 67.187563600)
TAIL = (1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103), (1.0, 0.73700164250, 0.12021132975)
SPLIT, CENTRE_SHIFT, TAIL_SHIFT = 0.425, 0.180625, 1.6


def noise(seed: int, frame: int, step: int, shape: Sequence[int]) -> Tensor:
    """Unit Gaussian noise of a shape, float32 on the CPU: the same bits on every machine.

    The three numbers (each >= 0) key a counter-based generator (Philox 4x64, Salmon et al., SC 2011). Its integers
    become Gaussians by sums, products, quotients and roots alone, which IEEE 754 rounds the same way everywhere;
    numpy's own normals call the machine's logarithm and may change with its version.
    """
    offsets = uniform(seed, frame, step, math.prod(shape)) - 0.5
    return torch.from_numpy(gaussian_quantile(offsets).astype(np.float32)).reshape(tuple(shape))


def drifting_noise(seed: int, frame: int, step: int, shape: Sequence[int], drift: int) -> Tensor:
    """Unit Gaussian noise that walks, `drift` frames from one noise to the next; held still if `drift` is 0.

    Between two independent noises it goes along the arc of a circle, at even speed, so its variance is 1 everywhere. A
    pure function, as `noise` is.
    """
    if not drift:
        return noise(seed, 0, step, shape)
    key, past = divmod(frame, drift)
    if not past:
        return noise(seed, key, step, shape)
    angle = 0.5 * math.pi * past / drift
    return math.cos(angle) * noise(seed, key, step, shape) + math.sin(angle) * noise(seed, key + 1, step, shape)


def uniform(seed: int, frame: int, step: int, count: int) -> np.ndarray:
    """`count` numbers evenly spread in (0, 1), float64, by the same key."""
    if min(seed, frame, step) < 0:
        raise ValueError(f"seed, frame and step are 0 or more, got {seed}, {frame} and {step}")
    generator = np.random.Philox(key=np.array([seed, frame], np.uint64), counter=np.array([0, 0, 0, step], np.uint64))
    words = generator.random_raw((count + 1) // 2).astype("<u8").view("<u4")[:count]
    return (words + 0.5) * 2.0**-32


def gaussian_quantile(offset: np.ndarray) -> np.ndarray:
    """The Gaussian of a probability given as its offset from one half, in (-1/2, 1/2); good to 1e-7."""
    square = CENTRE_SHIFT - offset * offset
    value = offset * (polynomial(CENTRE[0], square) / polynomial(CENTRE[1], square))
    outer = np.abs(offset) > SPLIT
    far = np.sqrt(-logarithm(0.5 - np.abs(offset[outer]))) - TAIL_SHIFT
    value[outer] = np.copysign(polynomial(TAIL[0], far) / polynomial(TAIL[1], far), offset[outer])
    return value


def logarithm(x: np.ndarray) -> np.ndarray:
    """The natural logarithm of positive numbers, by the series of artanh: 1e-13, and the same bits everywhere."""
    mantissa, exponent = np.frexp(x)
    ratio = (mantissa - math.sqrt(0.5)) / (mantissa + math.sqrt(0.5))
    series = polynomial([2 / (2 * k + 1) for k in range(9)], ratio * ratio)
    return (exponent - 0.5) * 0.6931471805599453 + ratio * series


def polynomial(coefficients: Sequence[float], x: np.ndarray) -> np.ndarray:
    """c0 + c1 x + c2 x² + …, by Horner's rule."""
    value = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value *= x
        value += coefficient
    return value
