"""Ways to push a picture away from what it should not be.

In terms of the clean latent all of them are one line: away from an anchor. They differ in where the anchor comes from.
To add one: a file here and its line in `GUIDANCES`.
"""

from __future__ import annotations

from studio.guidance.base import Guidance as Guidance
from studio.guidance.base import counted as counted
from studio.guidance.base import guided as guided
from studio.guidance.full import FULL
from studio.guidance.none import NONE
from studio.guidance.residual import INITIALIZE, SELF

GUIDANCES: dict[str, Guidance] = {"none": NONE, "full": FULL, "self": SELF, "initialize": INITIALIZE}
