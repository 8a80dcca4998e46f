import errno
import json
import logging
import subprocess
import sys
from concurrent.futures import wait
from dataclasses import replace

import numpy as np
import pytest

from studio.controls import Erase, Pause, Prompt, Sampling, Stroke, strokes
from studio.frames import Frame
from studio.score import Digest, Event, Header, Score, ScoreError, ScoreWriter, digest_difference
from studio.score.environment import environment, processor_class

HEADER = Header("tiny", "0123456789ab", 32, 32, start=10, frames=5, digest="ab")
FIRST = '{"studio": 2, "model": "tiny", "weights": "0123456789ab", "width": 32, "height": 32, "start": 10, "frames": 5}'


def score():
    return Score(
        HEADER,
        [
            Event(10, Prompt("winter")),
            Event(10, Sampling(7)),
            Event(7, Stroke("b", "fox", ((0, 0.2, 0.5), (9, 0.8, 0.5)), "path")),
            Event(3, Stroke("a", "cow", ((0, 0.5, 0.5),))),
            Event(12, Prompt("summer, «été»")),
            Event(12, Erase("a")),
            Event(13, Pause()),
        ],
    )


def test_a_score_survives_its_file(tmp_path):
    path = score().write(tmp_path / "take.jsonl")
    assert Score.read(path) == score()
    assert [file.name for file in tmp_path.iterdir()] == ["take.jsonl"]


def test_a_score_is_readable_json_lines():
    first, *rest = [json.loads(line) for line in score().lines()]
    assert first == {
        "studio": 2,
        "model": "tiny",
        "weights": "0123456789ab",
        "width": 32,
        "height": 32,
        "start": 10,
        "frames": 5,
        "sampler": "stream",
        "digest": "ab",
    }
    assert rest[0] == {"frame": 10, "kind": "prompt", "text": "winter", "negative": "", "switch": "recache", "blend": 0,
                       "mix": [], "weight": 1.0, "interpolation": "linear"}  # fmt: skip
    assert "«été»" in "\n".join(score().lines())


def test_what_was_in_force_before_the_take_keeps_its_frames_and_its_order():
    opening = score().opening()
    assert [(id, since) for id, (_, since) in strokes(opening).items()] == [("b", 7), ("a", 3)]
    assert opening[Prompt] == Prompt("winter")


def test_a_recording_that_was_cut_off_plays_to_its_last_control():
    cut = Score(Header("tiny", "0123456789ab", 32, 32, start=10), score().events)
    assert cut.length == 4
    assert Score(cut.header).length == 1
    assert score().length == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; a score begins with a header line"),
        ("\n\n", "is empty"),
        ("hello\n", "line 1 is no JSON .*'hello'; correct the line or take it out"),
        ("[1]\n", "line 1 must be a JSON object"),
        ('{"frame": 0}\n', 'line 1 is no header: it lacks "studio"'),
        (FIRST.replace('"studio": 2', '"studio": 9') + "\n", "version is 9, this studio plays 2; update"),
        (FIRST.replace('"width": 32, ', "") + "\n", 'lacks "width"; add it'),
        (FIRST.replace('"width": 32', '"width": "wide"') + "\n", "\"width\" is 'wide'; correct it"),
        (FIRST.replace('"start": 10', '"start": -1') + "\n", '"start" is -1; it must be 0 to 4294967295'),
        (FIRST.replace('"start": 10', '"start": 99999999999') + "\n", '"start" is 99999999999; it must be 0 to'),
        (FIRST.replace('"frames": 5', '"frames": true') + "\n", '"frames" is True'),
        (FIRST + '\n{"kind": "prompt", "text": "a"}\n', 'line 2: "frame" is None; give the number of a frame'),
        (FIRST + '\n{"frame": 1.5, "kind": "pause"}\n', 'line 2: "frame" is 1.5'),
        (FIRST + '\n{"frame": 11, "kind": "sing"}\n', "line 2: control kind is 'sing'; possible kinds"),
        (FIRST + '\n{"frame": 11, "kind": "prompt", "text": " "}\n', "line 2: prompt text is empty"),
        (
            FIRST + '\n{"frame": 12, "kind": "pause"}\n{"frame": 11, "kind": "pause"}\n',
            "line 3: frame 11 comes after frame 12; put the lines in order",
        ),
        (
            FIRST + '\n{"frame": 12, "kind": "pause"}\n{"frame": 3, "kind": "pause"}\n',
            "line 3: frame 3 comes after frame 12",
        ),
        (FIRST + "\n{broken\n" + '{"frame": 11, "kind": "pause"}\n', "line 2 is no JSON"),
        (FIRST + "\n" + "[" * 100_000 + "\n", "line 2 is no JSON"),
    ],
)
def test_a_malformed_score_names_its_line_and_the_remedy(text, said):
    with pytest.raises(ScoreError, match=said) as caught:
        Score.parse(text)
    assert len(str(caught.value)) < 400


