"""Takes edited at a seat: opened, shown in the place of what is played, kept as versions, rendered."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from studio.controls import ControlState, Sampling
from studio.controls.base import shown
from studio.models.loader import accepted_options
from studio.score import Score, ScoreError
from studio.score.edit import end_of, trim
from studio.score.edit_list import apply_edits, gestures
from studio.score.render import Rendering, fit, is_of
from studio.score.salvage import Salvaged, salvage, salvage_text
from studio.session.preview import Live, go_live, leave_live, show_take
from studio.ui.errors import LibraryError
from studio.ui.offline import tell
from studio.ui.protocol import Preview, RenderProgress, TakeOpened, TakeSaved
from studio.ui.rendering import JOB, RenderJob, RenderRequest

if TYPE_CHECKING:
    from studio.models.base import Model
    from studio.ui.recorder import Take
    from studio.ui.seat import Seat

BUSY = "a take is being rendered; cancel it, or wait until it is done"


class Editing:
    """What a seat's editor holds. preview: the take that is shown, if one is; live: what was played before it;

    job: the rendering that was begun last.
    """

    def __init__(self) -> None:
        self.preview: Preview | None = None
        self.live: Live | None = None
        self.job: RenderJob | None = None
        self.lock = threading.Lock()
        self._opened: tuple[str, Salvaged] | None = None

    @property
    def live_state(self) -> ControlState | None:
        """The controls that were in force before a take was shown; None where none is."""
        live = self.live
        return live.end.engine.state if live else None

    def told(self) -> Iterator[Preview | RenderProgress]:
        """Yield what a page that comes is to know."""
        if self.preview:
            yield self.preview
        if self.job and self.job.progress.under_way:
            yield self.job.progress

    def open(self, seat: Seat, name: str) -> Salvaged:
        """Give the take of a name; the last one is remembered. Raises ScoreError."""
        if self._opened is None or self._opened[0] != name:
            self._opened = name, read_take(seat, name)
        return self._opened[1]


def take_named(seat: Seat, name: str) -> Take:
    """Give the take of a name; raises ScoreError with those there are."""
    takes = seat.recorder.takes
    for take in takes:
        if take.name == name:
            return take
    raise ScoreError(f"take is {shown(name)}; there are: {', '.join(take.name for take in takes[-5:]) or 'none yet'}")


def read_take(seat: Seat, name: str) -> Salvaged:
    """Read what can be read of a take, from where it is downloaded, or from the folder."""
    offered = seat.downloads.get(take_named(seat, name).score)
    content = offered.content if offered else seat.recorder.folder / f"{name}.jsonl"
    return salvage(content) if isinstance(content, Path) else salvage_text(content.decode(), name)


def edited(seat: Seat, name: str, edits: object) -> Score:
    """Give a take after a list of edits; raises EditError."""
    return apply_edits(seat.editing.open(seat, name).score, edits, lambda other: read_take(seat, other).score)


def opened(seat: Seat, name: str, edits: list[object]) -> TakeOpened:
    """Give a take as its editor shows it."""
    salvaged, score = seat.editing.open(seat, name), edited(seat, name, edits)
    header, model = score.header, seat.session.model
    notes = list(salvaged.left_out)
    if not is_of(score, model):
        notes.append(
            f"played on {header.model} at {header.width}x{header.height} (weights {header.weights}), and here plays "
            f"{seat.models.name}: what is shown and rendered here is another film"
        )
    return TakeOpened(
        name,
        header.start,
        score.length,
        take_named(seat, name).fps,
        gestures(score),
        notes,
        [name for name, _ in header.versions],
        len(edits),
        has_sizes(header.model),
        score.opening()[Sampling].steps,
    )


def has_sizes(model: str) -> bool:
    """Whether a model draws in several sizes."""
    try:
        return "size" in accepted_options(model)
    except ValueError:  # it is not here
        return False


def keep_version(seat: Seat, name: str, edits: object, suffix: str = "") -> Take:
    """Keep an edited take as another, beside it, and give it; raises EditError and QuotaExceeded."""
    parent, score = seat.editing.open(seat, name).score, edited(seat, name, edits)
    version = score.version_of(parent, name)
    path = version_path(seat.recorder.folder, name, suffix or f"v{len(version.header.versions) + 1}")
    return seat.recorder.keep_last(version, take_named(seat, name).fps, path)


def version_path(folder: Path, name: str, suffix: str) -> Path:
    """Give a path without ending that no take has yet: now, the words of a take's name, and a suffix."""
    words = re.sub(r"^\d{8}-\d{6}-", "", name)
    words = re.sub(r"-v\d+$", "", words)[:40]
    slug = "-".join(re.findall(r"[a-z0-9]+", suffix.lower())[:5])[:40]
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{words}-{slug}"
    path, number = folder / stem, 2
    while any(path.with_name(path.name + ending).exists() for ending in (".jsonl", ".mp4")):
        path, number = folder / f"{stem}-{number}", number + 1
    return path


