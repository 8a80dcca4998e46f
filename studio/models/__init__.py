"""What can be played: models by family, the table of those that have a name, and how one is loaded."""

from studio.models.loader import load as load
from studio.models.registry import MODELS as MODELS
