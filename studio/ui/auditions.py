"""The audition at a seat: its pictures on their way to the page, and its end when nobody looks at it any more."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from studio.controls import Control
from studio.ui.mailbox import Mailbox, encode_jpeg
from studio.ui.protocol import AuditionChanged, AuditionPicture, Notification

if TYPE_CHECKING:
    from studio.session.audition import Audition
    from studio.session.session import Session

WIDEST = 256  # pixels of a picture: a fifth of a stage
UNSEEN_AFTER = 60.0  # seconds in which the page showed none of it, after which it ends
GONE_AFTER = 5.0  # seconds without a page; a line that breaks is back before
LOST_AFTER = 2.0  # seconds after which a picture that was not acknowledged is no longer waited for
UNSEEN = "Nobody looked at the audition for a minute, so it has ended."


class SeatAudition:
    """What a seat auditions. seen_at: when the page last showed a picture of it, on its clock."""

    def __init__(self, session: Session, clock: Callable[[], float]) -> None:
        self.seen_at = clock()
        self._session, self._clock = session, clock

    @property
    def playing(self) -> Audition | None:
        """What is auditioned now."""
        return self._session.auditioning

    def begin(self, controls: Sequence[Control]) -> None:
        """Begin an audition, in place of any other; see `Session.audition` for what it raises."""
        self.seen_at = self._clock()
        self._session.audition(*controls, output=Mailbox())

    def seen(self) -> None:
        """Note that the page shows it."""
        self.seen_at = self._clock()

    def sweep(self, left_at: float | None) -> None:
        """End it where nobody looks; called about once a second. left_at: since when there is no page."""
        now = self._clock()
        if self.playing and (now - self.seen_at > UNSEEN_AFTER or (left_at is not None and now - left_at > GONE_AFTER)):
            self._session.drop_audition(UNSEEN)


class AuditionUpdates:
    """Compares a seat's audition with what its page knows. One picture at a time is on its way, and the newest."""

    def __init__(self, seat: SeatAudition, clock: Callable[[], float]) -> None:
        self._seat, self._clock = seat, clock
        self._known: Audition | None = None
        self._sent_count, self._sent_at = 0, float("-inf")
        self._again = False

    def tell_again(self) -> None:
        """Tell what is auditioned though it is what it was: the page asked for something else that cannot be."""
        self._again = True

    def acknowledge(self) -> None:
        """Note that the page has shown the last picture: there is room for another."""
        self._seat.seen()
        self._sent_at = float("-inf")

    def changed(self) -> Iterator[AuditionChanged]:
        """Yield what is auditioned now, if it is not what the page knows."""
        known, now = self._known, self._seat.playing
        if now is not known or self._again:
            self._again = False
            self._known, self._sent_count, self._sent_at = now, 0, float("-inf")
            yield AuditionChanged(
                [one.to_summary() for one in now.controls] if now else [], known.ended if known else ""
            )

    def pictures(self) -> Iterator[Notification]:
        """Yield the newest picture, if the page has not had it and has shown the one before."""
        mailbox = self._known.output if self._known else None
        if not isinstance(mailbox, Mailbox) or mailbox.count == self._sent_count:  # or begun by somebody in Python
            return
        if self._clock() - self._sent_at < LOST_AFTER:
            return
        frame, self._sent_count, self._sent_at = mailbox.newest, mailbox.count, self._clock()
        if frame is not None:
            yield AuditionPicture(frame.index, data_url(frame.picture))


def data_url(picture: np.ndarray) -> str:
    """Give a picture, uint8 (H, W, 3), as a JPEG of at most WIDEST pixels a side, in a data URL."""
    smaller = -(-max(picture.shape[:2]) // WIDEST)
    small = np.asarray(Image.fromarray(picture).reduce(smaller)) if smaller > 1 else picture
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(small)).decode()
