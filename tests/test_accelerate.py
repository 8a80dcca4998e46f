import subprocess
import sys
import threading

import pytest
import torch
from diffusers.models import attention_dispatch
from tiny.causal import CausalModel, controls, tiny
from torch import nn

from studio.accelerate import (
    QUANTIZATIONS,
    Acceleration,
    accelerate,
    available,
    compile,
    forget,
    graphs,
    quantize,
)
from studio.accelerate.calls import calls_of, replace_call
from studio.accelerate.graphs import CapturedGraph, GraphedCallable
from studio.bench import nets
from studio.samplers import Rollout, StreamBatch


def unet(seed=0):
    """A UNet2DConditionModel of two levels; a few thousand weights."""
    torch.manual_seed(seed)
    return nets.unet(nets.unet_shape(16, heads=8))


def asked(rows=2, seed=0):
    """What a UNet is called with: rows at different timesteps."""
    made = torch.Generator().manual_seed(seed)
    x, text = torch.randn(rows, 4, 8, 8, generator=made), torch.randn(rows, 5, 16, generator=made)
    return x, torch.arange(rows) * 100 + 99, text


def played(call):
    """A stand-in for a CUDA graph: the same memory in, the same memory out, nothing but a replay in between."""
    outputs = call()

    def replay():
        for old, new in zip(flat(outputs), flat(call())):
            old.copy_(new)

    return replay, outputs


def flat(outputs):
    return [leaf for leaf in torch.utils._pytree.tree_leaves(outputs) if isinstance(leaf, torch.Tensor)]


@torch.no_grad()
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_compiled_unet_is_the_same_unet_and_gives_the_same(backend):
    net, (x, t, text) = unet(), asked()
    before = net(x, t, text).sample
    assert accelerate(net, Acceleration(compile=backend)) is net
    assert type(net).__name__ == "UNet2DConditionModel"
    assert net.config.sample_size == 8
    assert torch.allclose(net(x, t, text).sample, before, atol=1e-5)
    assert torch.allclose(net(x, t, text, return_dict=False)[0], before, atol=1e-5)


@torch.no_grad()
def test_a_transformer_of_diffusers_is_compiled_by_its_blocks():
    net = tiny().transformer
    told_twice = dict(
        hidden_states=torch.randn(1, 7, 2, 8, 6),
        timestep=torch.tensor([500]),
        encoder_hidden_states=torch.ones(1, 5, 10),
    )
    before = net(**told_twice).sample
    accelerate(net, Acceleration(compile="eager"))
    assert all(block._compiled_call_impl is not None for block in net.blocks)
    assert torch.allclose(net(**told_twice).sample, before, atol=1e-5)


@torch.no_grad()
def test_an_autoencoder_is_compiled_where_it_is_called():
    from diffusers import AutoencoderTiny

    net = AutoencoderTiny(
        encoder_block_out_channels=(8, 8), decoder_block_out_channels=(8, 8), num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
    ).eval()  # fmt: skip
    picture = torch.rand(1, 3, 16, 16)
    latent = net.encode(picture).latents
    decoded = net.decode(latent).sample
    calls = []

    def backend(graph, inputs):
        calls.append(len(inputs))
        return graph.forward

    for name in calls_of(net).compile:
        replace_call(net, name, lambda call: torch.compile(call, backend=backend))
    assert torch.allclose(net.encode(picture).latents, latent, atol=1e-6)
    assert torch.allclose(net.decode(latent).sample, decoded, atol=1e-6)
    assert len(calls) == 2


@torch.no_grad()
def test_a_graphed_call_is_recorded_when_it_has_come_a_few_times_and_gives_what_the_call_gives():
    net, recorded = unet(), []
    eager = net.forward

    def capture(call):
        recorded.append(1)
        return played(call)

    net.forward = GraphedCallable(eager, capture)
    for turn in range(graphs.WARMUP_CALLS + 3):
        x, t, text = asked(seed=turn)
        assert torch.equal(net(x, t, text).sample, eager(x, t, text).sample)
        assert len(recorded) == (turn >= graphs.WARMUP_CALLS)
    x, t, text = asked(rows=3)
    assert torch.equal(net(x, t, text).sample, eager(x, t, text).sample)
    assert torch.equal(net(x, t, text, return_dict=False)[0], eager(x, t, text).sample)
    assert len(recorded) == 1


@pytest.fixture
def impatient(monkeypatch):
    """Recorded at the second call of a form."""
    monkeypatch.setattr(graphs, "WARMUP_CALLS", 1)


