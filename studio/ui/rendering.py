"""A take rendered for a seat, beside its session: a job of `offline`, a frame at each step."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.score import Score
from studio.score.render import Rendering, render_frames
from studio.ui.model_load import error_text
from studio.ui.protocol import RenderProgress

if TYPE_CHECKING:
    from studio.models.base import Model

JOB = "a rendering"  # its name in `offline`
TELL_EVERY = 0.25  # seconds
log = logging.getLogger("studio")


@dataclass(frozen=True)
class RenderRequest:
    """What is to be rendered. take: the name it is told by; path: of the video; steps: None for the take's own."""

    take: str
    score: Score
    path: Path
    steps: int | None = None
    fps: int = 24


class RenderJob:
    """One rendering. progress: how far it is, until it has come to an end."""

    def __init__(
        self,
        request: RenderRequest,
        model: Callable[[], Model],
        *,
        tell: Callable[[RenderProgress], None],
        finish: Callable[[Rendering], RenderProgress],
    ) -> None:
        """model: gives the model, loaded if need be; tell: called with the progress, now and then; finish: keeps what
        was rendered and gives what is told last."""
        self.request = request
        self.progress = RenderProgress(request.take, total=request.score.length)
        self._model, self._tell, self._finish = model, tell, finish
        self._told_at = 0.0

    def steps(self) -> Iterator[None]:
        """Render a frame at each step; closed before its end it is called off, and what there is of the file goes."""
        try:
            self._report()
            yield
            rendering = yield from self._render()
            self.progress = self._finish(rendering)
            self._tell(self.progress)
        except GeneratorExit:
            self.cancelled()
            raise
        except Exception as error:  # whatever it is, it is told, and the session plays on
            log.warning("%s could not be rendered", self.request.take, exc_info=error)
            self._drop()
            self._report(stage="failed", what=f"The take could not be rendered: {error_text(error)}", seconds=0.0)

    def cancelled(self) -> None:
        """Say that it was called off, once."""
        self._drop()
        if self.progress.under_way:
            self._report(stage="cancelled", what="The rendering was called off.", seconds=0.0)

    def _render(self) -> Iterator[None]:
        request, total, began = self.request, self.progress.total, time.monotonic()
        frames = render_frames(request.score, request.path, self._model(), steps=request.steps, fps=request.fps)
        try:
            for done in range(total + 1):
                try:
                    next(frames)
                except StopIteration as end:
                    return end.value
                spent = time.monotonic() - began
                self._report(stage="render", done=done + 1, seconds=spent / (done + 1) * (total - done - 1))
                yield
        finally:
            frames.close()

    def _report(self, **changes: object) -> None:
        self.progress = replace(self.progress, **changes)  # type: ignore[arg-type]
        now = time.monotonic()
        if not self.progress.under_way or now - self._told_at >= TELL_EVERY:
            self._told_at = now
            self._tell(self.progress)

    def _drop(self) -> None:
        with suppress(OSError):
            self.request.path.unlink(missing_ok=True)
