"""The whole recipe of the pocket model: world, codec, images, clips, its own streams, decoder, and the weights."""

import datetime
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studio.evaluation import detector
from studio.models.pocket import model as pocket
from studio.models.pocket.appearance import PLANE
from studio.models.pocket.decoder import SIZES
from studio.models.pocket.sentence_encoder import text_encoder
from studio.training import vocabulary
from studio.training.clips import ClipMaker, Prompts
from studio.training.codec import codec_quality, train_codec
from studio.training.decoder import train_decoder
from studio.training.diffusion import Stage, train_diffusion
from studio.training.fit_places import places_config, remember_places
from studio.training.forcing import train_forcing
from studio.world import compositing, words
from studio.world.backgrounds import Backgrounds, render_backgrounds

CODEC: dict[str, Any] = dict(channels=48, widths=(64, 128, 256), depths=(2, 2, 2))
WORDINGS = 48  # prompts composed for each place, time and weather


@dataclass(frozen=True)
class Recipe:
    """How long each step takes and how big the net is. `codec_steps` are of `codec_batch` crops.

    stages: diffusion forcing on pictures and clips; forcing: on streams of the net's own frames, `clips` of them;
    decoder: on `pairs` frames the net has played and the drawn truth, `clips` of them a step.
    """

    transformer: dict
    codec_steps: int
    codec_batch: int
    stages: tuple[Stage, ...]
    forcing: Stage
    decoder: Stage
    pairs: int
    device: str = "cpu"


RECIPES = {
    # Two CPU cores with bfloat16 arithmetic: about three and a half hours while the machine is used for other work too.
    "cpu": Recipe(
        transformer=dict(num_attention_heads=4, attention_head_dim=64, num_layers=8, ffn_dim=768),
        codec_steps=4000,
        codec_batch=16,
        stages=(Stage("images", 4000, 32, 1, 1.2e-3, falling=0), Stage("clips", 2500, 6, 5, 1e-3)),
        forcing=Stage("forcing", 1800, 8, 5, 4e-4),
        decoder=Stage("decoder", 5000, 4, 1, 8e-4, falling=0.65),
        pairs=6000,
    ),
    # One H100: about 30 minutes. Not run yet (no session had the card); the CPU recipe made the weights that ship.
    "h100": Recipe(
        transformer=dict(num_attention_heads=6, attention_head_dim=64, num_layers=10, ffn_dim=1152),
        codec_steps=6000,
        codec_batch=128,
        stages=(Stage("images", 6000, 512, 1, 1.5e-3, falling=0), Stage("clips", 6000, 96, 5, 1e-3)),
        forcing=Stage("forcing", 2000, 64, 5, 4e-4),
        decoder=Stage("decoder", 8000, 32, 1, 8e-4, falling=0.65),
        pairs=12000,
        device="cuda",
    ),
    # Seconds: for the tests.
    "smoke": Recipe(
        transformer=dict(num_attention_heads=2, attention_head_dim=24, num_layers=1, ffn_dim=64),
        codec_steps=2,
        codec_batch=2,
        stages=(Stage("images", 2, 2, 1, 1e-3, falling=0), Stage("clips", 2, 1, 3, 1e-3)),
        forcing=Stage("forcing", 2, 1, 3, 1e-3),
        decoder=Stage("decoder", 2, 2, 1, 8e-4),
        pairs=4,
    ),
}


def memory_keys() -> tuple[list[str], torch.Tensor]:
    """Every training word of every subject, and the subject each belongs to, in the sprite pack's order."""
    labels = compositing.sprites().labels
    named = [dict.fromkeys((label, *words.SUBJECTS[label].words)) for label in labels]
    pairs = [(word, n) for n, all_words in enumerate(named) for word in all_words]
    return [word for word, _ in pairs], torch.tensor([n for _, n in pairs])


