"""What Wan reads: UMT5's token states, the encoder kept away from the accelerator."""

from __future__ import annotations

import html
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from studio.conditioning import PromptMemory, PromptStates
from studio.models.errors import CheckpointError
from studio.models.finite import check_finite
from studio.models.json_file import read_json
from studio.models.libraries import Net, Tokenizer
from studio.models.prompt_syntax import not_read, read_so_far
from studio.models.weight_files import plain_folder

MOST_EXTRA = 10_000  # tokens without a word of T5's tokenizers, which have 100 or 300
LENGTH = 512  # token states a Wan checkpoint is shown, whatever the prompt's length


def width(folder: Path) -> int:
    """Give how many numbers a token state of a base folder's text encoder has; CheckpointError if there is none."""
    for part in ("tokenizer", "text_encoder"):
        if not (folder / part).is_dir():
            raise CheckpointError(f"{folder} lacks {part}; give a whole Wan folder in diffusers' layout as base")
    return read_json(folder / "text_encoder" / "config.json").get("d_model", 0)


def check_tokenizer_config(folder: Path) -> None:
    """Raise CheckpointError for a tokenizer that asks for more tokens of its own than any has: they are all made."""
    file = folder / "tokenizer_config.json"
    extra = (read_json(file) if file.is_file() else {}).get("extra_ids", 0)
    if not isinstance(extra, int) or not 0 <= extra <= MOST_EXTRA:
        raise CheckpointError(
            f"{file} asks for {str(extra)[:40]} extra_ids, possible: 0 to {MOST_EXTRA}; download it again"
        )


class TextEncoder:
    """Reads prompts: states (512, D), the prompt's own, then zeros; the same words, however spaced, are read once.

    There is no mask: Wan attends to the zeros too, and was trained so (Self-Forcing's wan_wrapper.py). Padding is added
    after the encoder, which is exact, as UMT5 masks it, and shortens its work from 512 tokens to the prompt's own.

    folder: `tokenizer` and `text_encoder` of a diffusers folder. target, dtype: where and in what the states are given.
    device: where the encoder works; on an accelerator it stays only while it does, and lives in host memory between.
    keep=False: it is read from disk for every new text and let go. Texts may come from any thread.
    """

    def __init__(
        self,
        folder: Path,
        target: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        keep: bool = True,
    ) -> None:
        from transformers import AutoTokenizer

        self.folder, self.target, self.dtype = Path(folder), torch.device(target), dtype
        self.device, self.keep = torch.device(device), keep
        check_tokenizer_config(self.folder / "tokenizer")
        try:
            self.tokenizer: Tokenizer = AutoTokenizer.from_pretrained(self.folder / "tokenizer", local_files_only=True)
        except Exception as error:  # what a broken file raises in the library is any of a dozen kinds
            raise CheckpointError(
                f"no tokenizer can be read from {self.folder / 'tokenizer'} ({error}); download it again"
            ) from error
        self._net: Net = self._load() if keep else None
        self._lock = Lock()
        self._prompts = PromptMemory(self._encode, size=32, remarks=self._remarks)  # 4 MB each

    def __call__(self, text: str) -> PromptStates:
        """Give the states of a prompt."""
        return self._prompts(" ".join(html.unescape(text).split()))

    def _remarks(self, words: str) -> list[str]:
        """Say what of a prompt is letters to Wan, and where one of more than 512 tokens ends."""
        with self._lock:
            cut = read_so_far(self.tokenizer, words, LENGTH)
        return not_read(words, "Wan", cut)

    @torch.no_grad()
    def _encode(self, words: str) -> Tensor:
        with self._lock:  # neither the tokenizer nor a moving net takes two texts at a time
            ids = self.tokenizer(words, truncation=True, max_length=LENGTH, return_tensors="pt").input_ids
            net = self._net or self._load()
            states = net.to(self.device)(ids.to(self.device)).last_hidden_state[0].to(self.target, self.dtype)
            net.to("cpu")
        return torch.nn.functional.pad(states, (0, 0, 0, LENGTH - len(states)))

    def _load(self) -> Net:
        """Read the encoder: 11 GB of UMT5-XXL in bfloat16; float16 would overflow."""
        from transformers import UMT5EncoderModel, logging

        read: Any = UMT5EncoderModel.from_pretrained

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            with plain_folder(self.folder / "text_encoder") as place:
                net, report = read(
                    place,
                    dtype=torch.float32 if self.dtype == torch.float32 else torch.bfloat16,
                    local_files_only=True,
                    use_safetensors=True,
                    output_loading_info=True,
                )
        except Exception as error:  # transformers raises OSError, RuntimeError, SafetensorError and others here
            raise CheckpointError(
                f"the text encoder in {self.folder / 'text_encoder'} cannot be read ({error}); download it again"
            ) from error
        if wrong := [*report["missing_keys"], *report["mismatched_keys"], *report["unexpected_keys"]]:
            raise CheckpointError(
                f"the text encoder in {self.folder / 'text_encoder'} is not what its config.json says: "
                f"{', '.join(map(str, wrong[:3]))}; download it again"
            )
        check_finite(net.named_parameters(), self.folder / "text_encoder")
        return net.eval().requires_grad_(False)
