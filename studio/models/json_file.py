"""A checkpoint's JSON files, read so that whatever is wrong with one is told with its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from studio.models.errors import CheckpointError, MissingWeights


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file's object; MissingWeights where there is no file, CheckpointError for a broken one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingWeights(
            f"{path} is not there; download the model again, or name a whole diffusers folder"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); download it again") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} holds no JSON object; download it again")
    return found
