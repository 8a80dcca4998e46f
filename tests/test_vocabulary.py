"""Subjects that no net was trained on: their table, their pictures, and what the shipped pocket makes of them."""

import json
from collections import Counter
from functools import cache

import pytest
import torch
from drawn import untrained

from studio.evaluation import evaluate, takes
from studio.evaluation.detector import load_detector
from studio.models.pocket import appearance
from studio.models.pocket import model as pocket
from studio.models.pocket.sentence_encoder import text_encoder
from studio.training import vocabulary
from studio.world import compositing, subject_pictures, words
from studio.world.backgrounds import Scene

# What a person may type, and the subject it means to them. Most are no label of the table.
EVERYDAY = {
    "tree": "tree", "oak": "tree", "pine tree": "pine tree", "flower": "cherry blossom", "grass": "herb",
    "house": "house", "cottage": "house", "castle": "castle", "palace": "castle", "church": "church",
    "skyscraper": "office building", "mountain": "mountain", "volcano": "volcano", "island": "desert island",
    "planet": "earth", "the moon": "moon", "lightning": "lightning bolt", "campfire": "fire", "rain": "rain cloud",
    "girl": "girl", "boy": "boy", "man": "man", "woman": "woman", "grandmother": "old woman", "king": "prince",
    "queen": "princess", "wizard": "wizard", "witch": "witch", "knight": "fencer", "pirate": "pirate flag",
    "skeleton": "skull", "policeman": "police officer", "ballerina": "dancer", "monster": "space invader",
    "bird": "bird", "crow": "crow", "goose": "goose", "fish": "tropical fish", "spider": "spider", "ant": "ant",
    "puppy": "dog", "kitten": "cat", "bull": "ox", "cheetah": "leopard", "hen": "rooster", "t-rex": "dinosaur",
    "boat": "sailboat", "train": "steam train", "plane": "aeroplane", "spaceship": "rocket", "van": "truck",
    "bike": "bicycle", "jeep": "suv", "bread": "bread", "cake": "birthday cake", "fries": "french fries",
    "noodles": "ramen", "a cup of tea": "tea", "coffee": "coffee", "book": "open book", "gun": "water pistol",
    "lamp": "lantern", "computer": "laptop", "phone": "mobile phone", "tv": "television", "ball": "football",
    "hat": "top hat", "shoe": "leather shoe", "shirt": "t-shirt", "necklace": "prayer beads", "my dog": "dog",
    "an old man": "old man", "a little girl": "girl", "a big tree": "tree", "the red bird": "bird",
}  # fmt: skip


@cache
def shipped():
    return pocket.Pocket()


def test_the_table_names_hundreds_of_subjects_and_no_word_twice():
    assert len(vocabulary.added()) > 400
    assert not set(vocabulary.added()) & set(words.SUBJECTS)
    subjects = [*words.SUBJECTS.values(), *vocabulary.added().values()]
    counts = Counter(word for subject in subjects for word in subject.words + subject.held_out)
    counts.update(word for more in vocabulary.more_words().values() for word in more)
    assert [word for word, count in counts.items() if count > 1 or not word] == []
    assert max(Counter(subject.code for subject in subjects).values()) == 1


def test_a_line_of_the_table_that_says_too_little_is_named(tmp_path, monkeypatch):
    table = tmp_path / "added.txt"
    table.write_text("# trees\n\n🌳 tree | oak | shady tree\n🏰 castle | palace\n")
    monkeypatch.setattr(vocabulary, "TABLE", table)
    with pytest.raises(ValueError, match=r"added\.txt, line 4: got '🏰 castle | palace'"):
        vocabulary._table()


def test_every_subject_of_the_table_has_its_picture():
    codes = json.loads((subject_pictures.PACK / "added.json").read_text())["codes"]
    assert codes == {label: subject.code for label, subject in vocabulary.added().items()}
    pack = compositing.added()
    assert pack.labels == tuple(vocabulary.added())
    assert (pack.full[:, 3].amax((1, 2)) > 0.99).all()
    assert subject_pictures.PICTURES.stat().st_size < 6e6
    assert compositing.every_sprite().labels == compositing.sprites().labels + pack.labels
    assert torch.equal(compositing.every_sprite().full[len(compositing.sprites().labels) + 7], pack.full[7])


def test_a_subject_without_a_picture_is_named():
    with pytest.raises(ValueError, match=r"names \['gizmo'\], of which there are no sprites: pack them"):
        vocabulary.thumbnails(compositing.added(), ["castle", "gizmo"])