def wordings(backgrounds: Backgrounds, seed: int = 3, count: int = WORDINGS) -> Prompts:
    """Composed training prompts and their vectors; a quarter also name a subject, as people do."""
    rng = np.random.default_rng(seed)
    labels = compositing.sprites().labels
    sentences: list[str] = []
    of_scene = {}
    for place, time, weather in dict.fromkeys((s.place, s.time, s.weather) for s in backgrounds.scenes):
        first = len(sentences)
        for _ in range(count):
            sentence = words.compose(place, time, weather, rng)
            if rng.random() < 0.25:
                article, joint = rng.choice(["a ", "the ", ""]), rng.choice([" in ", ", ", " at "])
                sentence = f"{article}{rng.choice(labels)}{joint}{sentence}"
            sentences.append(sentence)
        of_scene[place, time, weather] = np.arange(first, len(sentences))
    encoder = text_encoder()
    vectors = torch.cat([encoder(sentences[n : n + 256]) for n in range(0, len(sentences), 256)])
    return Prompts(vectors, encoder([""])[0], of_scene)


def new_net(recipe: Recipe, backgrounds: Backgrounds) -> pocket.PocketNet:
    """An untrained net whose memory of subjects starts as thumbnails of the sprites."""
    torch.manual_seed(0)
    keys, owner = memory_keys()
    pack = compositing.sprites()
    net = pocket.PocketNet(
        {
            "codec": CODEC,
            "transformer": recipe.transformer,
            "memory": {"subjects": len(pack.labels), "keys": len(keys)},
            "places": places_config(backgrounds),
        }
    )
    thumbnails = torch.nn.functional.interpolate(pack.full.float(), size=PLANE, mode="area")
    with torch.no_grad():
        net.memory.planes.copy_(thumbnails)
        net.memory.keys.copy_(text_encoder()(keys))
        net.memory.owner.copy_(owner)
    return net


def train(
    folder: Path, name: str = "cpu", out: Path = pocket.WEIGHTS, scenes: tuple[Backgrounds, Backgrounds] | None = None
) -> Iterator[dict]:
    """Runs or resumes the recipe in `folder`, yielding progress, and writes the weights to `out`.

    scenes: the world at 256, which is encoded, and at 512, which is decoded; painted in `folder` if left out. In the
    package it also makes the evaluation's detector, if that is missing. Raises KeyError for an unknown recipe.
    """
    recipe = RECIPES[name]
    backgrounds, large = scenes or (render_backgrounds(folder), render_backgrounds(folder, size=SIZES[-1]))
    for report in train_codec(large, folder, recipe.codec_steps, recipe.codec_batch, device=recipe.device, **CODEC):
        yield {"stage": "codec", "of": recipe.codec_steps, **report}
    net = new_net(recipe, backgrounds)
    net.codec.load_state_dict(torch.load(folder / "codec.pt", weights_only=True, map_location="cpu")["model"])
    net.codec.eval().requires_grad_(False)
    prompts = wordings(backgrounds)
    yield {"stage": "places", **remember_places(net, backgrounds, prompts)}
    maker = ClipMaker(backgrounds, prompts, net.memory.owner)
    for stage in recipe.stages:
        for report in train_diffusion(net, maker, folder, stage, device=recipe.device):
            yield {"stage": stage.name, "of": stage.steps, **report}
        export(net.cpu(), out, name)
    for report in train_forcing(net, maker, folder, recipe.forcing, device=recipe.device):
        yield {"stage": recipe.forcing.name, "of": recipe.forcing.steps, **report}
    export(net.cpu(), out, name)
    for report in train_decoder(net, maker, large, folder, recipe.decoder, recipe.pairs, device=recipe.device):
        yield {"stage": recipe.decoder.name, "of": recipe.decoder.steps, **report}
    export(net.cpu(), out, name)
    vocabulary.add_subjects(out)
    if out == pocket.WEIGHTS and not detector.WEIGHTS.exists():  # it belongs to the drawn world, not to these weights
        yield from detector.train_detector(backgrounds, detector.WEIGHTS)
    yield {"stage": "done", **codec_quality(net.codec, large)}


def export(net: pocket.PocketNet, out: Path, recipe: str) -> None:
    """The weights with what the studio must know of them."""
    net.save(
        out, {"labels": list(compositing.sprites().labels), "recipe": recipe, "commit": _commit(), "date": _today()}
    )


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    finished = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=Path(__file__).parent)
    return finished.stdout.strip() or "unknown"


def _today() -> str:
    return datetime.date.today().isoformat()