@torch.no_grad()
def test_a_graphs_outputs_are_not_overwritten_by_the_next_call(impatient):
    call = GraphedCallable(lambda x: x * 2, played)
    first, second, third = (call(torch.full((2,), float(value))) for value in (1, 2, 3))
    assert [part[0].item() for part in (first, second, third)] == [2, 4, 6]


@torch.no_grad()
def test_a_graphs_inputs_changed_in_place_are_seen(impatient):
    call, x, fixed = GraphedCallable(lambda x, y: x + y, played), torch.zeros(2), torch.ones(2)
    for value in range(4):
        x.fill_(value)
        assert call(x, fixed).tolist() == [value + 1.0] * 2
    fixed.fill_(5)
    assert call(x, fixed).tolist() == [8.0, 8.0]
    assert call(x, torch.zeros(2)).tolist() == [3.0, 3.0]


@torch.no_grad()
def test_what_is_not_a_tensor_is_part_of_the_form_a_graph_is_for(impatient):
    call = GraphedCallable(lambda x, scale: x * scale, played)
    for scale in (2.0, 2.0, 3.0, 3.0, 2.0):
        assert call(torch.ones(1), scale=scale).item() == scale


@torch.no_grad()
def test_weights_changed_in_place_are_seen_and_what_a_graph_cannot_see_is_forgotten(impatient):
    net = nn.Linear(2, 2, bias=False).requires_grad_(False)
    net.gain, x = 1.0, torch.ones(1, 2)
    net.forward = GraphedCallable(lambda x: net.gain * nn.functional.linear(x, net.weight), played)
    for _ in range(3):
        net(x)
    net.weight.fill_(2.0)
    assert net(x).tolist() == [[4.0, 4.0]]
    forget(net)
    net.gain = 10.0
    assert net(x).tolist() == [[40.0, 40.0]]
    assert net.forward._graphs


@torch.no_grad()
def test_of_too_many_forms_the_one_longest_unused_is_dropped(monkeypatch, impatient):
    monkeypatch.setattr(graphs, "MAX_GRAPHS", 2)
    call = GraphedCallable(lambda x: x + 1, played)
    for rows in (1, 2, 1, 3, 3):
        assert call(torch.zeros(rows)).tolist() == [1.0] * rows
        assert len(call._graphs) <= 2
    assert [len(known.inputs[0]) for known in call._graphs.values()] == [1, 3]


def test_with_gradients_nothing_is_recorded(impatient):
    call = GraphedCallable(lambda x: x * 2, played)
    x = torch.ones(1, requires_grad=True)
    for _ in range(3):
        call(x).backward()
    assert x.grad.item() == 6
    assert not call._graphs


@pytest.mark.parametrize(("chunk", "recordings"), [(1, 1), (3, 2)])
def test_a_graphed_causal_model_streams_the_same_frames_and_records_few_forms(chunk, recordings):
    def stream(wrap):
        model = CausalModel(sink=chunk, window=2 * chunk, chunk=chunk)
        model.net.body = wrap(model.net.body)
        sampler = Rollout(model) if chunk > 1 else StreamBatch(model)
        made = []
        for step in range(24):
            state = controls("rain" if step > 15 else "a meadow", steps=3)
            if step == 16:
                sampler.switch("recache", state)
            made.append(sampler.step(state))
        return torch.cat(made), model.net.body

    eager, _ = stream(lambda body: body)
    replayed, body = stream(lambda body: GraphedCallable(body, played))
    assert torch.equal(eager, replayed)
    recorded = [known for known in body._graphs.values() if isinstance(known, CapturedGraph)]
    assert len(recorded) == recordings


@torch.no_grad()
def test_a_compiled_causal_model_streams_the_same_frames():
    def stream(**options):
        model = CausalModel()
        accelerate(model.net, Acceleration(**options))
        sampler = StreamBatch(model)
        return torch.cat([sampler.step(controls(steps=2)) for _ in range(8)])

    assert torch.allclose(stream(), stream(compile="eager"), atol=1e-5)