def test_what_training_did_to_planes_is_found_again():
    generator = torch.Generator().manual_seed(0)
    before = torch.rand(6, 4, 48, 48, generator=generator)
    done = 0.1 * torch.randn(4, 4, 5, 5, generator=generator)
    after = torch.nn.functional.conv2d(before, done, padding=2)
    torch.testing.assert_close(vocabulary.learned_filter(before, after), done, atol=1e-4, rtol=0)


def test_adding_subjects_leaves_the_trained_ones_and_adding_them_again_changes_nothing(tmp_path, monkeypatch):
    few = {label: vocabulary.added()[label] for label in ("castle", "tree")}
    monkeypatch.setattr(vocabulary, "added", lambda: few)
    monkeypatch.setattr(vocabulary, "more_words", lambda: {"sailboat": ("boat",)})
    before = untrained(tmp_path)
    vocabulary.add_subjects(tmp_path)
    once = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    vocabulary.add_subjects(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == once
    after = pocket.Pocket(tmp_path, torch.float32)
    assert after.capabilities.labels == (*before.capabilities.labels, "castle", "tree")
    for name in ("planes", "keys", "owner"):
        kept = getattr(before.memory, name)
        assert torch.equal(getattr(after.memory, name)[: len(kept)], kept)
    castle = torch.nn.functional.interpolate(
        compositing.added().full[[compositing.added().index("castle")]].float(), size=48, mode="area"
    )
    torch.testing.assert_close(after.memory.planes[-2:-1], castle, atol=0.01, rtol=0)
    assert [after.reads(word)[0] for word in ("castle", "palace", "oak", "boat", "fox")] == [
        "castle", "castle", "tree", "sailboat", "fox",
    ]  # fmt: skip


def test_the_shipped_pocket_knows_the_table():
    memory, labels = shipped().memory, shipped().capabilities.labels
    assert labels == (*compositing.sprites().labels, *vocabulary.added())
    assert torch.equal(memory.weights(memory.keys.float()).argmax(1), memory.owner)  # every word reads as its own
    named, owner = vocabulary.memory_keys()
    assert torch.equal(memory.owner[-len(named) :], owner)
    some = slice(None, None, 100)
    torch.testing.assert_close(memory.keys[-len(named) :][some].float(), text_encoder()(named[some]), atol=0.01, rtol=0)


def test_the_shipped_planes_are_thumbnails_filtered_as_training_filtered_the_trained_ones():
    planes, trained = shipped().memory.planes, compositing.sprites().labels
    learned = planes[: len(trained)]
    change = vocabulary.learned_filter(vocabulary.thumbnails(compositing.sprites(), trained), learned)
    some = ["castle", "tree", "girl"]
    thumbnails = vocabulary.thumbnails(compositing.added(), some)
    expected = torch.nn.functional.conv2d(thumbnails, change, padding=2)
    made = planes[[shipped().capabilities.labels.index(label) for label in some]]
    # they were made from pictures of 128 pixels without loss
    assert (made - expected).abs().mean() < 0.01 < (made - thumbnails).abs().mean()


def test_everyday_words_read_as_what_they_mean():
    vectors = text_encoder()(list(EVERYDAY))
    memory, labels = shipped().memory, shipped().capabilities.labels
    read = [labels[number] for number in memory.weights(vectors).argmax(1)]
    assert dict(zip(EVERYDAY, read)) == EVERYDAY
    assert (memory.likeness(vectors) >= appearance.KNOWN).all()


def test_words_kept_from_the_keys_still_read_right():
    subjects = {**words.SUBJECTS, **vocabulary.added()}
    asked = [(label, word) for label, subject in subjects.items() for word in subject.held_out][::6]
    read = shipped().memory.weights(text_encoder()([word for _, word in asked])).argmax(1)
    right = [shipped().capabilities.labels[number] == label for number, (label, _) in zip(read, asked)]
    assert len(right) > 120
    assert sum(right) / len(right) > 0.88


@pytest.mark.parametrize("label", ["castle", "princess"])
def test_an_added_subject_is_drawn_where_it_is_asked(label):
    scene, path = Scene("meadow", 0, "day", "clear"), ((0.0, 0.35, 0.55), (4.0, 0.6, 0.5))
    take = takes.Take(scene, "a green meadow", False, label, label, False, path, 0.36, seed=4)
    engine = evaluate.new_engine(shipped(), take, steps=1)
    frame = [engine.step() for _ in range(4)][-1]
    judged = evaluate.judge(load_detector(), frame.picture, take, frame.index)
    assert judged["subject_right"]  # nearest to it of all 698
    assert judged["position_error_px"] < 1
    assert judged["subject_psnr_db"] > 19
