"""A take rendered while its seat plays on: on a thread of its own, which leaves the stream its time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.score import Score
from studio.score.render import Rendering, render_again
from studio.ui.model_load import Cancelled, error_text, raise_if_cancelled
from studio.ui.protocol import RenderProgress

if TYPE_CHECKING:
    from studio.frames import Frame
    from studio.models.base import Model

# Of the time, while a live stream is drawn beside it. Its thread is not niced: one that is held up while it holds the
# interpreter's lock holds the stream up.
SHARE = 0.2
TELL_EVERY = 0.25  # seconds
CLOSING = 10.0  # seconds that a server which stops waits for it: a frame takes less
log = logging.getLogger("studio")


@dataclass(frozen=True)
class RenderRequest:
    """What is to be rendered. take: the name it is told by; path: of the video; steps, sampler: None for the take's."""

    take: str
    score: Score
    path: Path
    steps: int | None = None
    sampler: str | None = None
    fps: int = 24


class RenderJob:
    """One rendering, from its making on. progress: how far it is."""

    def __init__(
        self,
        request: RenderRequest,
        model: Callable[[], Model],
        *,
        tell: Callable[[RenderProgress], None],
        finish: Callable[[Rendering], RenderProgress],
        is_live: Callable[[], bool],
    ) -> None:
        """model: gives the model, loaded if need be; tell: called with the progress, now and then; finish: keeps what
        was rendered and gives what is told last; is_live: whether somebody looks at a picture that is being drawn."""
        self.request = request
        self.progress = RenderProgress(request.take, total=request.score.length)
        self._model, self._tell, self._finish, self._is_live = model, tell, finish, is_live
        self._cancel, self._told_at = threading.Event(), 0.0
        self._clock = time.monotonic
        self._thread = threading.Thread(target=self._run, name="studio-render", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Give up, after the frame it is at; what there is of the file goes."""
        self._cancel.set()

    def close(self) -> None:
        """Give up, and wait for it."""
        self.cancel()
        self._thread.join(CLOSING)

    def _report(self, **changes: object) -> None:
        self.progress = replace(self.progress, **changes)  # type: ignore[arg-type]
        now = time.monotonic()
        if not self.progress.under_way or now - self._told_at >= TELL_EVERY:
            self._told_at = now
            self._tell(self.progress)

    def _run(self) -> None:
        request = self.request
        self._report()
        try:
            rendering = self._render()
            self.progress = self._finish(rendering)
            self._tell(self.progress)
        except Cancelled:
            self._drop()
            self._report(stage="cancelled", what="The rendering was called off.", seconds=0.0)
        except Exception as error:  # whatever it is, it is told, and the session plays on
            log.warning("%s could not be rendered", request.take, exc_info=error)
            self._drop()
            self._report(stage="failed", what=f"The take could not be rendered: {error_text(error)}", seconds=0.0)

    def _render(self) -> Rendering:
        request = self.request
        model = self._model()
        raise_if_cancelled(self._cancel)
        if str(model.device) == "cpu":
            self._clock = time.thread_time  # what it had of a busy machine, not how long it waited for it
        return render_again(
            request.score,
            request.path,
            model,
            steps=request.steps,
            sampler=request.sampler,
            fps=request.fps,
            progress=self._paced,
        )

    def _paced(self, frames: Iterable[Frame], total: int) -> Iterator[Frame]:
        """Yield the frames; beside a live stream it then rests, so that it takes no more than its share of the time."""
        began, since = time.monotonic(), self._clock()
        for done, frame in enumerate(frames, 1):
            yield frame
            raise_if_cancelled(self._cancel)
            self._report(stage="render", done=done, seconds=(time.monotonic() - began) / done * (total - done))
            if self._is_live():
                self._cancel.wait((self._clock() - since) * (1 / SHARE - 1))
            since = self._clock()
        raise_if_cancelled(self._cancel)

    def _drop(self) -> None:
        self.request.path.unlink(missing_ok=True)
