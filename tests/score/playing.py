"""Takes of every kind of control on the tiny model, drawn by hypothesis, and edits of them."""

from hypothesis import strategies as st

from studio.controls import Erase, Pause, Prompt, Sampling, Stroke
from studio.score import Event, Header, Score

PATH = ((0.0, 0.1, 0.2), (6.0, 0.9, 0.4), (9.0, 0.5, 0.9))
FRAMES = st.integers(0, 15)
CONTROLS = st.one_of(
    st.builds(
        Prompt,
        st.sampled_from(("winter", "summer")),
        switch=st.sampled_from(("recache", "keep", "cut")),
        blend=st.sampled_from((0, 3)),
    ),
    st.builds(Sampling, st.integers(0, 3), st.just("none"), st.just(1.0), st.integers(1, 3)),
    st.builds(
        Stroke,
        st.sampled_from(("a", "b")),
        st.sampled_from(("fox", "cow")),
        st.just(PATH),
        st.sampled_from(("drag", "pin", "path")),
        loop=st.booleans(),
    ),
    st.builds(Erase, st.sampled_from(("a", "b", "*"))),
    st.builds(Pause, st.booleans()),
)


@st.composite
def scores(draw):
    """A take of the tiny model of 2 to 10 frames, its opening set at its start and before."""
    start, frames = draw(st.integers(0, 5)), draw(st.integers(2, 10))
    opening = [Event(start, Prompt("spring")), Event(start, Sampling(1))]
    if draw(st.booleans()):
        opening.append(Event(max(0, start - 2), Stroke("a", "fox", PATH, "path")))
    later = draw(st.lists(st.tuples(st.integers(start + 1, start + frames - 1), CONTROLS), max_size=6))
    events = [Event(frame, control) for frame, control in sorted(later, key=lambda one: one[0])]
    header = Header("tiny", "0123456789ab", 32, 32, start, frames, digest="ab" * 16)
    return Score(header, [*opening, *events])


@st.composite
def edits(draw):
    """An edit as a page sends it; its numbers may not fit the take."""
    first, last = draw(FRAMES), draw(FRAMES)
    part = {"first": first, "last": last}
    return draw(
        st.one_of(
            st.builds(
                lambda e, by: {"edit": "move", "events": e, "by": by},
                st.lists(st.integers(0, 8), min_size=1, max_size=3),
                st.integers(-9, 9),
            ),
            st.builds(lambda e: {"edit": "delete", "events": [e]}, st.integers(0, 8)),
            st.builds(lambda f, c: {"edit": "insert", "frame": f, "control": c.to_message()}, FRAMES, CONTROLS),
            st.builds(
                lambda e, v: {"edit": "change", "events": [e], "values": v},
                st.integers(0, 8),
                st.sampled_from(({"text": "autumn"}, {"steps": 3}, {"label": "hen"}, {"loop": False})),
            ),
            st.builds(lambda n: {"edit": "retime", **part, "frames": n}, st.integers(1, 12)),
            st.builds(lambda n: {"edit": "loop", **part, "times": n}, st.integers(1, 3)),
            st.just({"edit": "trim", **part}),
            st.just({"edit": "join", "take": "itself"}),
        )
    )
