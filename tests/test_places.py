from functools import cache

import numpy as np
import pytest
import torch
from drawn import SCENES, few_prompts, few_scenes, untrained_net, vector

from studio.models.pocket.place_memory import PlaceMemory
from studio.training import fit_places as memory
from studio.world import scenes
from studio.world.backgrounds import Backgrounds, Scene

LATENT = (3, 2, 2)


def small():
    """Two places, two times, two weathers, two views; every combination but snow in the second place."""
    layouts = [(place, view, time) for place in (0, 1) for view in (0, 1) for time in (0, 1)]
    airs = [(place, time, weather) for place in (0, 1) for time in (0, 1) for weather in (0, 1) if place + weather < 2]
    made = PlaceMemory([2, 2, 2, 2], len(layouts), len(airs), list(LATENT), dimensions=6)
    made.layout_of.copy_(torch.tensor(layouts))
    made.air_of.copy_(torch.tensor(airs))
    generator = torch.Generator().manual_seed(0)
    for latents in (made.layouts, made.airs):
        latents.data.normal_(generator=generator)
    made.reader = torch.nn.Linear(6, 6, bias=False)  # a sentence's six numbers: two places, two times, two weathers
    made.reader.weight.data.copy_(30 * torch.eye(6))
    return made, layouts, airs


def sentence(place, time, weather):
    said = torch.zeros(6)
    said[[place, 2 + time, 4 + weather]] = 1
    return said


@pytest.mark.parametrize("asked", [(0, 0, 0, 0), (0, 1, 1, 1), (1, 1, 0, 0), (1, 0, 1, 0)])
def test_a_sentence_recalls_the_layout_and_the_air_it_names(asked):
    made, layouts, airs = small()
    place, view, time, weather = asked
    recalled = made.recall(sentence(place, time, weather)[None], torch.tensor([view]))[0]
    expected = made.layouts[layouts.index((place, view, time))] + made.airs[airs.index((place, time, weather))]
    torch.testing.assert_close(recalled, expected, atol=1e-4, rtol=0)


def test_a_weather_that_a_place_does_not_have_counts_for_nothing():
    made, layouts, airs = small()
    said = sentence(1, 0, 1)
    said[4] = 0.9  # almost all snow, which the second place does not know
    recalled = made.recall(said[None], torch.tensor([1]))[0]
    expected = made.layouts[layouts.index((1, 1, 0))] + made.airs[airs.index((1, 0, 0))]
    torch.testing.assert_close(recalled, expected, atol=1e-2, rtol=0)


def test_between_two_places_both_are_recalled_in_equal_parts():
    made, layouts, airs = small()
    said = sentence(0, 0, 0) + sentence(1, 0, 0)
    recalled = made.recall(said[None], torch.tensor([0]))[0]
    each = [made.layouts[layouts.index((p, 0, 0))] + made.airs[airs.index((p, 0, 0))] for p in (0, 1)]
    torch.testing.assert_close(recalled, (each[0] + each[1]) / 2, atol=1e-4, rtol=0)


def test_a_sentence_is_scored_for_every_place_time_and_weather():
    scores = untrained_net().places.read(torch.stack([vector("a meadow"), vector("")]))
    assert [score.shape for score in scores] == [(2, len(table)) for table in memory.TABLES]
    assert all(score.std() > 0 for score in scores)


def test_every_sentence_of_a_batch_recalls_its_own_view():
    made, _, _ = small()
    said = torch.stack([sentence(0, 0, 0), sentence(1, 1, 0)])
    together = made.recall(said, torch.tensor([1, 0]))
    for n, view in enumerate((1, 0)):
        torch.testing.assert_close(together[n], made.recall(said[n : n + 1], torch.tensor([view]))[0])


# --- where it starts ----------------------------------------------------------


