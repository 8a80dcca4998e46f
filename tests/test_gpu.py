"""The same numbers on a GPU, and nothing there that waits, copies or grows.

A test with a `device` runs on the CPU too, as far as its assertions mean something there; one marked `gpu` is skipped
where torch sees no GPU. On a GPU: `pytest -m gpu`.
"""

import warnings
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from studio.accelerate import Acceleration, accelerate, available
from studio.accelerate.graphs import CapturedGraph
from studio.bench.nets import camera
from studio.bench.shapes import SMALL, write
from studio.controls import ControlState, Prompt, Sampling
from studio.engine import Engine
from studio.models.image.model import open_image
from studio.models.wan.model import open_wan
from studio.noise import noise
from studio.samplers import samplers_of

no_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA GPU here")
GPU = pytest.param("cuda", marks=[pytest.mark.gpu, no_gpu])
on_gpu = [pytest.mark.gpu, no_gpu]
everywhere = pytest.mark.parametrize("device", ["cpu", GPU])


@cache
def written(name):
    """The paths of a tiny checkpoint, written once."""
    return write(SMALL[name], Path(mkdtemp()), torch.float32)


def image(device, **options):
    return open_image(**written("sd-turbo"), size=(64, 64), device=device, **options)


def video(device, **options):
    return open_wan(**written("wan-1.3b"), size=(64, 96), device=device, **options)


def told(text="a meadow", **sampling):
    return ControlState.of(Prompt(text, "rain"), Sampling(**sampling))


def drawn(model, sampler, count, state):
    """The latents of the first frames or chunks, on the CPU."""
    playing = samplers_of(model)[sampler](model)
    return torch.cat([playing.step(state).float().cpu() for _ in range(count)])


def far(one, other):
    """The root mean square difference, over the other's size."""
    return float((one - other).square().mean().sqrt() / other.square().mean().sqrt())


@everywhere
@pytest.mark.parametrize(("make", "sampler"), [(image, "stream"), (video, "rollout")])
def test_the_noise_on_the_device_is_the_cpus_bit_for_bit(make, sampler, device, monkeypatch):
    model, begun = make(device), []
    denoise = model.denoise

    def watched(rows, *rest):
        begun.append(rows.x.float().cpu().clone())
        return rows.x if make is image else denoise(rows, *rest)

    monkeypatch.setattr(model, "denoise", watched)
    monkeypatch.setattr(model, "sigmas", lambda steps, strength=1.0: (1.0,))  # pure noise, and nothing else
    samplers_of(model)[sampler](model).step(told(seed=7, steps=1))
    assert torch.equal(begun[0][0], noise(7, 0, 0, model.latent))


@everywhere
@pytest.mark.parametrize("guidance", ["none", "self", "initialize", "full"])
def test_a_stream_batch_in_half_precision_is_every_frame_alone(guidance, device):
    model = image(device, dtype=torch.float16 if device == "cuda" else torch.float32)
    state = told(steps=4, guidance=guidance, scale=1.3).updated(camera(1, (64, 64))[0])
    batch, alone = (drawn(model, way, 6, state) for way in ("stream", "rollout"))
    assert far(batch, alone) < (2e-2 if device == "cuda" else 1e-5)


@everywhere
def test_the_device_draws_what_float32_on_the_cpu_draws(device):
    wanted = drawn(video("cpu"), "rollout", 5, told(steps=4))
    assert far(drawn(video(device, dtype=torch.float32), "rollout", 5, told(steps=4)), wanted) < 1e-3


@everywhere
def test_the_same_take_is_the_same_twice_bit_for_bit(device):
    takes = [drawn(video(device), "rollout", 4, told(seed=3, steps=4)) for _ in range(2)]
    assert torch.equal(*takes)


