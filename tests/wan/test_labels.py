"""A stroke's label on a causal student: heard where its subject is in the pictures of each latent, and nowhere else."""

import pytest
import torch
from cutout_files import png

from studio.controls import Backdrop, ControlError, CutOut, Erase, Prompt, Region, Stroke
from studio.models.playable import check, playable_kinds, playable_parts
from studio.regional import subject_cells
from studio.session.session import Session
from studio.trajectory import place
from wan.checks import SIZE, hashes, playing

ASPECT = SIZE[0] / SIZE[1]
PATH = Stroke("a", "democracy", ((0, 0.1, 0.3), (40, 0.9, 0.7)), "path", 0.3, loop=False)  # nothing to paste
SAMPLERS = ["rollout", "stream", "rolling"]


def heard(session):
    """What the clean latents of a stream were told of parts of the picture, in order."""
    context = session.engine.sampler.context
    return [list(one.cond.regions[0]) if one.cond.regions else [] for one in (*context.kept, *context.pending)]


def swept(stroke, pictures, share):
    """The slow definition: where a subject is in any of some pictures."""
    cells = [subject_cells(place(stroke, number), (4, 6), ASPECT) for number in pictures]
    return share * torch.stack(cells).amax(0)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_latent_hears_a_label_where_it_is_in_any_of_its_pictures(model, sampler):
    session = playing(model, sampler, steps=2)
    session.send(PATH)
    hashes(session, 21)
    latents = [range(1), *(range(4 * n - 3, 4 * n + 1) for n in range(1, 6))]
    told = heard(session)[-6:]
    assert [len(one) for one in told] == [1] * 6
    for (one,), pictures in zip(told, latents, strict=True):
        assert one.states is model.prepare(PATH.label)
        torch.testing.assert_close(one.share, swept(PATH, pictures, 0.7))
    assert told[0][0].share[:, -1].max() == 0 < told[0][0].share[:, 0].max()
    assert told[5][0].share[:, 0].max() == 0 < told[5][0].share[:, 2:4].max()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_label_changes_what_is_drawn_and_unheard_it_changes_nothing(model, sampler):
    free, told, unheard = (playing(model, sampler) for _ in range(3))
    unheard.send(Backdrop(words=0))
    told.send(PATH), unheard.send(PATH)
    free, told, unheard = (hashes(one, 21) for one in (free, told, unheard))
    assert unheard == free
    assert not {*told} & {*free}


def test_a_label_goes_to_the_hand_as_its_pinned_thing_does(model):
    session = playing(model)
    session.send(CutOut("a", png())), session.send(Stroke("a", "a kite", ((0, 0.1, 0.5),), size=0.2))
    hashes(session, 9)
    session.send(Stroke("a", "a kite", ((0, 0.9, 0.5),), size=0.2))
    hashes(session, 1)
    shares = [row[0].share for row in heard(session)[-3:]]
    middles = [float((share.sum(0) * torch.arange(6)).sum() / share.sum()) for share in shares]
    assert middles == sorted(middles)
    assert middles[0] < 1.6 < 3.4 < middles[2]


def test_labels_are_read_as_they_are_sent_and_heard_beside_regions_eight_in_all(model, monkeypatch):
    session, read = playing(model), []
    monkeypatch.setattr(
        type(model), "prepare", lambda self, text, loras={}: read.append(text) or model.text_encoder(text)
    )
    strokes = [Stroke(str(n), f"thing {n}", ((0, 0.5, 0.5),), "pin") for n in range(9)]
    for stroke in strokes:
        session.send(stroke)
    assert read == [stroke.label for stroke in strokes]
    from regional.masks import LEFT

    session.send(LEFT)
    session.step()
    assert [one.states for one in heard(session)[0]] == [
        model.text_encoder(text) for text in (LEFT.text, *(stroke.label for stroke in strokes[2:]))
    ]
    session.send(Region(LEFT.id, "")), session.send(Erase("*"))
    hashes(session, 12)
    assert heard(session)[-1] == []


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_take_with_heard_labels_goes_on_from_a_file_bit_for_bit(model, sampler, tmp_path):
    session, other = playing(model, sampler), Session(model, sampler=sampler)
    session.send(PATH)
    hashes(session, 5)
    session.send(Prompt("rain"))
    hashes(session, 9)
    other.open_bookmark(session.bookmark(tmp_path / "here.jsonl"))
    assert hashes(other, 16) == hashes(session, 16)


def test_of_what_strokes_are_painted_on_a_student_has_the_words_alone(model):
    assert "backdrop" in playable_kinds(model)
    assert "underpainting" not in playable_parts(model)
    check(model, Backdrop(words=0.2))
    for other in (Backdrop("pocket"), Backdrop(colour="red"), Backdrop(seed=1, words=0.2)):
        with pytest.raises(ControlError, match="a backdrop is for image models"):
            check(model, other)
