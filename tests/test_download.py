"""Downloads, through huggingface_hub's own code, from a little hub on this machine."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from little_hub import COMMIT, LittleHub, key, serving

from studio.hub import download
from studio.hub.download import DownloadCancelled, DownloadError, fetch
from studio.models.registry import COMMITS, MODELS, POCKET_COUNTS, Entry, Part

BIG = bytes(range(256)) * 2000  # 512 KB
CONFIG = b'{"layers": 3}\n'
NET = Part("ada/net", ("config.json", "unet/net.safetensors"), len(BIG) + len(CONFIG), "MIT")
LORA = Part("ada/style", ("style.safetensors",), 5000, "MIT")
STYLE = b"s" * 5000
FILES = {"ada/net/config.json": CONFIG, "ada/net/unet/net.safetensors": BIG, "ada/style/style.safetensors": STYLE}
TOTAL = len(CONFIG) + len(BIG) + len(STYLE)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub with one model of two parts, called "little"; an empty cache; no waiting between tries."""
    little = LittleHub(FILES)
    monkeypatch.setitem(
        MODELS, "little", Entry("x:y", "for tests", "MIT", POCKET_COUNTS, {"folder": NET, "lora": LORA})
    )
    with serving(little) as address:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1 << 16)
        monkeypatch.setattr("huggingface_hub.file_download.time", SimpleNamespace(sleep=lambda seconds: None))
        yield little


def downloads(hub):
    """Paths and ranges of the requests that carried bytes of the large file."""
    return [span for path, span in hub.sent() if path.startswith("/cdn/ada/net")]


def test_every_part_comes_and_the_factory_gets_a_folder_or_the_only_file(hub):
    places = fetch("little")
    assert (places["folder"] / "config.json").read_bytes() == CONFIG
    assert (places["folder"] / "unet" / "net.safetensors").read_bytes() == BIG
    assert places["lora"].name == "style.safetensors"
    assert places["lora"].read_bytes() == STYLE


def test_the_folder_of_a_part_is_its_repositorys_whatever_file_is_named_first(hub, monkeypatch):
    turned = Part("ada/net", tuple(reversed(NET.files)), 1, "MIT")
    deep = Part("ada/net", ("unet/net.safetensors",), 1, "MIT")
    monkeypatch.setitem(MODELS, "turned", Entry("x:y", "", "", POCKET_COUNTS, {"folder": turned, "net": deep}))
    places = fetch("turned")
    assert (places["folder"] / "config.json").is_file()
    assert places["net"] == places["folder"] / "unet" / "net.safetensors"


def test_progress_counts_all_bytes_of_all_files_and_ends_with_all(hub):
    told = []
    fetch("little", lambda *report: told.append(report))
    done = [report[0] for report in told]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, TOTAL)
    assert {report[1] for report in told} == {TOTAL}
    assert len({count for count in done if count < TOTAL}) > 7, "a large file reports on its way"
    assert any("ada/net/unet/net.safetensors" in what for _, _, what in told)


def test_what_is_here_asks_no_network(hub):
    first = fetch("little")
    hub.asked.clear()
    assert fetch("little") == first
    assert hub.asked == []


def test_a_part_that_is_gone_without_is_not_downloaded(hub):
    assert set(fetch("little", without=frozenset({"lora"}))) == {"folder"}
    assert not [path for path, _ in hub.sent() if "style" in path]
    assert download.find_downloaded(LORA) is None


def test_a_line_that_breaks_goes_on_by_range(hub):
    hub.cut, hub.cuts = 200_000, 2
    places = fetch("little")
    assert (places["folder"] / "unet" / "net.safetensors").read_bytes() == BIG
    first, *rest = downloads(hub)
    assert first is None
    assert [span for span in rest if span] == rest, "what had come was not asked for again"
    assert len(rest) == 2


def test_a_stopped_download_is_not_there_and_goes_on_later_where_it_stopped(hub):
    stop = threading.Event()

    def watch(done, total, what):
        if done > 200_000:
            stop.set()

    with pytest.raises(DownloadCancelled, match="goes on from there"):
        fetch("little", watch, stop)
    assert download.find_downloaded(NET) is None
    begun = list(download.cache_folder().rglob("*.studio"))
    assert len(begun) == 1
    kept = begun[0].stat().st_size
    assert 0 < kept < len(BIG)
    hub.asked.clear()
    reports = []
    places = fetch("little", lambda *report: reports.append(report))
    assert downloads(hub) == [f"bytes={kept}-"]
    assert reports[1][0] >= kept, "progress begins where it was"
    assert (places["folder"] / "unet" / "net.safetensors").read_bytes() == BIG
    assert not list(download.cache_folder().rglob("*.studio"))


