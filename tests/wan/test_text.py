"""How Wan's words are read."""

import threading

import torch
from tiny import wan_folders

from studio.models.wan import umt5
from studio.models.wan.model import open_wan
from wan.checks import SIZE


def test_the_prompt_is_read_as_diffusers_own_pipeline_reads_it(base, model):
    from diffusers import WanPipeline

    pipeline = WanPipeline.from_pretrained(base)
    for text in ("a fox  runs &amp; sings at night", "", "the sea " * 300):
        with torch.no_grad():
            wanted = pipeline._get_t5_prompt_embeds(text, max_sequence_length=512)[0]
        states = model.prepare(text).states
        assert states.shape == (512, wan_folders.TEXT)
        torch.testing.assert_close(states, wanted, atol=1e-5, rtol=0)
    assert not model.prepare("a fox").states[4:].any(), "after the prompt come zeros"


def test_the_text_encoder_may_come_from_another_folder(base, model, tmp_path):
    other = wan_folders.tiny_wan_folder(tmp_path / "other", seed=7)
    student = open_wan(base, text_encoder=other, size=SIZE)
    assert torch.equal(student.prepare("a fox").states, umt5.TextEncoder(other)("a fox").states)
    assert not torch.equal(student.prepare("a fox").states, model.prepare("a fox").states)
    assert student.weights_id != model.weights_id


def test_a_text_is_encoded_once_and_the_encoder_is_let_go_if_asked(base, monkeypatch):
    loads = []
    load = umt5.TextEncoder._load
    monkeypatch.setattr(umt5.TextEncoder, "_load", lambda self: loads.append(self) or load(self))
    kept, freed = umt5.TextEncoder(base), umt5.TextEncoder(base, keep=False)
    for encoder in (kept, freed):
        assert encoder("a fox") is encoder("a fox")
        encoder("the sea")
    assert loads == [kept, freed, freed]
    assert freed._net is None


def test_the_encoder_leaves_the_accelerator_when_it_has_worked(base, monkeypatch):
    places = []
    encoder = umt5.TextEncoder(base)
    encoder("a fox")
    monkeypatch.setattr(encoder._net, "to", lambda place: places.append(str(place)) or encoder._net)
    encoder.device = torch.device("cpu", 0)  # as an accelerator's name would be
    encoder("the sea")
    assert places == ["cpu:0", "cpu"]


def test_texts_may_come_from_many_threads(base):
    encoder, texts = umt5.TextEncoder(base), [f"a fox {number}" for number in range(8)]
    alone = [umt5.TextEncoder(base)(text).states for text in texts]
    found = {}
    threads = [threading.Thread(target=lambda t=text: found.update({t: encoder(t)})) for text in texts * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for text, states in zip(texts, alone, strict=True):
        assert torch.equal(found[text].states, states)
