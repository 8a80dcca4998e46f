"""A take rendered for a seat, beside its session: a job of `offline`, a frame at each step."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.score import Score, ScoreError
from studio.score.render import Rendering, render_frames
from studio.ui.model_load import error_text
from studio.ui.offline import ToldJob
from studio.ui.protocol import RenderProgress

if TYPE_CHECKING:
    from studio.models.base import Model

JOB = "a rendering"  # its name in `offline`
log = logging.getLogger("studio")


@dataclass(frozen=True)
class RenderRequest:
    """What is to be rendered. take: the name it is told by; path: of the video; steps: None for the take's own."""

    take: str
    score: Score
    path: Path
    steps: int | None = None
    fps: int = 24


class RenderJob(ToldJob[RenderProgress]):
    """One rendering."""

    def __init__(
        self,
        request: RenderRequest,
        model: Callable[[], Model],
        *,
        tell: Callable[[RenderProgress], None],
        finish: Callable[[Rendering], RenderProgress],
    ) -> None:
        """model: gives the model, loaded if need be; finish: keeps what was rendered and gives what is told last."""
        super().__init__(RenderProgress(request.take, total=request.score.length), tell)
        self.request = request
        self._model, self._finish = model, finish

    def _work(self) -> Iterator[None]:
        rendering = yield from self._render()
        if not self.progress.under_way:  # called off in the meantime, by another thread
            self._drop()
            return
        self.progress = self._finish(rendering)
        self._tell(self.progress)

    def _render(self) -> Generator[None, None, Rendering]:
        request, total, began = self.request, self.progress.total, time.monotonic()
        frames = render_frames(request.score, request.path, self._model(), steps=request.steps, fps=request.fps)
        try:
            for done in range(total + 1):
                try:
                    next(frames)
                except StopIteration as end:
                    return end.value
                spent = time.monotonic() - began
                self.report(stage="render", done=done + 1, seconds=spent / (done + 1) * (total - done - 1))
                yield
        finally:
            frames.close()
        raise ScoreError(f"{request.take} has more frames than its score says")

    def _failure(self, error: Exception) -> dict[str, object]:
        log.warning("%s could not be rendered", self.request.take, exc_info=error)
        return {"stage": "failed", "what": f"The take could not be rendered: {error_text(error)}", "seconds": 0.0}

    def _cancellation(self) -> dict[str, object]:
        return {"stage": "cancelled", "what": "The rendering was called off.", "seconds": 0.0}

    def _drop(self) -> None:
        with suppress(OSError):
            self.request.path.unlink(missing_ok=True)
