"""The Space's files, laid out as `space/README.md` says, start and serve the page."""

import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SPACE = ROOT / "space"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def front_matter():
    _, matter, text = (SPACE / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(matter), text


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def space(tmp_path):
    """The Space's repository: its own files, and the package and the presets beside them."""
    for file in SPACE.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    for folder in ("studio", "presets"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    return tmp_path


def answer(url, running, seconds=100):
    """What the page answers; the process's own words if it ends before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert running.poll() is None, running.communicate()[0]
        try:
            with urllib.request.urlopen(url, timeout=10) as page:
                return page.status, page.read().decode()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise AssertionError(f"{url} gave no answer in {seconds} s")


@pytest.mark.timeout(150)
def test_the_space_starts_and_serves_the_page(space):
    port = free_port()
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    app = [sys.executable, front_matter()[0]["app_file"]]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(app, cwd=space, env=environment, **pipes) as running:
        try:
            status, page = answer(f"http://127.0.0.1:{port}/", running)
        finally:
            running.terminate()
    assert status == 200
    assert "studio-canvas" in page


def test_the_front_matter_names_what_is_there():
    matter, _ = front_matter()
    assert (SPACE / matter["app_file"]).is_file()
    assert matter["sdk"] == "gradio"
    assert matter["suggested_hardware"] == "cpu-basic"
    assert len(matter["short_description"]) <= 60
    assert matter["license"] == "apache-2.0"


def test_the_space_runs_the_gradio_and_python_the_package_wants():
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    matter, _ = front_matter()
    gradio = next(Requirement(text) for text in PROJECT["dependencies"] if text.startswith("gradio"))
    assert matter["sdk_version"] in gradio.specifier
    assert str(matter["python_version"]) in SpecifierSet(PROJECT["requires-python"])


def test_the_space_requires_what_the_package_requires():
    lines = (SPACE / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith(("#", "--"))]
    assert wanted == [text for text in PROJECT["dependencies"] if not text.startswith("gradio")]


def test_the_sentence_encoder_is_fetched_when_the_space_is_built():
    from studio.models.pocket.sentence_encoder import REPOSITORY, SHA256

    (preloaded,) = front_matter()[0]["preload_from_hub"]
    repository, files = preloaded.split(" ")
    assert repository == REPOSITORY
    assert set(files.split(",")) == set(SHA256)


def test_every_folder_the_instructions_upload_is_there():
    uploaded = re.findall(r"^hf upload \S+ (\S+) ", front_matter()[1], re.MULTILINE)
    assert sorted(uploaded) == ["presets", "space", "studio"]
    assert all((ROOT / folder).is_dir() for folder in uploaded)
