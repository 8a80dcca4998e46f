"""Scores inside pictures and videos: found again whatever the kind of file, and left aside by its other readers."""

import zipfile
import zlib

import av
import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image
from session.playing import play, replayed
from tiny.model import TinyModel
from tiny.pictures import noisy

from studio.cli import main
from studio.cli.render import default_output
from studio.controls import Picture, Prompt
from studio.outputs import carriers, open_output
from studio.outputs.carriers import CARRIERS, pack_text, png_with, unpack_text
from studio.outputs.errors import OutputError
from studio.outputs.fragments import copy_packets
from studio.score import Event, Header, Score, ScoreError, read_score, render
from studio.session import Session

MODEL = TinyModel()
ENDINGS = ("mp4", "webm", "gif", "zip")


@pytest.fixture(scope="module")
def take():
    session = Session(MODEL)
    play(session, 4)
    session.record()
    play(session, 6, [(6, Prompt("a harbour, élégant"))])
    return session.stop_recording()


@pytest.fixture(scope="module")
def exported(take, tmp_path_factory):
    """The take as every kind of file."""
    folder = tmp_path_factory.mktemp("exported")
    files = {ending: render(take, folder / f"take.{ending}", model=MODEL) for ending in ENDINGS}
    return files | {"png": min(render(take, folder / "pictures.png", model=MODEL).iterdir())}


def with_pictures(megabytes):
    """A score that a camera has filled."""
    picture = noisy(1) + np.random.default_rng(0).bytes(10**6)
    events = [Event(frame, Picture(picture)) for frame in range(1, megabytes + 1)]
    return Score(Header("tiny", "x", 64, 64, frames=megabytes + 1), events)


@pytest.mark.parametrize("ending", [*ENDINGS, "png"])
def test_every_kind_of_file_carries_the_whole_score(exported, take, ending):
    path = exported[ending]
    assert read_score(path) == take
    assert read_score(path.read_bytes()) == take
    assert replayed(read_score(path), MODEL) == replayed(take, MODEL)


@pytest.mark.parametrize("ending", [*ENDINGS, "png"])
def test_its_other_readers_see_the_same_pictures(exported, ending):
    path = exported[ending]
    if ending == "png":
        assert Image.open(path).size == (MODEL.size[1], MODEL.size[0])
    elif ending == "zip":
        names = zipfile.ZipFile(path).namelist()
        assert (len(names), names[0], names[-1]) == (7, "000004.png", "score.jsonl")
    elif ending == "gif":
        assert Image.open(path).n_frames == 6
        assert Image.open(path).info["loop"] == 0, "it still plays over and over"
    else:
        assert len(iio.imread(path, plugin="pyav")) == 6


@pytest.mark.parametrize(("ending", "to"), [("mp4", "matroska"), ("webm", "matroska"), ("mp4", "mov")])
def test_ffmpeg_keeps_it_in_what_it_cuts_and_converts(exported, take, tmp_path, ending, to):
    """As `ffmpeg -i take.mp4 -c copy` does, which hands the tags on."""
    copy_packets(exported[ending], tmp_path / "cut", to, frames=3, options={})
    assert read_score(tmp_path / "cut") == take
    with av.open(str(tmp_path / "cut")) as cut:
        assert sum(packet.size > 0 for packet in cut.demux(video=0)) == 3


@pytest.mark.parametrize("ending", [*ENDINGS, "png"])
def test_a_take_with_megabytes_of_pictures_is_carried_too(tmp_path, ending):
    long, output = with_pictures(2), open_output(tmp_path / f"camera.{ending}", text=with_pictures(2).text)
    session = Session(MODEL)
    for _ in range(2):
        output.put(session.step())
    output.close()
    path = output.path
    assert read_score(path if ending != "png" else min(path.iterdir())) == long
    if ending in ("mp4", "webm"):
        assert len(iio.imread(path, plugin="pyav")) == 2
    elif ending == "gif":
        assert Image.open(path).n_frames == 2


def test_what_a_carrier_cannot_hold_is_said(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(carriers, "LARGEST_PNG", 1000)
    with pytest.raises(OutputError, match="keep the score beside it"):
        png_with(exported["png"].read_bytes(), b"x" * 2000)


@pytest.mark.parametrize("ending", [*ENDINGS, "png"])
def test_a_file_without_a_score_says_so(tmp_path, ending):
    output = open_output(tmp_path / f"bare.{ending}")
    output.put(Session(MODEL).step())
    output.close()
    path = output.path if ending != "png" else min(output.path.iterdir())
    with pytest.raises(ScoreError, match=r"without a score in it.*or a site it went through"):
        read_score(path)


@pytest.mark.parametrize("ending", ["mp4", "webm", "gif", "png"])
def test_a_damaged_or_cut_off_one_says_so(exported, ending):
    data = exported[ending].read_bytes()
    place = data.index(b"studio-score:1:") + 60
    for hurt in (data[:place] + b"#" + data[place + 1 :], data[: place + 20]):
        with pytest.raises(ScoreError, match="damaged or cut off"):
            read_score(hurt)


def test_a_gif_that_was_cut_off_behind_its_score_is_opened(exported, take):
    assert read_score(exported["gif"].read_bytes()[:-2000]) == take


def test_a_small_file_does_not_unfold_into_a_large_one(monkeypatch):
    monkeypatch.setattr(carriers, "LARGEST_TEXT", 10**6)
    assert unpack_text(pack_text("x" * 10**6)) is not None
    assert unpack_text(pack_text("x" * (10**6 + 1))) is None
    line = pack_text("x")
    assert unpack_text(line[:-4] + b"AAAA") is None
    assert unpack_text(line[:15] + b"0" * 8 + line[23:]) is None, "another check"
    assert unpack_text(b"studio-score:1:%08x:999999999999:" % zlib.crc32(b"")) is None


def test_a_mark_across_two_blocks_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(carriers, "BLOCK", 64)
    for before in range(40, 72):
        path = tmp_path / "a.png"
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"." * before + pack_text(Score(Header("m", "w", 8, 8)).text))
        assert read_score(path).header.model == "m"


def test_every_kind_of_video_and_picture_has_a_carrier():
    from studio.outputs import OUTPUTS

    assert {*CARRIERS, ".zip"} == {*OUTPUTS}


def test_commands_take_them(exported, tmp_path, capsys):
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.jpg")
    for path, words in ((exported["gif"], "tiny"), (exported["mp4"], "tiny"), (tmp_path / "plain.jpg", "without a sc")):
        assert main(["replay", str(path)]) != 0
        assert words in capsys.readouterr().err
    assert default_output(exported["gif"]) == exported["mp4"]
    assert default_output(exported["mp4"]).name == "take-again.mp4", "not over itself"
