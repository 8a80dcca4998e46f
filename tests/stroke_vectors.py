"""Write golden/strokes.json: where strokes are, as `studio/trajectory.py` says, for the page's script to say the same.

`python tests/stroke_vectors.py` writes it anew; tests/test_stroke_vectors.py and tests/page/geometry.test.js read it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from studio.controls import Held, Stroke
from studio.controls.stroke import Point
from studio.controls.takeover import settled
from studio.trajectory import place, reached

PATH = Path(__file__).parent / "golden" / "strokes.json"
TOLERANCE = 0.0015  # of the picture: what the page leaves out of a line that a hand drew
SINCE = (0, 12, 100)  # frames the strokes take effect at
AFTER = (-5, 0, 1, 2, 3.5, 4, 7, 8, 9, 11, 12, 13, 19, 24, 25, 1_000, 123_457)  # frames since then

SHAPES: dict[str, tuple[Point, ...]] = {
    "one point": ((0, 0.3, 0.4),),
    "across": ((0, 0.2, 0.5), (8, 0.8, 0.7)),
    "late": ((4, 0.3, 0.5), (8, 0.6, 0.25)),
    "jump": ((0, 0.1, 0.5), (4, 0.2, 0.5), (4, 0.8, 0.5), (9, 0.9, 0.5)),
    "jump at the end": ((0, 0.1, 0.9), (12, 0.2, 0.5), (12, 0.7, 0.3)),
    "no time": ((0, 0.9, 0.1), (0, 0.5, 0.5), (0, 0.2, 0.8)),
    "there and back": ((0, 0.8, 0.5), (3.25, 0.2, 0.45), (11.5, 0.8, 0.55)),
    "by hand": tuple((1.75 * k, round(0.1 + 0.07 * k, 5), round(0.5 + 0.3 * math.sin(k), 5)) for k in range(12)),
}


def strokes() -> list[Stroke]:
    """Every shape as a drag, a pin, a path that starts over and one that stays at its end."""
    kinds = (("drag", True), ("pin", True), ("path", True), ("path", False))
    return [Stroke("a", "fox", points, mode=mode, loop=loop) for points in SHAPES.values() for mode, loop in kinds]


def places() -> list[dict[str, Any]]:
    """Each stroke with where it is, [frame, x, y], for some frames."""
    return [
        {
            "stroke": {"mode": stroke.mode, "loop": stroke.loop, "points": stroke.points, "since": since},
            "places": [[since + after, *position(stroke, after)] for after in AFTER if since + after >= 0],
        }
        for stroke in strokes()
        for since in SINCE
    ]


def timed_strokes() -> list[Stroke]:
    """Every shape there and back, late, begun already and pressed; drags that are ahead of the hand."""
    paths = [
        Stroke("a", "fox", points, mode="path", loop=loop, ping_pong=True, delay=delay, begun=begun, pressure=pressed)
        for points in SHAPES.values()
        for loop, delay, begun, pressed in (
            (True, 0, 0, ()),
            (True, 5, 0, pressures(points)),
            (True, 5, 19.75, ()),
            (False, 3, 4.5, pressures(points)),
        )
    ]
    drags = [
        Stroke("a", "fox", ((0, 0.5, 0.5), (0, x, 0.4)), lead=lead, pressure=pressure)
        for x in (0.3, 0.95)
        for lead, pressure in (((8, 0.2, -0.1), ()), ((4.5, -0.3, 0.7), (0.5, 1.0)), ((), (0.2, 0.1)))
    ]
    return [*paths, *drags, Stroke("a", "fox", ((0, 0.2, 0.3),), mode="pin", size=0.7, pressure=(1.0,))]


def pressures(points: tuple[Point, ...]) -> tuple[float, ...]:
    return tuple(round((0.3 + 0.4 * number) % 1, 3) for number in range(len(points)))


def timed() -> list[dict[str, Any]]:
    """Each of them with where it is and how large, [frame, x, y, size]."""
    return [
        {
            "stroke": {**without_name(stroke), "since": since},
            "places": [
                [since + after, *position(stroke, after), place(stroke, after).size]
                for after in AFTER
                if since + after >= 0
            ],
        }
        for stroke in timed_strokes()
        for since in (0, 12)
    ]


def without_name(stroke: Stroke) -> dict[str, Any]:
    return {name: value for name, value in stroke.to_message().items() if name not in ("kind", "id", "label")}


ACROSS, ROUND = SHAPES["across"], SHAPES["there and back"]
BEFORE = (
    Stroke("a", "fox", ACROSS, mode="path"),
    Stroke("a", "fox", ACROSS, mode="path", loop=False),
    Stroke("a", "fox", ROUND, mode="path", ping_pong=True, delay=6, begun=2),
    Stroke("a", "fox", ((0, 0.4, 0.4),), mode="pin"),
    Stroke("a", "fox", ((0, 0.4, 0.4),), grab=(6, 0.3, 0.4), lead=(9, 0.1, 0.05)),
)
AFTERWARDS = (
    Stroke("a", "fox", ROUND, mode="path", begun=None, delay=4),
    Stroke("a", "fox", ACROSS, mode="path", begun=None, ping_pong=True),
    Stroke("a", "fox", ((0, 0.45, 0.4),), grab=(6, 0.3, 0.4)),
    Stroke("a", "fox", ((0, 0.45, 0.4),)),
    Stroke("a", "fox", ((0, 0.45, 0.4),), mode="pin", begun=None),
)


def takeovers() -> list[dict[str, Any]]:
    """What strokes take over from others, from a frame on: {begun, lead}; the first are in force since frame 4."""
    rows = []
    for before in BEFORE:
        for stroke in AFTERWARDS:
            for frame in (4, 7, 10, 15, 31, 95):
                after = settled(stroke, Held(before, 4), frame)
                rows.append(
                    {
                        "before": {**without_name(before), "since": 4},
                        "stroke": {**without_name(stroke), "since": frame},
                        "settled": {"begun": after.begun, "lead": after.lead},
                    }
                )
    return rows


def grabs() -> list[dict[str, Any]]:
    """Which of some strokes a hand takes hold of, at places, in a picture half as high as wide: [frame, x, y, id]."""
    held = {
        "a": (Stroke("a", "fox", ACROSS, mode="path", size=0.3), 3),
        "b": (Stroke("b", "cow", ((0, 0.45, 0.6),), mode="pin", size=0.2), 0),
        "c": (Stroke("c", "owl", ROUND, mode="path", ping_pong=True, pressure=(0.1, 0.9, 0.5)), 5),
    }
    places = [(frame, x / 10, y / 10) for frame in (3, 8, 14) for x in range(11) for y in range(2, 10, 2)]
    return [
        {
            "strokes": [{**stroke.to_message(), "since": since} for stroke, since in held.values()],
            "places": [[frame, x, y, reached(held, (x, y), frame, 0.5)] for frame, x, y in places],
        }
    ]


def position(stroke: Stroke, elapsed: float) -> tuple[float, float]:
    placed = place(stroke, elapsed)
    return placed.x, placed.y


def drawn_lines() -> list[tuple[Point, ...]]:
    """Lines as a hand draws them, 60 points a second: straight, bent, round, trembling, standing still."""
    t = [round(0.4 * k, 2) for k in range(120)]
    s = [k / 119 for k in range(120)]
    rounded = [
        [(0.1 + 0.8 * v, 0.2 + 0.5 * v) for v in s],
        [(0.1 + 0.8 * v, 0.2 if v < 0.5 else v - 0.3) for v in s],
        [(0.5 + 0.3 * math.cos(6 * v), 0.5 + 0.3 * math.sin(6 * v)) for v in s],
        [(0.1 + 0.8 * v, 0.5 + 0.004 * math.sin(90 * v)) for v in s],
        [(0.1 + 0.8 * max(0.0, v - 0.4), 0.5) for v in s],
    ]
    return [tuple((u, round(x, 5), round(y, 5)) for u, (x, y) in zip(t, line)) for line in rounded]


def thinned(points: tuple[Point, ...], tolerance: float) -> tuple[Point, ...]:
    """The points without which the line would be off by more than the tolerance (Ramer, Douglas, Peucker)."""
    first, last = points[0], points[-1]
    worst, where = 0.0, 0
    for k in range(1, len(points) - 1):
        share = (points[k][0] - first[0]) / (last[0] - first[0]) if last[0] > first[0] else 0.0
        dx = points[k][1] - first[1] - share * (last[1] - first[1])
        dy = points[k][2] - first[2] - share * (last[2] - first[2])
        if math.hypot(dx, dy) > worst:
            worst, where = math.hypot(dx, dy), k
    if worst <= tolerance:
        return points if len(points) < 3 else (first, last)
    return thinned(points[: where + 1], tolerance)[:-1] + thinned(points[where:], tolerance)


def lines() -> list[dict[str, Any]]:
    return [
        {"points": points, "tolerance": tolerance, "kept": thinned(points, tolerance)}
        for points in drawn_lines()
        for tolerance in (TOLERANCE, 0.02)
    ]


def pressed_lines() -> list[dict[str, Any]]:
    """Straight lines along which a pen is pressed more and more, then less: no other points are kept than those."""
    line = [[0.5 * k, round(0.1 + 0.01 * k, 5), 0.5, round(min(k, 60 - k) / 30, 5)] for k in range(61)]
    return [{"points": line, "kept": [line[0], line[30], line[60]]}]


def text() -> str:
    """The file, an entry a line."""
    parts = {
        "places": places(),
        "lines": lines(),
        "timed": timed(),
        "takeovers": takeovers(),
        "grabs": grabs(),
        "pressed": pressed_lines(),
    }
    rows = {name: ",\n".join(json.dumps(entry) for entry in entries) for name, entries in parts.items()}
    return "{\n" + ",\n".join(f'"{name}": [\n{row}\n]' for name, row in rows.items()) + "\n}\n"


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
