"""How the tests play a session: what is sent at which frame, and the hashes that come."""

from tiny.pictures import noisy

from studio.controls import Erase, Picture, Prompt, Sampling, Similarity, Stroke
from studio.score import replay

SEVERAL = [
    (2, Stroke("a", "fox", ((0, 0.1, 0.5), (9, 0.9, 0.5)), "path")),
    (4, Prompt("winter")),
    (6, Sampling(3, "self", 1.5, 3)),
    (9, Stroke("b", "cow", ((0, 0.5, 0.2),))),
    (11, Erase("a")),
]


def drag(x, id="a"):
    return Stroke(id, "fox", ((0, x, 0.5),))


class Each:
    """An output that misses no frame."""

    def __init__(self, put):
        self.put = put

    def close(self):
        pass


def play(session, frames, events=()):
    """The hashes of some frames, each event sent before its frame."""
    made = []
    for _ in range(frames):
        for frame, control in events:
            if frame == session.engine.frame:
                session.send(control)
        made.append(session.step().hash)
    return made


def replayed(score, model):
    return [frame.hash for frame in replay(score, model)]


CAMERA = [
    (0, Sampling(steps=3)),
    (2, Picture(noisy(1))),
    (3, Similarity(0.1, most=4)),
    (4, Picture(noisy(2))),
    (11, Picture(noisy(3))),
    (12, Prompt("winter", blend=3)),
    (13, Sampling(3, "initialize", 1.5, 2)),
    (15, Picture(noisy(4))),
]


def pictures_of(score):
    return [event.control for event in score.events if isinstance(event.control, Picture)]
