"""What is shown as one sentence instead of a traceback."""

from __future__ import annotations


class UsageError(ValueError):
    """An argument that cannot be: says what is possible."""


def worded_errors() -> tuple[type[Exception], ...]:
    """List what a person can do something about; anything else is our mistake, and shown whole."""
    from studio.bench.errors import BenchError
    from studio.controls import ControlError
    from studio.hub.fit import NotEnoughMemory
    from studio.models.errors import CheckpointError, MissingWeights, OptionError, UnknownModel
    from studio.outputs.errors import OutputError
    from studio.presets import PresetError
    from studio.score import ScoreError
    from studio.ui.errors import OptionsError

    return (
        ControlError,
        ScoreError,
        PresetError,
        UnknownModel,
        OptionError,
        NotEnoughMemory,
        MissingWeights,
        CheckpointError,
        UsageError,
        BenchError,
        OutputError,
        OptionsError,
        OSError,
    )
