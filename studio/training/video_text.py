"""The video student's text encoder: UMT5's layout, the words of the drawn world, trained to say what a prompt means.

Every token's state comes to hold what the whole sentence asks for (place, time of day, subjects), whatever the
wording. So the transformer learns to draw from a clean code, and not to read as well.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.models.libraries import Tokenizer
from studio.training.diffusion import Stage, rate_at
from studio.training.video_clips import LABELS, TIMES, Script, World, prompt
from studio.world import scenes, words

if TYPE_CHECKING:
    from transformers.models.umt5.modeling_umt5 import UMT5EncoderModel

    from studio.training.picture_scenes import Scenes

SHAPE: dict[str, Any] = dict(d_model=64, d_kv=16, d_ff=128, num_layers=2, num_heads=4)
Asked = tuple[Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]  # token numbers, their mask, and what is meant
DROPPED = 0.05  # share of tokens that are replaced by one that nobody knows: what is not known is to be read over


def vocabulary() -> list[str]:
    """List the words of the drawn world, those held out of training among them."""
    places = {place: words.SCENE_WORDS[place] for place in scenes.FIRST_PLACES}
    tables = [places, words.TIME_WORDS, words.TIME_ADJECTIVES, words.WEATHER_WORDS]
    tables += [words.WEATHER_ADJECTIVES, words.TEMPLATES]
    texts = [text for table in tables for texts in table.values() for text in texts]
    texts += [*words.MOODS, "and"]
    texts += [word for label in LABELS for word in (*words.SUBJECTS[label].words, *words.SUBJECTS[label].held_out)]
    stripped = (word.strip(string.punctuation + "{}") for text in texts for word in text.lower().split())
    return sorted({word for word in stripped if word and "{" not in word})


def new_tokenizer() -> Tokenizer:
    """Make a tokenizer of whole words, else letters; pads with 0 and ends with </s>, as T5's does."""
    from transformers.models.t5.tokenization_t5 import T5Tokenizer

    letters = ["\u2581", *string.ascii_letters, *string.digits, *string.punctuation]
    pieces = [(f"\u2581{word}", -2.0) for word in vocabulary()] + [(piece, -10.0) for piece in letters]
    return T5Tokenizer(vocab=[("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *dict(pieces).items()], extra_ids=0)


class Reader(nn.Module):
    """The encoder with the heads that say what was meant; only the encoder is kept."""

    def __init__(self, tokens: int) -> None:
        from transformers.models.umt5.configuration_umt5 import UMT5Config
        from transformers.models.umt5.modeling_umt5 import UMT5EncoderModel

        super().__init__()
        self.encoder: UMT5EncoderModel = UMT5EncoderModel(UMT5Config(vocab_size=tokens, dropout_rate=0.0, **SHAPE))
        nn.init.normal_(self.encoder.shared.weight)
        self.heads = nn.ModuleList(
            nn.Linear(SHAPE["d_model"], n) for n in (len(scenes.FIRST_PLACES), len(TIMES), len(LABELS))
        )

    def forward(self, ids: Tensor, mask: Tensor) -> list[Tensor]:
        """Give scores (N, L, n) of places, times and subjects for token numbers (N, L)."""
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return [head(states) for head in self.heads]


def meanings(world: World, script: Script | Scenes) -> tuple[Tensor, Tensor, Tensor]:
    """Give the place (N,), the time (N,) and the subjects (N, 16) of scripts, in numbers."""
    named = [world.settings[n] for n in script.setting]
    subjects = torch.zeros(len(named), len(LABELS) + 1)
    subjects.scatter_(1, torch.from_numpy(script.labels) % (len(LABELS) + 1), 1.0)  # -1, for none, is the last
    places, times = (
        [table.index(one) for one in column] for table, column in zip((scenes.FIRST_PLACES, TIMES), zip(*named))
    )
    return torch.tensor(places), torch.tensor(times), subjects[:, :-1]


def reading_loss(scores: list[Tensor], meant: tuple[Tensor, Tensor, Tensor], mask: Tensor) -> Tensor:
    """Compute the mean over all tokens of how wrong place, time and subjects are read."""
    count = mask.shape[1]
    place, time = (
        F.cross_entropy(score.transpose(1, 2), true[:, None].expand(-1, count), reduction="none")
        for score, true in zip(scores[:2], meant[:2])
    )
    subjects = F.binary_cross_entropy_with_logits(
        scores[2], meant[2][:, None].expand(-1, count, -1), reduction="none"
    ).sum(-1)
    return ((place + time + subjects) * mask).sum() / mask.sum()


def tokens(tokenizer: Tokenizer, sentences: list[str]) -> tuple[Tensor, Tensor]:
    """Give token numbers (N, L) and which of them are no padding."""
    read = tokenizer(sentences, padding=True, return_tensors="pt")
    return read.input_ids, read.attention_mask


def train_reader(world: World, folder: Path, stage: Stage, seed: int = 4) -> Iterator[dict]:
    """Train on `stage.clips` prompts a step; writes `folder`/text_encoder and tokenizer in UMT5's layout.

    Done already, it does nothing.
    """
    if (folder / "text_encoder" / "model.safetensors").exists():
        return
    torch.manual_seed(seed)
    rng, tokenizer = np.random.default_rng(seed), new_tokenizer()
    reader = Reader(len(tokenizer))

    def batch() -> Asked:
        script = Script.draw(world, stage.clips, rng)
        ids, mask = tokens(tokenizer, written(world, script, rng))
        ids = torch.where(torch.from_numpy(rng.random(ids.shape) < DROPPED) & (ids > 2), 2, ids)
        return ids, mask, meanings(world, script)

    yield from fit_reader(reader, batch, stage)
    reader.encoder.save_pretrained(folder / "text_encoder")
    tokenizer.save_pretrained(folder / "tokenizer")
    yield {"step": stage.steps, **reading_right(reader, tokenizer, world)}


def fit_reader(reader: nn.Module, batch: Callable[[], Asked], stage: Stage) -> Iterator[dict]:
    """Train a reader for `stage.steps` steps on what `batch` draws, yielding progress."""
    optimiser = torch.optim.AdamW(reader.parameters(), lr=stage.rate, weight_decay=0.01)
    for step in range(stage.steps):
        ids, mask, meant = batch()
        loss = reading_loss(reader(ids, mask), meant, mask)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        for group in optimiser.param_groups:
            group["lr"] = stage.rate * rate_at(step, stage.steps, stage.falling)
        optimiser.step()
        if step % 100 == 99 or step == stage.steps - 1:
            yield {"step": step + 1, "loss": loss.item()}


def written(world: World, script: Script, rng: np.random.Generator, held_out: bool = False) -> list[str]:
    """Compose a prompt for each of the scripts."""
    return [prompt(world, n, labels, rng, held_out) for n, labels in zip(script.setting, script.labels)]


@torch.no_grad()
def reading_right(reader: nn.Module, tokenizer: Tokenizer, world: World, count: int = 200) -> dict[str, float]:
    """Measure how often a prompt's last token says place, time and subjects right, in known and held-out words."""
    right = {}
    for name, held_out in (("right", False), ("right_held_out", True)):
        rng = np.random.default_rng(77)
        script = Script.draw(world, count, rng)
        ids, mask = tokens(tokenizer, written(world, script, rng, held_out))
        last = mask.sum(1) - 1
        place, time, subjects = (score[torch.arange(count), last] for score in reader(ids, mask))
        meant = meanings(world, script)
        whole = (place.argmax(1) == meant[0]) & (time.argmax(1) == meant[1])
        right[name] = float((whole & ((subjects > 0) == (meant[2] > 0)).all(1)).float().mean())
    return right
