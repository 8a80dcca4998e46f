"""What the pocket knows beyond what it was trained on: more subjects, written into its memory of appearances.

The transformer learned to draw whatever plane stands on the track map, not 128 subjects by heart. So a subject that it
never saw needs no training: its thumbnail, filtered as training filtered the thumbnails of those it did see, is its
plane; the vectors of the words that name it are its keys. The table is `sprites/added.txt`; the pictures
(`sprites/added.webp`) are Fluent emoji (MIT), the names follow unicode-emoji-json, emojilib and emojibase-data (MIT),
with wordings added by hand.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from studio.models.pocket import model as pocket
from studio.models.pocket.appearance import PLANE
from studio.models.pocket.own_subjects import FILTER as FILTER_FILE
from studio.models.pocket.sentence_encoder import text_encoder
from studio.world import compositing
from studio.world.poses import second_codes
from studio.world.subject_pictures import PACK, PICTURES, codes, pack_pictures
from studio.world.subject_words import TABLE, read_table
from studio.world.words import SUBJECTS, Subject

FILTER, RIDGE = 5, 0.01  # texels across the filter; what keeps its weights small, in squared texels
AT_ONCE = 256  # wordings that the sentence encoder reads in one batch


@cache
def added() -> dict[str, Subject]:
    """The added subjects by label, in the order of their planes."""
    return {row.words[0]: row for row in sorted(_table(), key=lambda row: row.words[0]) if row.words[0] not in SUBJECTS}


@cache
def more_words() -> dict[str, tuple[str, ...]]:
    """Words that name trained subjects and that no net was trained with."""
    return {row.words[0]: row.words[1:] for row in _table() if row.words[0] in SUBJECTS}


def _table() -> list[Subject]:
    """Raises ValueError for a line that is no "emoji label | words | held-out words"."""
    return read_table(TABLE)


def pack_added(assets: Path, out: Path = PACK) -> None:
    """Writes the pictures of all subjects, found in `assets`, and the added ones' codes; for when the table changed."""
    named = {label: row.code for label, row in added().items()}
    table = json.dumps({"labels": list(named), "codes": named}, ensure_ascii=False, indent=0)
    (out / "added.json").write_text(table, encoding="utf-8")
    pack_pictures(assets, codes("sprites") | named | second_codes(), out / PICTURES.name)


def memory_keys() -> tuple[list[str], Tensor]:
    """The words to add, and the number of the subject each names: trained subjects first, then the added ones."""
    trained = compositing.sprites().labels
    pairs = [(word, trained.index(label)) for label, words in more_words().items() for word in words]
    pairs += [(word, len(trained) + n) for n, row in enumerate(added().values()) for word in row.words]
    return [word for word, _ in pairs], torch.tensor([number for _, number in pairs])


def thumbnails(pack: compositing.Sprites, labels: Iterable[str]) -> Tensor:
    """(N, 4, 48, 48): the sprites of these labels at a plane's size.

    Raises ValueError if there are no sprites of some.
    """
    labels = list(labels)
    if missing := [label for label in labels if label not in pack.labels]:
        raise ValueError(f"{TABLE.name} names {missing}, of which there are no sprites: pack them with `pack_added`")
    return F.interpolate(pack.full[[pack.index(label) for label in labels]].float(), size=PLANE, mode="area")


def learned_filter(before: Tensor, after: Tensor) -> Tensor:
    """(4, 4, 5, 5): the filter across channels that is nearest to what training did to planes (N, 4, 48, 48).

    Linear least squares. On subjects that it was not fitted on it halves the distance of thumbnails to learned planes,
    and what is drawn from them gains 1.1 dB (docs/log.md).
    """
    patches = F.unfold(before, FILTER, padding=FILTER // 2).transpose(1, 2).flatten(0, 1)
    wanted = after.flatten(2).transpose(1, 2).flatten(0, 1)
    square, product = (patches.T @ patches).double(), (patches.T @ wanted).double()
    square += RIDGE * torch.eye(len(square), dtype=square.dtype)
    return torch.linalg.solve(square, product).float().T.reshape(4, 4, FILTER, FILTER)


def write_filter(folder: Path = pocket.WEIGHTS) -> Tensor:
    """Writes the filter that makes planes of pictures beside the weights it is fitted to, and gives it."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    trained = config.get("trained", config["memory"])["subjects"]
    learned = load_file(folder / "memory.safetensors")["planes"][:trained].float()
    change = learned_filter(thumbnails(compositing.sprites(), config["labels"][:trained]), learned)
    save_file({"filter": change.contiguous()}, folder / FILTER_FILE)
    return change


def add_subjects(folder: Path = pocket.WEIGHTS) -> None:
    """Writes the added subjects into the weights of a folder; what was added before is replaced."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    memory = load_file(folder / "memory.safetensors")
    trained = config.setdefault("trained", dict(config["memory"]))
    words, owner = memory_keys()
    keys = torch.cat([text_encoder()(words[n : n + AT_ONCE]) for n in range(0, len(words), AT_ONCE)])
    change = write_filter(folder)
    planes = F.conv2d(thumbnails(compositing.added(), added()), change, padding=FILTER // 2)
    new = {"planes": planes, "keys": keys, "owner": owner}
    kept = {"planes": trained["subjects"], "keys": trained["keys"], "owner": trained["keys"]}
    memory = {name: torch.cat([memory[name][: kept[name]], new[name].to(memory[name].dtype)]) for name in new}
    config["memory"] = {"subjects": len(memory["planes"]), "keys": len(memory["keys"])}
    config["labels"] = [*config["labels"][: trained["subjects"]], *added()]
    save_file(memory, folder / "memory.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
