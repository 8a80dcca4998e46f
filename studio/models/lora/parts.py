"""The keys of a LoRA's file: which part of which layer's change each one holds, whoever's trainer wrote it."""

from __future__ import annotations

import re
from collections.abc import Collection

# Part -> how a key of it ends, after the layer's name. An adapter's name may stand in PEFT's keys (`lora_A.default`).
_PEFT = r"(?:\.[^.]+)?"
ENDINGS = {
    "down": rf"[._]lora[._]down\.weight|\.lora_A{_PEFT}\.weight|\.lora_linear_layer\.down\.weight",
    "up": rf"[._]lora[._]up\.weight|\.lora_B{_PEFT}\.weight|\.lora_linear_layer\.up\.weight",
    "mid": r"\.lora_mid\.weight",
    "up_bias": rf"\.lora_(?:up|B){_PEFT}\.bias",
    "alpha": r"\.(?:lora_)?alpha",
    "embedding_down": rf"\.lora_embedding_A{_PEFT}",
    "embedding_up": rf"\.lora_embedding_B{_PEFT}",
    "magnitude": rf"\.lora_magnitude_vector{_PEFT}(?:\.weight)?",
    "dora_scale": r"\.dora_scale",
    **{name: rf"\.{name}{_PEFT}" for half in "12" for name in (f"hada_w{half}_a", f"hada_w{half}_b", f"hada_t{half}")},
    **{name: rf"\.{name}{_PEFT}" for half in "12" for name in (f"lokr_w{half}", f"lokr_w{half}_a", f"lokr_w{half}_b")},
    "lokr_t2": rf"\.lokr_t2{_PEFT}",
    "diff": r"\.diff|\.w_norm",
    "diff_b": r"\.diff_b|\.b_norm",
}  # fmt: skip
_KEY = re.compile("(?P<stem>.+?)(?:" + "|".join(f"(?P<{part}>{end})" for part, end in ENDINGS.items()) + ")")

# What each kind consists of: parts it cannot be without. One that is begun and not whole is a broken file.
WHOLE = {
    "LoRA": ("down", "up"),
    "LoRA of an embedding": ("embedding_down", "embedding_up"),
    "LoHa": ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"),
}
DORA = {"magnitude", "dora_scale"}
UNKNOWN, WHOLE_WEIGHTS = "parts that no LoRA has", "whole weights"
# Kinds that are known by their keys, and not played.
OTHER_KINDS = {
    "boft_": "BOFT",
    "oft_": "OFT",
    "vera_": "VeRA",
    "ia3_": "IA3",
    "on_input": "IA3",
    ".a1.weight": "GLoRA",
    ".a2.weight": "GLoRA",
    ".b1.weight": "GLoRA",
    ".b2.weight": "GLoRA",
    ".set_weight": WHOLE_WEIGHTS,
    ".reshape_weight": "weights of another shape",
    "bundle_emb.": "words that the LoRA brings",
}


def split_key(key: str) -> tuple[str, str] | None:
    """Split a key into its layer, as its trainer names it, and the part it holds; None for what no LoRA has."""
    found = _KEY.fullmatch(key)
    return (found["stem"], str(found.lastgroup)) if found else None


def other_kind(key: str) -> str:
    """Name what a key is that is not played."""
    known = next((kind for mark, kind in OTHER_KINDS.items() if mark in key), None)
    return known or (WHOLE_WEIGHTS if key.endswith((".weight", ".bias")) else UNKNOWN)


def kind_of(parts: Collection[str]) -> str:
    """Name the kind of change that the parts of a layer make, for a person."""
    begun = {name.partition("_")[0] for name in parts}
    kind = "LoHa" if "hada" in begun else "LoKr" if "lokr" in begun else "LoRA"
    return (f"DoRA over a {kind}" if kind != "LoRA" else "DoRA") if DORA & set(parts) else kind


def is_whole(parts: Collection[str]) -> bool:
    """Whether the parts of a layer are enough to make a change of it, and none is there without its fellows."""
    names = set(parts)
    begun = [whole for whole in WHOLE.values() if names & set(whole)]
    whole = [names >= set(each) for each in begun]
    if any(name.startswith("lokr_") for name in names):
        whole += [f"lokr_w{n}" in names or names >= {f"lokr_w{n}_a", f"lokr_w{n}_b"} for n in (1, 2)]
    whole += [True] * bool(names & {"diff", "diff_b", "up_bias"})
    return bool(whole) and all(whole)