def test_reading_a_score_loads_no_torch_and_opens_no_model(tmp_path):
    path = score().write(tmp_path / "take.jsonl")
    code = (
        "import sys; from studio.score import Score\n"
        f"assert Score.read({str(path)!r}).length == 5\n"
        "print([name for name in sys.modules if name in ('torch', 'numpy') or name.startswith('studio.models')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_that_is_no_score_is_told(tmp_path):
    with pytest.raises(ScoreError, match=r"cannot read the score .*No such file.*; check the path"):
        Score.read(tmp_path / "none.jsonl")
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ScoreError, match="is no text file"):
        Score.read(picture)


def test_a_last_line_that_was_cut_off_is_left_out_and_told(caplog):
    text = FIRST + '\n{"frame": 11, "kind": "pause"}\n{"frame": 12, "kind": "pro'
    assert [event.frame for event in Score.parse(text, "take.jsonl").events] == [11]
    assert "take.jsonl: its last line was cut off" in caplog.text


def test_a_last_line_without_its_newline_that_is_nested_too_deep_is_left_out(caplog):
    assert Score.parse(FIRST + "\n" + '{"frame": 11, "kind": "pause"}\n' + "[" * 100_000).length == 5
    assert "its last line was cut off" in caplog.text
    with pytest.raises(ScoreError, match="line 1 is no JSON"):
        Score.parse("[" * 100_000)


def test_a_last_line_without_its_newline_counts():
    assert len(Score.parse(FIRST + '\n{"frame": 11, "kind": "pause"}').events) == 1


def test_the_writer_has_every_line_on_disk_as_it_is_played(tmp_path):
    path = tmp_path / "new folder" / "take.jsonl"
    writer = ScoreWriter(path, HEADER)
    for number, event in enumerate(score().events, 1):
        writer.add(event)
        assert Score.read(path).events == score().events[:number]
    writer.finish(score())
    assert Score.read(path) == score()


def test_a_disk_that_fills_is_told_once_and_the_take_is_written_whole_when_there_is_room(tmp_path, caplog, monkeypatch):
    path = tmp_path / "take.jsonl"
    writer = ScoreWriter(path, HEADER)
    full = True
    append = ScoreWriter._append

    def refuse(self, line):
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, line)

    monkeypatch.setattr(ScoreWriter, "_append", refuse)
    with caplog.at_level(logging.WARNING):
        for event in score().events:
            writer.add(event)
    assert len(caplog.records) == 1
    assert "No space left on device" in caplog.text
    assert "kept in memory: make room" in (writer.problem or "")
    full = False
    writer.finish(score())
    assert writer.problem is None
    assert Score.read(path) == score()


def test_a_disk_that_stays_full_leaves_what_was_written_before(tmp_path, monkeypatch):
    path = tmp_path / "take.jsonl"
    writer = ScoreWriter(path, HEADER)
    writer.add(score().events[0])
    monkeypatch.setattr(Score, "write", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    writer.finish(score())
    assert writer.problem
    assert Score.read(path).events == score().events[:1]


def test_a_folder_that_cannot_be_made_is_told_and_nothing_is_raised(tmp_path):
    (tmp_path / "file").write_text("")
    writer = ScoreWriter(tmp_path / "file" / "take.jsonl", HEADER)
    writer.add(score().events[0])
    assert "cannot write the score" in (writer.problem or "")


# Recordings that were cut off

UNFINISHED = FIRST.replace(', "frames": 5', "")


def test_a_recording_that_was_cut_off_plays_to_its_last_checkpoint():
    lines = (
        UNFINISHED,
        '{"frame": 11, "kind": "pause"}',
        '{"checkpoint": 12, "digest": "aa"}',
        '{"frame": 25, "kind": "pause", "paused": false}',
        '{"checkpoint": 24, "digest": "bb"}',
        '{"checkpoint": 99, "dig',
    )
    read = Score.parse("\n".join(lines))
    assert (read.header.frames, read.length, read.header.digest) == (24, 24, "bb")
    assert [event.frame for event in read.events] == [11, 25]


def test_a_control_after_the_last_checkpoint_is_played_and_nobody_knows_the_digest():
    text = f'{UNFINISHED}\n{{"checkpoint": 12, "digest": "aa"}}\n{{"frame": 25, "kind": "pause"}}\n'
    read = Score.parse(text)
    assert (read.length, read.header.digest) == (16, "")
    # The control that comes with the next frame is after the checkpoint too.
    assert Score.parse(text.replace("25", "22")).length == 13


def test_a_checkpoint_says_nothing_new_of_a_take_that_was_finished():
    assert Score.parse(FIRST + '\n{"checkpoint": 3, "digest": "aa"}\n').header == Score.parse(FIRST).header


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"checkpoint": -1}', '"checkpoint" is -1; give the number of frames'),
        ('{"checkpoint": true}', '"checkpoint" is True'),
        ('{"checkpoint": 3, "digest": 4}', '"digest" is 4; give a text'),
    ],
)
def test_a_checkpoint_that_cannot_be_is_told(line, said):
    with pytest.raises(ScoreError, match=f"line 2: {said}"):
        Score.parse(f"{UNFINISHED}\n{line}\n")