# Shown in the place of what is played


def show(seat: Seat, name: str, edits: object, first: int | None = None) -> tuple[Preview, tuple[str, ...]]:
    """Show an edited take where the live picture is, from its frame `first`; give what is told, and what is otherwise.

    Raises EditError for what cannot be edited so.
    """
    score = edited(seat, name, edits)
    if first is not None and first > score.header.start:
        score = trim(score, first, end_of(score))
    fitted = fit(score, seat.session.model)
    editing = seat.editing
    with editing.lock:
        if editing.live is None:
            editing.live = leave_live(seat.session)
        show_take(seat.session, fitted.score)
        preview = editing.preview = Preview(name, fitted.score.header.start, fitted.score.length)
    seat.run()
    return preview, fitted.notes


def end_show(seat: Seat) -> None:
    """Go back to what was played before a take was shown, as it was left; nothing where none is shown."""
    editing = seat.editing
    with editing.lock:
        live, editing.live, editing.preview = editing.live, None, None
        if live is None:
            return
        go_live(seat.session, live)
    tell(seat, Preview())
    seat.run()


# Rendered


def begin_render(seat: Seat, request: RenderRequest, model: str, size: tuple[int, int] | None) -> RenderJob:
    """Begin to render a take on the model of a name, the one that plays if empty; raises ScoreError while one is."""
    editing = seat.editing
    with editing.lock:
        if editing.job and editing.job.progress.under_way:
            raise ScoreError(BUSY)
        if model or size:
            seat.models.check(model or seat.models.name)
        seat.disk.begin_take(seat.address)
        request.path.parent.mkdir(parents=True, exist_ok=True)
        job = editing.job = RenderJob(
            request,
            lambda: model_for(seat, model, size),
            tell=lambda progress: tell_progress(seat, progress),
            finish=lambda rendering: keep_rendering(seat, request, rendering),
        )
        seat.offline.run(JOB, job.steps())
    return job


def cancel_render(seat: Seat) -> None:
    """Call off what is being rendered, if anything is."""
    seat.offline.cancel(JOB)
    if job := seat.editing.job:
        job.cancelled()


def model_for(seat: Seat, name: str, size: tuple[int, int] | None) -> Model:
    """Give the model of a name at a size, loaded if need be."""
    if not name and not size:
        return seat.session.model
    return seat.models.get(name or seat.models.name, size)


def keep_rendering(seat: Seat, request: RenderRequest, rendering: Rendering) -> RenderProgress:
    """Keep a rendering's score beside its video, and both among the takes; give what is told of it."""
    parent = seat.editing.open(seat, request.take).score
    path = rendering.path.with_suffix(".jsonl")
    rendering.score.version_of(parent, request.take).write(path)
    seat.disk.add(seat.address, sum(one.stat().st_size for one in (rendering.path, path)))
    said = ". ".join(one[0].upper() + one[1:] for one in rendering.notes) + "." if rendering.notes else ""
    take = seat.recorder.adopt(path.stem, note=said)
    if take is None:
        raise LibraryError(f"{path.name} is no longer there: somebody has moved or deleted it")
    total = request.score.length
    return RenderProgress(request.take, "done", total, total, what=said, name=take.name, video=take.video)


def tell_progress(seat: Seat, progress: RenderProgress) -> None:
    """Tell the page, if there is one, how far a rendering is; and of the take that came of it."""
    tell(seat, progress)
    if progress.stage == "done":
        tell(seat, TakeSaved(take_named(seat, progress.name)))