def test_a_killed_process_leaves_nothing_that_counts_as_there(hub, tmp_path):
    from huggingface_hub import constants

    program = (
        "import os, signal\n"
        "from studio.models.registry import MODELS, POCKET_COUNTS, Entry, Part\n"
        "from studio.hub.download import fetch\n"
        "from huggingface_hub import constants\n"
        "constants.DOWNLOAD_CHUNK_SIZE = 1 << 16\n"
        f"MODELS['little'] = Entry('x:y', '', '', POCKET_COUNTS, {{'folder': {NET!r}}})\n"
        "def watch(done, total, what):\n"
        "    if done > 200_000: os.kill(os.getpid(), signal.SIGKILL)\n"
        "fetch('little', watch)\n"
    )
    environment = {**os.environ, "HF_ENDPOINT": constants.ENDPOINT, "HF_HUB_CACHE": constants.HF_HUB_CACHE}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert download.find_downloaded(NET) is None
    hub.asked.clear()
    fetch("little")
    (span,) = downloads(hub)
    assert span is not None
    assert span.startswith("bytes=")
    assert download.find_downloaded(NET) is not None


def test_a_server_that_ignores_range_sends_the_file_whole_again(hub):
    hub.ranges = False
    hub.cut, hub.cuts = 200_000, 1
    places = fetch("little")
    assert (places["folder"] / "unet" / "net.safetensors").read_bytes() == BIG


@pytest.mark.parametrize("part", ["folder", "lora"])
def test_bytes_with_a_wrong_checksum_are_thrown_away_and_told(hub, part):
    hub.wrong = True
    with pytest.raises(DownloadError, match="wrong checksum and was thrown away"):
        fetch("little", without=frozenset({"folder", "lora"} - {part}))
    assert download.find_downloaded(MODELS["little"].parts[part]) is None
    assert not list(download.cache_folder().rglob("*.studio"))
    hub.wrong = False
    assert fetch("little")


def test_a_beginning_that_is_not_of_this_file_is_found_out(hub):
    fetch("little", without=frozenset({"folder"}))
    blobs = download.cache_folder() / "models--ada--net" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{key(BIG)}.studio").write_bytes(b"x" * 1000)
    with pytest.raises(DownloadError, match="wrong checksum"):
        fetch("little")
    (blobs / f"{key(BIG)}.studio").write_bytes(b"x" * (len(BIG) + 1))
    assert (fetch("little")["folder"] / "unet" / "net.safetensors").read_bytes() == BIG


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "GatedRepo", r"accepted its licence: log in at https://huggingface.co/ada/net, .* HF_TOKEN"),
        (401, "GatedRepo", r"accepted its licence"),
        (401, "RepoNotFound", r"the hub shows no ada/net to this machine: .* HF_TOKEN"),
        (401, "", r"does not let this machine read ada/net \(401\): HF_TOKEN is missing or refused"),
        (404, "RepoNotFound", r"the hub shows no ada/net .* --model FOLDER"),
        (404, "EntryNotFound", r"no longer has what the studio looks for .* update the studio"),
        (404, "RevisionNotFound", r"no longer has what the studio looks for"),
        (403, "", r"does not let this machine read ada/net \(403\): HF_TOKEN is missing or refused"),
        (429, "", r"answered 429 for ada/net; it asks for fewer requests: wait"),
        (503, "", r"answered 503 for ada/net; it is down or busy: wait"),
    ],
)
def test_each_refusal_of_the_hub_says_what_to_do(hub, monkeypatch, status, code, said):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    hub.status, hub.code = status, code
    with pytest.raises(DownloadError, match=said):
        fetch("little")


def test_a_hub_that_cannot_be_reached_is_told_with_its_address(hub, monkeypatch):
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{revision}/{filename}"
    )
    with pytest.raises(
        DownloadError, match=r"could not be reached at .*: connect and run it once more, set HF_ENDPOINT"
    ):
        fetch("little")


