"""What was trained on the first fourteen places is asked for no others; new weights say which they know."""

import numpy as np
from drawn import few_scenes

from studio.evaluation import detector as detectors
from studio.evaluation import takes
from studio.models.base import Capabilities
from studio.models.pocket.model import WEIGHTS, PocketNet
from studio.training import fit_places, video_clips, video_text
from studio.world import scenes, words


def test_the_shipped_weights_and_witness_know_the_first_places():
    net, _ = PocketNet.load(WEIGHTS)
    assert net.places.world == ()
    assert net.places.names[0] == len(scenes.FIRST_PLACES)
    assert detectors.load_detector().heads[0].out_features == len(scenes.FIRST_PLACES)
    assert Capabilities((256, 256), (48, 16, 16)).places == ()


def test_a_witness_of_more_places_names_them_and_comes_back_from_its_file(tmp_path):
    from safetensors.torch import save_file

    save_file(detectors.Detector(places=17).state_dict(), tmp_path / "detector.safetensors")
    again = detectors.load_detector(tmp_path / "detector.safetensors")
    head = again.get_parameter("heads.0.bias")
    assert len(head) == 17
    head.data[16] = 99.0
    picture = few_scenes().frames(np.array([0]), np.array([0]))
    assert again.name(picture)[0][0] == scenes.PLACES[16]


def test_students_are_asked_for_the_first_places_only_and_read_no_other_words():
    assert {place for place, _ in video_clips.all_settings()} == set(scenes.FIRST_PLACES)
    known = set(video_text.vocabulary())
    assert {"meadow", "room"} <= known
    later = {w for p in scenes.PLACES[14:] for text in words.SCENE_WORDS[p] for w in text.split()}
    assert not {"volcano", "harbour", "kitchen", "stalactites"} & known
    assert {"volcano", "harbour", "kitchen", "stalactites"} <= later


def test_new_weights_name_their_places_and_are_asked_for_those():
    assert fit_places.places_config(few_scenes())["world"] == ["meadow", "beach", "space"]
    rng = np.random.default_rng(0)
    drawn = [takes.draw_take(rng, places=("volcano", "cave")) for _ in range(30)]
    assert {take.scene.place for take in drawn} == {"volcano", "cave"}
    assert {take.scene.weather for take in drawn if take.scene.place == "cave"} == {"clear"}
    both = takes.draw_hand_take(rng, 30, 12, ("volcano", "cave"))
    assert {both.scene.place, both.other.place} == {"volcano", "cave"}
