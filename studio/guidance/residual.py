"""Residual classifier-free guidance (StreamDiffusion, arXiv 2312.12491, section 3.2): an anchor next to free.

The paper keeps a virtual residual noise a row, (x - (1 - sigma) anchor) / sigma, and guides the noise prediction with
it. In terms of the clean latent that is guidance away from the anchor itself at every level, so nothing accumulates.
"""

from studio.guidance.base import Guidance

SELF = Guidance("source")
INITIALIZE = Guidance("first")
