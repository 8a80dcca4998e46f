"""Going back at a seat: to a moment, over to a branch, and what the page is told of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from studio.hub.units import gigabytes
from studio.outputs.video import MP4, VideoFile
from studio.score import Score, replay
from studio.session.history import Branch, prompts
from studio.session.room import FEW
from studio.ui.editing import end_show
from studio.ui.offline import tell
from studio.ui.protocol import Notice, TakeSaved, Timeline, VideoReady
from studio.ui.takes import take_path
from studio.ui.thumbnails import data_url

if TYPE_CHECKING:
    from studio.session.session import Session
    from studio.ui.recorder import Take
    from studio.ui.seat import Seat

LONGEST_KEPT = 60.0  # seconds of a branch that become a take
USUAL_RATE = 24.0  # frames a second, before any were measured
_pictures: WeakKeyDictionary[Branch, str] = WeakKeyDictionary()


@dataclass(frozen=True)
class Travelled:
    """What going elsewhere in time brought: the take that ended by it, and the id of the branch that was left."""

    take: Take | None
    left: int | None


def rewind(seat: Seat, frame: int) -> Travelled:
    """Go back to the checkpoint nearest to a frame, and play on; a take that is being recorded ends.

    Raises ValueError where nothing is kept.
    """
    session = seat.session
    return travel(seat, lambda: session.rewind(session.history.nearest(max(frame, session.history.start))))


def go_to(seat: Seat, branch: str | int | None) -> Travelled:
    """Go over to a branch, the one left last if None, and play on; a take that is being recorded ends.

    Raises ValueError if there is no such branch.
    """
    branches = seat.session.history.branches
    wanted = branches[-1].id if branch is None and branches else branch or ""
    branches.named(wanted)
    end_show(seat)  # what is left is what was played, not a take that is shown in its place
    return travel(seat, lambda: seat.session.go_to(wanted))


def travel(seat: Seat, way: Callable[[], Branch | None]) -> Travelled:
    """Go another way in time, and play on."""
    take = seat.stop_recording()
    try:
        left = way()
    except ValueError:
        if take:
            tell(seat, TakeSaved(take))
        raise
    seat.run()
    return Travelled(take, left and left.id)


def keep_last(seat: Seat, seconds: float) -> Take:
    """Keep the last seconds as a take, tell the page and give it; raises ValueError where nothing was played."""
    fps = rate(seat.session)
    return keep(seat, seat.session.keep(round(seconds * fps)), fps)


def keep_branch(seat: Seat, branch: int) -> Take:
    """Keep what a branch has of its own as a take, tell the page and give it; raises ValueError if there is none."""
    one, fps = seat.session.history.branches.named(branch), rate(seat.session)
    frames = min(max(1, one.frame - one.fork), round(LONGEST_KEPT * fps))
    return keep(seat, seat.session.keep(frames, branch), fps, one.name)


def keep(seat: Seat, score: Score, fps: float, words: str = "") -> Take:
    """Keep a score as a take, tell the page and give it; its video is drawn beside the session, and told afterwards."""
    take = seat.recorder.keep_last(score, fps, take_path(seat.recorder.folder, words) if words else None)
    tell(seat, TakeSaved(take))
    if score.length:
        seat.offline.run(f"the video of {take.name}", film(seat, score, take))
    return take


def film(seat: Seat, score: Score, take: Take) -> Iterator[None]:
    """Draw a kept take into its video, a frame at each step of the job."""
    path = seat.recorder.video_path(take)
    video, whole = VideoFile(path, min(60, take.fps), MP4, score.text), False
    try:
        for frame in replay(score, seat.session.model):
            video.put(frame)
            yield
        video.close()
        whole = True
        tell(seat, VideoReady(seat.recorder.add_video(take)))
    except OSError as error:
        tell(seat, Notice(f"The take {take.name} has no video: {error}. Its score is complete."))
    finally:
        if not whole:  # called off, or the disk is full
            with suppress(OSError):
                video.close()
            path.unlink(missing_ok=True)


def rate(session: Session) -> float:
    """Give the frames a second that a session draws, or would."""
    return session.stats["fps"] or USUAL_RATE


def timeline(seat: Seat) -> Timeline:
    """Give what can be gone back to at a seat."""
    session, history = seat.session, seat.session.history
    stretches = tuple(history.stretches)
    branches = [told(one) for one in tuple(history.branches)]
    first = stretches[0].frame if stretches else None
    return Timeline(first, prompts(stretches), branches, reason(session), list(seat.bookmarks.told()))


def told(branch: Branch) -> dict[str, object]:
    """Give what a page is told of a branch."""
    return {
        "id": branch.id,
        "name": branch.name,
        "fork": branch.fork,
        "frame": branch.frame,
        "words": branch.words,
        "picture": picture_of(branch),
    }


def reason(session: Session) -> str:
    """Say what is kept of a model whose checkpoints are too large to hold many of; nothing for any other."""
    room = session.history.room(session.engine)
    if room is None or room.count >= FEW:
        return ""
    needed, limit = gigabytes(room.need), gigabytes(room.limit)
    what = f"A checkpoint of {session.model.name} takes {needed}, and {limit} are set aside for going back"
    if not room.count:
        return f"{what}: going back plays everything again from the last start."
    return f"{what}: at most {room.count} are kept, {room.apart} frames or more apart, and going back lands on one."


def picture_of(branch: Branch) -> str:
    """Give a branch's last picture, small, as a data URL; empty where there is none."""
    if branch not in _pictures:
        picture = branch.stretches[-1].start.engine.last_picture
        _pictures[branch] = "" if picture is None else data_url(picture)
    return _pictures[branch]