def test_the_combinations_are_those_of_the_world_and_no_others():
    layouts, airs = memory.combinations(few_scenes())
    place, time, weather = (table.index for table in memory.TABLES)
    assert layouts == [(place(s.place), 0, time(s.time)) for s in SCENES]
    assert airs == [(place(s.place), time(s.time), weather(s.weather)) for s in SCENES]
    config = memory.places_config(few_scenes())
    assert (config["layouts"], config["airs"]) == (4, 4)
    assert config["names"] == [len(scenes.PLACES), 4, 5, 4]


def test_mean_latents_are_the_codec_s_means_over_the_loop():
    net = untrained_net()
    latents = memory.mean_latents(net, few_scenes(), phases=(1, 4))
    assert latents.shape == (4, *config_latent())
    pictures = few_scenes().frames(np.array([2, 2]), np.array([1, 4])) * 2 - 1
    with torch.no_grad():
        expected = net.codec.eval().encode(pictures).mean(0)
    torch.testing.assert_close(latents[2], expected, atol=0.05 * float(expected.std()), rtol=0.05)


def config_latent():
    return tuple(memory.places_config(few_scenes())["latent"])


@cache
def additive():
    """A world whose latents are a layout plus an air, exactly; no pictures."""
    listed = tuple(
        Scene(place, view, time, weather)
        for place in ("meadow", "beach")
        for view in (0, 1)
        for time in ("day", "night")
        for weather in ("clear", "rain")
        if (view, time, weather) != (0, "day", "rain")  # not every weather in every view: means alone do not do
    )
    world = Backgrounds(listed, np.zeros((len(listed), 1)))
    layouts, airs = memory.combinations(world)
    generator = torch.Generator().manual_seed(0)
    layout, air = (torch.randn(len(rows), *LATENT, generator=generator) for rows in (layouts, airs))
    latents = []
    for scene in listed:
        names = (scene.place, scene.time, scene.weather)
        place, time, weather = (table.index(name) for table, name in zip(memory.TABLES, names))
        latents.append(layout[layouts.index((place, scene.view, time))] + air[airs.index((place, time, weather))])
    return world, layouts, airs, torch.stack(latents)


def test_latents_that_are_a_layout_plus_an_air_are_explained_wholly():
    world, layouts, airs, latents = additive()
    made = PlaceMemory([*map(len, memory.TABLES), 4], len(layouts), len(airs), list(LATENT))
    with torch.no_grad():
        explained = memory.fit_planes(made, latents, world, layouts, airs)
    assert explained > 0.999


def test_noise_is_not_explained():
    world, layouts, airs, latents = additive()
    made = PlaceMemory([*map(len, memory.TABLES), 4], len(layouts), len(airs), list(LATENT))
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert memory.fit_planes(made, noise, world, layouts, airs) < 0.9


def test_the_reader_learns_what_its_prompts_mean():
    places = PlaceMemory([*map(len, memory.TABLES), 4], 1, 1, list(LATENT))
    assert memory.fit_reader(places, few_prompts(), steps=60) > 0.9


def test_remembered_places_are_recalled_by_their_prompts():
    net = untrained_net()
    kept = {name: value.clone() for name, value in net.places.state_dict().items()}
    try:
        with pytest.MonkeyPatch.context() as patch:
            fit = memory.fit_reader
            patch.setattr(memory, "fit_reader", lambda places, prompts: fit(places, prompts, steps=120))
            report = memory.remember_places(net, few_scenes(), few_prompts())
        assert report["explained"] > 0.999  # four scenes, four layouts
        assert report["read"] > 0.9
        latents = memory.mean_latents(net, few_scenes())
        right = []
        for number, scene in enumerate(SCENES):
            rows = few_prompts().of_scene[scene.place, scene.time, scene.weather]
            said = few_prompts().vectors[torch.from_numpy(rows)]
            with torch.no_grad():
                recalled = net.places.recall(said, torch.zeros(len(rows), dtype=torch.long))
            nearest = (recalled[:, None] - latents[None]).square().mean((2, 3, 4)).argmin(1)
            right += (nearest == number).tolist()
        assert np.mean(right) > 0.9
    finally:
        net.places.load_state_dict(kept)
