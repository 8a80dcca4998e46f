"""The evaluation of strokes on picture models: one that copies what is painted under it is right, others are not."""

import numpy as np
import torch
from tiny.pictures import PictureModel

from studio.controls import Stroke
from studio.evaluation.picture_strokes import Trial, controls_of, figures_of, judged, ways


class Seer:
    """A witness that finds the middle of what is more red than blue, and is sure where there is any."""

    def find(self, pictures, label=None):
        red = ((pictures[0, 0] - pictures[0, 2]) > 0.3).float()
        rows, columns = ((torch.arange(side) + 0.5) / side for side in red.shape)
        total = float(red.sum()) or 1.0
        return [
            (label, float((red.sum(0) * columns).sum()) / total, float((red.sum(1) * rows).sum()) / total, total / 20)
        ]


def test_a_model_that_copies_its_underpainting_has_the_thing_where_it_was_asked():
    model = PictureModel(lambda x, t, text: torch.zeros_like(x), side=32, strokes="underpainting")
    path = ((0.0, 0.25, 0.5), (24.0, 0.75, 0.5), (47.0, 0.25, 0.5))
    trial = Trial("a meadow", "fox", Stroke("a", "fox", path, "path", 0.4), 3)
    figures = {
        name: figures_of(list(judged(model, Seer(), trial, controls_of(trial, backdrop, painted, 0.02))))
        for name, (backdrop, painted) in ways("colour").items()
    }
    assert figures["painted"]["there"] == 1
    assert figures["painted"]["error_px"] < 16  # of a fox more red than blue, its middle
    assert figures["neither"]["there"] < 1 or figures["neither"]["error_px"] > 30
    assert figures["words by region"]["there"] < 1 or figures["words by region"]["error_px"] > 30


def test_figures_say_how_often_and_how_far():
    figures = figures_of([(True, 2.0), (True, 10.0), (False, 100.0), (True, 3.0)])
    assert figures["there"] == 0.75
    assert figures["error_px"] == 5.0
    assert figures["median_px"] == 3.0
    assert figures["within_6_px"] == 0.5
    assert np.isnan(figures_of([(False, 9.0)])["error_px"])
