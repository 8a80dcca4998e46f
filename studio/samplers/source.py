"""What frames begin from beside noise, as an engine asks about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from studio.controls import Control, ControlState


class Source:
    """What frames begin from where nothing is painted under them: a sampler's own affair."""

    def prepare(self, control: Control) -> None:
        """Have ready what a control may ask for beside what the model does; may be called from any thread."""

    def is_restless(self, state: ControlState) -> bool:
        """Tell whether what the next frame begins from is another whatever a person does."""
        return False

    def seen(self, state: ControlState, number: int) -> np.ndarray | None:
        """Give what a picture begins from by its number, (H, W, 3) uint8, where that shows all that is painted.

        None where it is the picture as it came in, or where something that is painted does not show in it.
        """
        return None