def test_threads_do_not_mix_their_inputs(impatient):
    call, wrong = GraphedCallable(lambda x: x + 1, played), []

    def many(value):
        with torch.no_grad():
            for _ in range(200):
                if call(torch.full((8,), float(value))).tolist() != [value + 1.0] * 8:
                    wrong.append(value)

    threads = [threading.Thread(target=many, args=(value,)) for value in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(torch.cuda.is_available(), reason="here CUDA graphs can be used")
def test_graphs_without_a_gpu_are_refused_with_the_reason():
    with pytest.raises(ValueError, match="graphs cannot be used here: CUDA graphs need an NVIDIA GPU"):
        accelerate(nn.Linear(2, 2), Acceleration(graphs=True))


def test_quantizing_without_torchao_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(quantize.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install torchao"):
        accelerate(nn.Linear(16, 16), Acceleration(quantize="int8"))


def test_unknown_names_are_refused_with_what_is_possible():
    net = nn.Linear(16, 16)
    with pytest.raises(ValueError, match="possible: int8, int8-dynamic, fp8, fp8-dynamic"):
        accelerate(net, Acceleration(quantize="int3"))
    with pytest.raises(ValueError, match=r"possible: .*native"):
        accelerate(net, Acceleration(attention="fast"))
    with pytest.raises(ValueError, match=r"no backend 'warp'; there are: .*inductor"):
        accelerate(net, Acceleration(compile="warp"))


@pytest.mark.parametrize("name", ["int8", "int8-dynamic", "fp8"])
@torch.no_grad()
def test_eight_bits_stay_close_and_leave_the_ends_exact(name):
    pytest.importorskip("torchao", reason="torchao is not installed; pip install torchao")
    net = nn.ModuleDict({"time_proj": nn.Linear(32, 32), "inner": nn.Linear(32, 64), "odd": nn.Linear(64, 9)})
    net.requires_grad_(False)
    x = torch.randn(4, 32)
    before, ends = net["inner"](x), (net["time_proj"].weight, net["odd"].weight)
    accelerate(net, Acceleration(quantize=name))
    assert type(net["inner"].weight).__name__ != "Parameter"
    assert (net["inner"](x) - before).norm() < 0.05 * before.norm()
    assert all(now is then for now, then in zip((net["time_proj"].weight, net["odd"].weight), ends))


@pytest.mark.parametrize("name", ["int8", "fp8"])
def test_a_causal_model_in_eight_bits_streams_nearly_the_same_frames(name):
    pytest.importorskip("torchao", reason="torchao is not installed; pip install torchao")

    def stream(**options):
        model = CausalModel()
        model.net = accelerate(model.net.ready(), Acceleration(**options))
        sampler = StreamBatch(model)
        return torch.cat([sampler.step(controls(steps=2)) for _ in range(4)])

    exact, near = stream(), stream(quantize=name)
    assert 0 < (near - exact).norm() < 0.1 * exact.norm()


@torch.no_grad()
def test_an_attention_backend_reaches_a_transformer_and_gives_the_same():
    net = tiny().transformer
    asked = dict(
        hidden_states=torch.randn(1, 7, 2, 8, 6),
        timestep=torch.tensor([500]),
        encoder_hidden_states=torch.ones(1, 5, 10),
    )
    before = net(**asked).sample
    accelerate(net, Acceleration(attention="_native_math"))
    assert all(block.attn1.processor._attention_backend.value == "_native_math" for block in net.blocks)
    assert torch.allclose(net(**asked).sample, before, atol=1e-5)
    assert attention_dispatch._AttentionBackendRegistry.get_active_backend()[0].value == "native"


def test_a_unet_that_cannot_be_told_a_backend_is_an_error_and_not_silence():
    net = unet()
    assert accelerate(net, Acceleration(attention="native")) is net
    with pytest.raises(ValueError, match="computes attention with torch's own kernel"):
        accelerate(net, Acceleration(attention="flex"))


def test_a_backend_whose_package_is_missing_is_refused_with_the_reason():
    missing = [name for name, reason in available().items() if name.startswith("attention:") and reason]
    if not missing:
        pytest.skip("every backend is here")
    with pytest.raises(ValueError, match="cannot be used here: "):
        accelerate(tiny().transformer, Acceleration(attention=missing[0].removeprefix("attention:")))


def test_nothing_is_changed_when_one_option_is_refused():
    net = nn.Linear(16, 16)
    before = net.forward
    with pytest.raises(ValueError, match="quantize"):
        accelerate(net, Acceleration(compile="eager", quantize="int3"))
    assert net.forward == before


def test_what_can_be_used_is_told_with_a_reason_for_the_rest():
    found = available()
    assert {"compile", "graphs", *QUANTIZATIONS, "attention:native"} <= set(found)
    assert found["attention:native"] == ""
    assert all(isinstance(reason, str) for reason in found.values())
    assert not any(name.startswith("attention:_") for name in found)


def test_compiled_code_is_kept_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform != "win32":
        assert compile.compile_cache() == tmp_path / "studio" / "inductor"
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/elsewhere")
    assert str(compile.compile_cache()) == "/elsewhere"


def test_looking_at_the_accelerations_loads_neither_diffusers_nor_torchao():
    code = "import sys, studio.accelerate; print([m for m in ('diffusers', 'torchao') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