class Looked(TorchDispatchMode):
    """Counts what makes the host read a tensor's values."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = str(func)
        self.count += "_local_scalar_dense" in name or "nonzero" in name or "is_nonzero" in name
        return func(*args, **(kwargs or {}))


@contextmanager
def no_waiting(device):
    """An error for whatever waits for the GPU; on the CPU for whatever would."""
    if device == "cpu":
        with Looked() as looked:
            yield
        assert not looked.count, f"the host looked at a tensor's values {looked.count} times"
        return
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@everywhere
def test_no_layer_of_the_video_model_waits_for_the_device(device, monkeypatch):
    model = video(device)
    playing, state = samplers_of(model)["rollout"](model), told(steps=4)
    for _ in range(6):
        playing.step(state)
    body, calls = model.net.body, []

    def watched(*given):
        with no_waiting(device):
            calls.append(1)
            return body(*given)

    monkeypatch.setattr(model.net, "body", watched)
    playing.step(state)
    assert len(calls) == 5  # four steps and the clean pass


@everywhere
def test_no_layer_of_the_image_model_waits_for_the_device(device, monkeypatch):
    model = image(device)
    playing = samplers_of(model)["stream"](model)
    state = told(steps=2).updated(camera(1, (64, 64))[0])
    for _ in range(4):
        playing.step(state)
    forward, calls = model.parts.unet.forward, []

    def watched(*given, **named):
        with no_waiting(device):
            calls.append(1)
            return forward(*given, **named)

    monkeypatch.setattr(model.parts.unet, "forward", watched)
    playing.step(state)
    assert len(calls) == 1


@pytest.mark.gpu
@no_gpu
@pytest.mark.parametrize(("make", "sampler"), [(image, "stream"), (video, "rollout")])
def test_a_steady_tick_does_not_wait_at_all(make, sampler):
    model = make("cuda")
    playing, state = samplers_of(model)[sampler](model), told(steps=4)
    for _ in range(8):
        playing.step(state)
    with no_waiting("cuda"):
        playing.step(state)


@everywhere
def test_fifty_chunks_take_no_more_memory_than_ten(device):
    model = video(device)
    playing, state = samplers_of(model)["rollout"](model), told(steps=2)
    for _ in range(10):
        playing.step(state)
    place, held = playing.cache.graph_key, playing.cache.bytes
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        playing.step(state)
        most = torch.cuda.max_memory_allocated()
    for _ in range(40):
        playing.step(state)
    assert (playing.cache.graph_key, playing.cache.bytes) == (place, held)
    if device == "cuda":
        assert torch.cuda.memory_allocated() <= before + 2**20
        assert torch.cuda.max_memory_allocated() <= most + 2**20


@pytest.mark.gpu
@no_gpu
@pytest.mark.parametrize(("make", "sampler"), [(image, "stream"), (video, "rollout"), (video, "stream")])
def test_cuda_graphs_draw_what_eager_draws(make, sampler):
    wanted = drawn(make("cuda", dtype=torch.float32), sampler, 24, told(steps=4))
    model = make("cuda", dtype=torch.float32, graphs=True)
    assert far(drawn(model, sampler, 24, told(steps=4)), wanted) < 1e-4
    call = model.parts.unet.forward if make is image else model.net.body
    assert any(isinstance(known, CapturedGraph) for known in call._graphs.values())


@pytest.mark.gpu
@no_gpu
def test_cuda_graphs_hear_a_new_prompt_and_keep_two_streams_apart():
    def take(model):
        """Two streams by turns on one model, each switched once."""
        engines = [Engine(model, "rollout", state=told(seed=seed, steps=4)) for seed in (1, 2)]
        frames = []
        for turn in range(100):
            for number, engine in enumerate(engines):
                if turn == 60 + number:
                    engine.apply([(1, Prompt("a night at sea"))])
                frames.append(engine.step().picture)
        return torch.tensor(frames).float()

    eager, graphed = (take(video("cuda", dtype=torch.float32, graphs=graphs)) for graphs in (False, True))
    assert (eager - graphed).abs().mean() < 0.5  # of 255


@pytest.mark.gpu
@no_gpu
def test_a_restarted_stream_is_replayed_as_it_was():
    engine = Engine(video("cuda", graphs=True), "rollout", state=told(seed=5, steps=4))
    first = [engine.step().hash for _ in range(60)]
    engine.restart(0)
    again = [engine.step().hash for _ in range(60)]
    alike = sum(one == other for one, other in zip(first, again))
    if alike < 60:
        warnings.warn(f"{60 - alike} of 60 frames differ between eager and recorded calls", stacklevel=1)
    engine.restart(0)
    assert [engine.step().hash for _ in range(60)] == again


@pytest.mark.gpu
@no_gpu
@pytest.mark.parametrize("name", ["int8", "int8-dynamic", "fp8", "fp8-dynamic"])
def test_eight_bits_on_the_gpu_stay_close(name):
    if reason := available()[name]:
        pytest.skip(reason)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(256, 512), torch.nn.Linear(512, 256)).cuda().bfloat16()
    net.requires_grad_(False)
    x = torch.randn(64, 256, device="cuda", dtype=torch.bfloat16)
    wanted = net(x).float()
    assert far(accelerate(net, Acceleration(quantize=name))(x).float(), wanted) < 0.08


@pytest.mark.gpu
@no_gpu
def test_a_compiled_video_model_draws_what_eager_draws():
    wanted = drawn(video("cuda", dtype=torch.float32), "rollout", 6, told(steps=4))
    assert far(drawn(video("cuda", dtype=torch.float32, compile=True), "rollout", 6, told(steps=4)), wanted) < 1e-3