class Clock:
    """Seconds that pass when the test says so."""

    now = 100.0

    def __call__(self):
        return self.now


def digest_of(count):
    digest = Digest()
    for index in range(count):
        digest.add(Frame(index, np.full((2, 2, 3), index, np.uint8)))
    return digest


def test_the_writer_has_the_number_of_frames_on_disk_twice_a_second(tmp_path):
    clock, path = Clock(), tmp_path / "take.jsonl"
    writer = ScoreWriter(path, replace(HEADER, frames=None, digest=""), clock)
    for count in range(1, 31):  # ten a second
        clock.now += 0.1
        writer.checkpoint(digest_of(count))
        assert count - 5 <= (Score.read(path).header.frames or 0) <= count
    lines = path.read_text().splitlines()
    assert 5 <= len(lines) - 1 <= 7
    read = Score.read(path).header
    assert read.digest == str(digest_of(read.frames))
    writer.finish(score())
    assert path.read_text().splitlines() == list(score().lines()), "no checkpoint is left in a take that is finished"


def test_a_disk_that_does_not_keep_what_it_took_is_told(tmp_path, monkeypatch, caplog):
    clock, writer = Clock(), None

    def refuse(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("studio.score.writer.os.fsync", refuse)
    writer = ScoreWriter(tmp_path / "take.jsonl", HEADER, clock)
    for count in range(1, 4):
        clock.now += 0.6
        writer.checkpoint(digest_of(count))
        wait([writer._kept] if writer._kept else [])
    assert "Input/output error" in (writer.problem or "")
    assert caplog.text.count("Input/output error") == 1


# What a take was made on


def test_a_header_says_what_the_take_was_made_on_and_whether_it_begins_clean():
    header = replace(HEADER, processor="AVX2", torch="2.13.0", clean=False)
    lines = list(Score(header).lines())
    assert json.loads(lines[0]).items() >= {"processor": "AVX2", "torch": "2.13.0", "clean": False}.items()
    assert Score.parse(lines[0]).header == header
    assert "clean" not in json.loads(next(Score(HEADER).lines()))
    with pytest.raises(ScoreError, match='"clean" is 1; correct it'):
        Score.parse(lines[0].replace('"clean": false', '"clean": 1'))


def test_the_processors_class_tells_apart_what_rounds_differently(monkeypatch):
    import torch

    here = processor_class()
    assert here.startswith(torch.backends.cpu.get_cpu_capability())
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert processor_class() == f"{here} limited to AVX2"
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX9")
    assert processor_class().startswith("AVX9")


def test_frames_that_differ_say_what_else_does(model):
    processor, torch = environment("cpu")
    same = replace(HEADER, digest=str(digest_of(3)), processor=processor, torch=torch)
    assert digest_difference(same, digest_of(3), model) is None
    assert digest_difference(replace(same, digest=""), digest_of(3), model) is None
    said = {
        "processor": digest_difference(replace(same, processor="AVX9"), digest_of(2), model),
        "torch": digest_difference(replace(same, torch="1.0"), digest_of(2), model),
        "line": digest_difference(same, digest_of(2), model),
        "nothing": digest_difference(replace(same, processor="", torch=""), digest_of(2), model),
    }
    assert all(
        text and text.startswith(f"the frames differ from the recording's: {digest_of(2)} here")
        for text in said.values()
    )
    assert f"processor {processor} here, AVX9 there;" in said["processor"]
    assert "torch" not in said["processor"].partition("there")[0]
    assert f"torch {torch} here, 1.0 there;" in said["torch"]
    assert "so a line was changed" in said["line"]
    assert "does not say what it was made on" in said["nothing"]
