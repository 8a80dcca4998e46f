"""What has changed in a session since its page was last told."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from studio.controls import Picture, Prompt, Sampling, describe, state_message
from studio.models.base import Model
from studio.models.playable import advise
from studio.samplers.video_in import pictures_late
from studio.ui.plays import plays, strokes_of
from studio.ui.protocol import (
    Ahead,
    DialChanged,
    DriftChanged,
    Hello,
    Loading,
    Notice,
    Notification,
    Receipts,
    StateChanged,
    Status,
    Timeline,
    ViewsChanged,
)
from studio.ui.remarks import PromptRemarks
from studio.ui.rewinds import timeline
from studio.ui.window import Window

if TYPE_CHECKING:
    from studio.ui.model_load import LoadProgress
    from studio.ui.seat import Seat

STATUS_EVERY = 0.5  # seconds
PROGRESS_EVERY = 0.2  # seconds


class SessionUpdates:
    """Compares a seat with what its page knows: the model, the receipts, the status.

    own_revisions: those this page sent and has no receipt for. explained_labels: of the present model, those whose
    reading was looked at.
    """

    def __init__(self, seat: Seat, token: str, presets: list[str], clock: Callable[[], float]) -> None:
        self.own_revisions: set[int] = set()
        self.explained_labels: set[str] = set()
        self._seat, self._token, self._presets, self._clock = seat, token, presets, clock
        self._last_receipt = 0
        self._status_at = self._progress_at = 0.0
        self._model: Callable[[], Model | None] = lambda: None  # the one the page knows; it is not held here
        self._progress: LoadProgress | None = None
        self._timeline: Timeline | None = None
        self._ahead = Ahead(())
        self._advised = ""
        self._dial: DialChanged | None = None
        self._drift: DriftChanged | None = None
        self._views: ViewsChanged | None = None
        self._remarks = PromptRemarks(seat.session)

    def hello(self) -> Hello:
        """Give all that a page needs to show what is going on."""
        seat, model = self._seat, self._seat.session.model
        self._model = weakref.ref(model)
        self.explained_labels.clear()
        self._advised = ""
        self._remarks.forget()
        height, width = model.size
        return Hello(
            token=self._token,
            size=[width, height],
            model=seat.models.name,
            choice=seat.models.has_choice,
            labels=list(model.capabilities.labels),
            loras=list(model.capabilities.loras),
            plays=plays(model),
            refuses=dict(model.capabilities.refuses),
            strokes=strokes_of(model),
            controls=describe(),
            presets=self._presets,
            recording=seat.recorder.recording,
            takes=list(seat.recorder.takes),
            state=state_message(seat.state),
            late=pictures_late(model, seat.session.engine.sampler_name, seat.state),
        )

    def notices(self) -> Iterator[Notice]:
        """Yield what a person should know of how the model was opened."""
        for words in self._seat.session.model.capabilities.notices:
            yield Notice(f"{words}.")

    def skip_finished_load(self) -> None:
        """Tell nothing of a load that is over, if any page of the seat was told: a line may break as it ends."""
        progress = self._seat.models.progress
        self._progress = None if progress and progress.under_way else self._seat.models.last_progress

    def tell_timeline(self) -> None:
        """Tell the timeline at the next occasion, without waiting for the status."""
        self._status_at = 0.0

    def restart_receipts(self) -> None:
        """Take whatever receipt comes next for a new one: the session began again."""
        self._last_receipt = 0

    def collect(self, window: Window, rate: int = 0) -> Iterator[Notification]:
        """Yield what the page is to be told now. rate: bits a second of H.264 that it is sent, or 0."""
        if self._seat.session.model is not self._model():
            yield self.hello()
            yield from self.notices()
        yield from self._load_progress()
        yield from self._receipts()
        yield from self._what_is_ahead()
        yield from self._advice()
        yield from self._changed_dial()
        yield from self._remarks.collect()
        if self._clock() - self._status_at > STATUS_EVERY:
            self._status_at = self._clock()
            yield self._status(window, rate)
            yield from self._changed_drift()
            yield from self._changed_timeline()
            yield from self._changed_views()

    def _load_progress(self) -> Iterator[Loading]:
        """How far a model is on its way: each stage at once, within one only now and then."""
        progress, before = self._seat.models.progress, self._progress
        if progress is None or progress == before:
            return
        same = before is not None and (before.name, before.stage) == (progress.name, progress.stage)
        if same and self._clock() - self._progress_at < PROGRESS_EVERY:
            return
        self._progress, self._progress_at = progress, self._clock()
        self._seat.models.last_progress = progress
        yield Loading(**asdict(progress))

    def _receipts(self) -> Iterator[Notification]:
        """The receipts that are new; before them the state, if one is not of this page's doing (a notebook's)."""
        session = self._seat.session
        new = [receipt for receipt in tuple(session.receipts) if receipt.revision > self._last_receipt]
        if not new:
            return
        self._last_receipt = new[-1].revision
        if any(receipt.revision not in self.own_revisions and receipt.kind != Picture.kind for receipt in new):
            yield StateChanged(state_message(self._seat.state))
        self.own_revisions = {revision for revision in self.own_revisions if revision > self._last_receipt}
        yield Receipts([(receipt.revision, receipt.kind, receipt.frame) for receipt in new])

    def _what_is_ahead(self) -> Iterator[Ahead]:
        """The prompts that wait for their frame, if they are not what the page knows."""
        events = [(event.frame, event.control) for event in self._seat.session.ahead]
        now = Ahead(tuple((frame, control.title) for frame, control in events if isinstance(control, Prompt)))
        if now != self._ahead:
            self._ahead = now
            yield now

    def _changed_timeline(self) -> Iterator[Timeline]:
        """What can be gone back to, if it is not what the page knows."""
        now = timeline(self._seat)
        if now != self._timeline:
            self._timeline = now
            yield now

    def _advice(self) -> Iterator[Notice]:
        """What is to be known of the sampling in force, once for each that something is to be known of."""
        told = advise(self._seat.session.model, self._seat.state[Sampling])
        if told and told != self._advised:
            yield Notice(told)
        self._advised = told

    def _changed_dial(self) -> Iterator[DialChanged]:
        """What the latency dial has done, if the page does not know it."""
        now = self._seat.dial.told()
        if now != self._dial:
            self._dial = now
            yield now

    def _changed_views(self) -> Iterator[ViewsChanged]:
        """Where the picture alone is, and how many look at it, if it is not what the page knows."""
        now = ViewsChanged(self._seat.viewers.secret, len(self._seat.viewers))
        if now != self._views:
            self._views = now
            yield now

    def _changed_drift(self) -> Iterator[DriftChanged]:
        """How far the pictures have drifted; a clean start is told as no drift at all."""
        drift = self._seat.drift.drift
        now = (
            DriftChanged(**{name: round(value, 2) for name, value in asdict(drift).items()})
            if drift
            else DriftChanged()
        )
        if now != self._drift:
            self._drift = now
            yield now

    def _status(self, window: Window, rate: int) -> Status:
        played = replace(Status(**self._seat.session.stats), recording=self._seat.recorder.recording)
        return replace(
            played,
            window=window.size,
            kbits=round(rate / 1e3),
            round_trip_ms=round(window.typical * 1e3, 1),
            shortest_ms=round(window.shortest * 1e3, 1) if window.shortest < float("inf") else 0.0,
            pack_ms=round(self._seat.dial.sending.typical_ms, 2),
        )
