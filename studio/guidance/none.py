"""No guidance: the model's own clean latent. Right for distilled models, which have theirs built in."""

from studio.guidance.base import Guidance

NONE = Guidance("nowhere")