def test_a_hub_that_does_not_answer_is_told_in_time(hub, monkeypatch):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            f"http://127.0.0.1:{silent.getsockname()[1]}/{{repo_id}}/{{revision}}/{{filename}}",
        )
        monkeypatch.setattr(download, "HUB_TIMEOUT", 0.3)
        begun = time.monotonic()
        with pytest.raises(DownloadError, match="could not be reached"):
            fetch("little")
        assert time.monotonic() - begun < 5


def test_offline_mode_is_told_and_what_is_here_still_plays(hub, monkeypatch):
    from huggingface_hub.utils import close_session

    fetch("little", without=frozenset({"lora"}))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    close_session()
    try:
        assert fetch("little", without=frozenset({"lora"}))["folder"].is_dir()
        with pytest.raises(DownloadError, match="HF_HUB_OFFLINE keeps it off the network; unset it"):
            fetch("little")
    finally:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        close_session()


def test_a_full_disk_is_told_before_anything_is_downloaded(hub, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=10_000))
    with pytest.raises(DownloadError, match=r"little still needs 1 MB and 1.0 GB to spare, .* set HF_HOME"):
        fetch("little")
    assert hub.sent() == []


def test_a_cache_that_cannot_be_written_is_told(hub, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    with pytest.raises(DownloadError, match="can be written and has room"):
        fetch("little")


def test_all_files_of_a_part_are_of_one_commit(hub):
    fetch("little")
    asked = [path for path, _ in hub.sent("HEAD") if "net.safetensors" in path]
    assert f"/ada/net/resolve/{COMMIT}/unet/net.safetensors" in asked


def test_a_model_changed_on_the_hub_brings_only_what_changed(hub):
    fetch("little")
    hub.commit = "f" * 40
    hub.files["ada/net/config.json"] = b'{"layers": 4}\n'
    (download.find_downloaded(NET) / "config.json").unlink()
    hub.asked.clear()
    places = fetch("little")
    assert (places["folder"] / "config.json").read_bytes() == b'{"layers": 4}\n'
    assert (places["folder"] / "unet" / "net.safetensors").read_bytes() == BIG
    assert downloads(hub) == []


def test_two_who_download_at_once_bring_each_file_once(hub):
    results = []
    threads = [threading.Thread(target=lambda: results.append(fetch("little"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1]
    assert len(downloads(hub)) == 1


def test_only_files_that_cannot_run_code_are_fetched(hub, monkeypatch):
    bad = Part("ada/net", ("config.json", "run.py"), 1, "MIT")
    monkeypatch.setitem(MODELS, "bad", Entry("x:y", "", "", POCKET_COUNTS, {"folder": bad}))
    with pytest.raises(ValueError, match=r"run\.py is not fetched: only \.safetensors, \.pt"):
        fetch("bad")
    assert hub.sent() == []


def test_the_hubs_own_library_finds_what_was_downloaded(hub):
    from huggingface_hub import hf_hub_download

    fetch("little")
    hub.asked.clear()
    path = hf_hub_download("ada/net", "unet/net.safetensors")
    assert Path(path).read_bytes() == BIG
    assert hub.sent() == []


# Commits

UNPINNED = {
    "Efficient-Large-Model/LongLive-1.3B",
    "TencentARC/RollingForcing",
    "lightx2v/Autoencoders",
    "nvidia/AnyFlow-FAR-Wan2.1-1.3B-Diffusers",
    "zhuhz22/Causal-Forcing",
}


def test_every_repository_is_downloaded_at_one_commit_but_for_those_of_which_none_is_known():
    repositories = {part.repo for entry in MODELS.values() for part in entry.parts.values()}
    assert repositories - set(COMMITS) == UNPINNED
    assert set(COMMITS) <= repositories
    for commit in COMMITS.values():
        assert len(bytes.fromhex(commit)) == 20


def test_a_pinned_commit_is_asked_for_and_a_later_one_changes_nothing(hub, monkeypatch):
    monkeypatch.setitem(COMMITS, NET.repo, COMMIT)
    places = fetch("little")
    asked = [path for path, _ in hub.sent("HEAD")]
    assert [path for path in asked if path.startswith("/ada/net/")]
    assert all(path.startswith(f"/ada/net/resolve/{COMMIT}/") for path in asked if path.startswith("/ada/net/"))
    assert all("/resolve/main/" in path or COMMIT in path for path in asked if path.startswith("/ada/style/"))
    hub.commit, hub.files["ada/net/config.json"] = "f" * 40, b"changed by somebody"
    assert fetch("little")["folder"] == places["folder"]
    assert (places["folder"] / "config.json").read_bytes() == CONFIG
