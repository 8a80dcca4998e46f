"""The drawn world at more pixels: at one a unit no pixel has changed, beyond that it is the same world, sharper."""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from studio.world import backgrounds, painting, scenes
from studio.world.backgrounds import Scene

KEPT = Path(__file__).with_name("kept_scenes.json")


def sample():
    """One scene of each place, views and lights in turn."""
    for n, place in enumerate(scenes.PLACES):
        times, weathers = scenes.times_of(place), scenes.weathers_of(place)
        yield place, n % scenes.VIEWS, times[n % len(times)], weathers[(2 * n + n // 5) % len(weathers)]


def rounding() -> str:
    """Digits of the functions that scenes are painted with, whose last bits differ between processors."""
    x = np.linspace(-7, 7, 4096, dtype=np.float32)
    results = (np.sin(x), np.exp(-x * x), np.arctan2(x, 1 - x), np.clip(x / 7, 0, 1) ** 1.2, np.sin(x.astype(float)))
    return hashlib.sha256(b"".join(result.tobytes() for result in results)).hexdigest()[:8]


def thumbnail(picture: np.ndarray) -> np.ndarray:
    return picture.reshape(4, 64, 4, 64, 3).mean((1, 3)).round().astype(int)


def kept(picture: np.ndarray) -> dict:
    return {"hash": hashlib.sha256(picture.tobytes()).hexdigest()[:16], "means": thumbnail(picture).ravel().tolist()}


def test_at_a_pixel_a_unit_no_pixel_has_changed():
    """`kept_scenes.json` is of the first fourteen places before the world had sizes; the others came later."""
    before = json.loads(KEPT.read_text())
    for scene in sample():
        picture, was = scenes.paint(*scene, 3), before["scenes"]["|".join(map(str, scene))]
        if before["rounding"] == rounding():
            assert kept(picture)["hash"] == was["hash"], scene
        assert np.abs(thumbnail(picture) - np.reshape(was["means"], (4, 4, 3))).max() <= 1, scene


@pytest.mark.parametrize("scene", [*sample()][::3], ids=lambda scene: scene[0])
def test_twice_the_pixels_show_the_same_world(scene):
    coarse, fine = (scenes.compose(*scene, size) for size in (256, 512))
    assert fine.pixels.shape == (512, 512, 3)
    # whatever is scattered by chance lies at the same places
    assert coarse.rng.bit_generator.state == fine.rng.bit_generator.state
    assert coarse.chance.bit_generator.state == fine.chance.bit_generator.state
    small, large = scenes.frame(coarse, 5).astype(float), scenes.frame(fine, 5).astype(float)
    shrunk = large.reshape(256, 2, 256, 2, 3).mean((1, 3))
    assert np.abs(shrunk - small).mean() < 2
    assert np.abs(shrunk.mean((0, 1)) - small.mean((0, 1))).max() < 1


def test_edges_are_a_pixel_sharp_at_every_size():
    """Of a slanted line, a disc, a curve and a band, no more of a row lies between in and out than at 256."""
    shapes = {
        "polygon": lambda: painting.polygons([[(40, 0), (120, 256), (0, 256), (0, 0)]]),
        "ellipse": lambda: painting.ellipses([(128, 128, 90, 90)]),
        "curve": lambda: painting.below(painting.rolling(128, 30, 1.0)).T,
        "band": lambda: painting.ribbon((128, -1, 20), (150, 257, 60)),
    }
    for name, shape in shapes.items():
        soft = {}
        for size in (256, 512, 1024):
            with painting.resolution(size):
                mask = shape()
            assert mask.shape == (size, size)
            soft[size] = (4 * mask * (1 - mask)).sum() / size
        assert soft[512] < 1.25 * soft[256], (name, soft)
        assert soft[1024] < 1.25 * soft[256], (name, soft)


def test_a_picture_drawn_at_512_is_no_enlargement():
    drawn = scenes.paint("village", 3, "day", "clear", 0, 512).astype(float)
    enlarged = scenes.paint("village", 3, "day", "clear", 0).repeat(2, 0).repeat(2, 1).astype(float)
    finest = {name: np.abs(picture[::2, ::2] - picture[::2, 1::2]).mean() for name, picture in
              {"drawn": drawn, "enlarged": enlarged}.items()}  # fmt: skip
    assert finest["enlarged"] == 0
    assert finest["drawn"] > 0.5


@pytest.mark.parametrize("size", [0, 128, 255, 300, -256])
def test_a_size_the_world_cannot_be_drawn_at_is_said(size):
    with pytest.raises(ValueError, match=f"multiples of that, not at {size}"):
        scenes.paint("meadow", 0, "day", "clear", 0, size)
    assert painting.grid().size == 256  # what is drawn next is as it was


def test_backgrounds_at_512_read_like_an_array_and_are_taken_up_where_they_were_left(tmp_path, monkeypatch):
    few = [Scene("meadow", 0, "day", "clear"), Scene("space", 1, "night", "clear"), Scene("space", 2, "night", "clear")]
    monkeypatch.setattr(backgrounds, "all_scenes", lambda places: [scene for scene in few if scene.place in places])
    (tmp_path / "backgrounds-512").mkdir()
    (tmp_path / "backgrounds-512" / "space.partial").write_bytes(b"cut off")
    one = backgrounds.render_backgrounds(tmp_path, 1, size=512, places=["meadow"])
    assert one.pictures.shape == (1, 8, 512, 512, 3)
    stamp = (tmp_path / "backgrounds-512" / "meadow.zip").stat().st_mtime_ns
    made = backgrounds.render_backgrounds(tmp_path, 1, size=512, places=["meadow", "space"])
    assert (tmp_path / "backgrounds-512" / "meadow.zip").stat().st_mtime_ns == stamp
    assert sorted(path.name for path in (tmp_path / "backgrounds-512").iterdir()) == ["meadow.zip", "space.zip"]
    assert made.scenes == tuple(few)
    assert len(made.pictures) == 3
    for number, scene in enumerate(few):
        true = scenes.paint(scene.place, scene.view, scene.time, scene.weather, 6, 512)
        error = made.pictures[number, 6].astype(float) - true
        assert 10 * np.log10(255**2 / (error**2).mean()) > 42
    assert np.array_equal(made.pictures[2][6], made.pictures[2, 6])
    assert np.array_equal(made.pictures[2, 6, 8:40, 100:164], made.pictures[2, 6][8:40, 100:164])
    assert np.array_equal(made.frames(np.array([2]), np.array([6]))[0].mul(255).round().byte().permute(1, 2, 0),
                          made.pictures[2, 6])  # fmt: skip
    with zipfile.ZipFile(tmp_path / "backgrounds-512" / "space.zip") as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 16


if __name__ == "__main__":  # keeps what is painted now
    found = {"|".join(map(str, scene)): kept(scenes.paint(*scene, 3)) for scene in sample()}
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(what)}" for name, what in found.items())
    KEPT.write_text(f'{{"rounding": "{rounding()}", "scenes": {{\n{lines}\n}}}}\n')
