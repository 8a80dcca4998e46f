"""The painted backgrounds of the drawn world, made once and kept on disk.

At 256 pixels they are one memory-mapped array. Larger ones would be tens of gigabytes: each place is an archive of JPEG
files then (quality 95, whole chroma: 47 dB), a file a picture, which read like that array.
"""

import io
import mmap
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from studio.world import scenes
from studio.world.painting import SIZE

JPEG = {"format": "JPEG", "quality": 95, "subsampling": 0}
LOCAL_HEADER = 30  # bytes of an archive before a file's name; the lengths of name and extra field are its last four


@dataclass(frozen=True)
class Scene:
    """What a background shows; `view` is the layout, which the seed chooses."""

    place: str
    view: int
    time: str
    weather: str


def all_scenes(places: Sequence[str] = scenes.PLACES) -> list[Scene]:
    """List every scene of some places; of all if left out."""
    return [
        Scene(place, view, time, weather)
        for place in places
        for time in scenes.times_of(place)
        for weather in scenes.weathers_of(place)
        for view in range(scenes.VIEWS)
    ]


@dataclass(frozen=True)
class Packed:
    """Pictures in archives that read like an array uint8 (scene, phase, size, size, 3).

    Indexed by a scene's number for its phases, or by a scene's number, a phase and whatever an array takes after them.
    Archives are mapped into memory, so threads and forked processes may read at once.
    """

    size: int
    files: tuple[tuple[memoryview, ...], ...]  # of each scene, of each phase

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.files), scenes.PHASES, self.size, self.size, 3

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, index: int | tuple) -> np.ndarray:
        if not isinstance(index, tuple):
            return np.stack([_unpacked(file) for file in self.files[index]])
        number, phase, *rest = index
        return _unpacked(self.files[number][phase])[tuple(rest)]


def _unpacked(file: memoryview) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)))


@dataclass(frozen=True)
class Backgrounds:
    """All scenes painted: `pictures` is uint8 (scene, phase, S, S, 3), on disk."""

    scenes: tuple[Scene, ...]
    pictures: np.ndarray | Packed

    @cached_property
    def number(self) -> dict[Scene, int]:
        return {scene: n for n, scene in enumerate(self.scenes)}

    def frames(self, numbers: np.ndarray, phases: np.ndarray) -> Tensor:
        """(N,) scene numbers and phases -> (N, 3, S, S) in 0..1."""
        picked = np.stack([self.pictures[n, p] for n, p in zip(numbers, phases)])
        return torch.from_numpy(picked).permute(0, 3, 1, 2).float().div_(255)


def render_backgrounds(
    folder: Path,
    workers: int = 2,
    progress: Callable[[Iterable], Iterable] = iter,
    *,
    size: int = SIZE,
    places: Sequence[str] = scenes.PLACES,
) -> Backgrounds:
    """Paint what is missing in `folder` and open it.

    size: pixels of a side. Beyond 256 what an interrupted run painted is kept, place by place; a place's archive that
    is deleted is painted anew.
    """
    wanted = all_scenes(places)
    render = _array if size == SIZE else partial(_archives, size=size)
    with Pool(workers) as pool:
        return Backgrounds(tuple(wanted), render(Path(folder), wanted, pool.imap, progress))


# --- at a pixel a unit: one array -------------------------------------------------------------------------------------


def _paint(scene: Scene) -> np.ndarray:
    return scenes.paint_all_phases(scene.place, scene.view, scene.time, scene.weather)


def _array(folder: Path, wanted: list[Scene], each: Callable, progress: Callable) -> np.ndarray:
    path = folder / "backgrounds.npy"
    shape = (len(wanted), scenes.PHASES, SIZE, SIZE, 3)
    if not path.exists() or np.load(path, mmap_mode="r").shape != shape:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".partial.npy")
        pictures = np.lib.format.open_memmap(unfinished, "w+", np.uint8, shape)
        for n, phases in enumerate(progress(each(_paint, wanted, 4))):
            pictures[n] = phases
        pictures.flush()
        unfinished.rename(path)
    return np.load(path, mmap_mode="r")


# --- finer: an archive of pictures for each place ---------------------------------------------------------------------


def _names(scene: Scene) -> list[str]:
    """The files of a scene in its place's archive, by phase."""
    return [f"{scene.view}-{scene.time}-{scene.weather}-{phase}.jpg" for phase in range(scenes.PHASES)]


def _pack(scene: Scene, size: int) -> list[bytes]:
    """A scene's pictures as files."""
    files = []
    for picture in scenes.loop(scenes.compose(scene.place, scene.view, scene.time, scene.weather, size)):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, **JPEG)
        files.append(file.getvalue())
    return files


def _archives(folder: Path, wanted: list[Scene], each: Callable, progress: Callable, size: int) -> Packed:
    folder = folder / f"backgrounds-{size}"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [scene for scene in wanted if not (folder / f"{scene.place}.zip").exists()]
    painted = iter(progress(each(partial(_pack, size=size), missing, 4)))
    for place, of_place in groupby(missing, lambda scene: scene.place):
        unfinished = folder / f"{place}.partial"
        with zipfile.ZipFile(unfinished, "w") as archive:
            for scene in of_place:
                for name, file in zip(_names(scene), next(painted), strict=True):
                    archive.writestr(name, file)
        unfinished.rename(folder / f"{place}.zip")
    files = {place: _mapped(folder / f"{place}.zip") for place in dict.fromkeys(scene.place for scene in wanted)}
    return Packed(size, tuple(tuple(files[scene.place][name] for name in _names(scene)) for scene in wanted))


def _mapped(path: Path) -> dict[str, memoryview]:
    """The files of an archive by name, mapped into memory."""
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        found = {}
        for entry in archive.infolist():
            lengths = mapped[entry.header_offset + LOCAL_HEADER - 4 : entry.header_offset + LOCAL_HEADER]
            start = entry.header_offset + LOCAL_HEADER + sum(np.frombuffer(lengths, "<u2").tolist())
            found[entry.filename] = mapped[start : start + entry.compress_size]
    return found
