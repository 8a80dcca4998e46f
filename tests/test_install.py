"""What `make` installs: bounds, the releases that were tested, and which torch."""

import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))

install_torch = importlib.import_module("install_torch")  # it is no part of a package

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEEDED = [Requirement(line) for line in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"])]
PINNED = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
}


@pytest.mark.parametrize("needed", NEEDED, ids=lambda needed: needed.name)
def test_every_dependency_has_a_lower_and_an_upper_bound_and_a_tested_release_between_them(needed):
    operators = {part.operator for part in needed.specifier}
    assert operators & {">=", "~=", "=="}, "no lower bound"
    assert operators & {"<", "<=", "~=", "=="}, "no upper bound"
    assert needed.specifier.contains(PINNED[canonicalize_name(needed.name)])


def test_the_tested_releases_name_no_build_of_one_machine():
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert len(lines) == len(PINNED) > 40
    assert not [line for line in lines if "+" in line or "@" in line or "/" in line]


def test_make_installs_within_the_tested_releases():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if "pip install" in line and "--editable" in line]
    assert installs
    assert all("--constraint $(CONSTRAINTS)" in line for line in installs)
    assert makefile.index("tools/install_torch.py $(CONSTRAINTS)") < makefile.index("--editable")


@pytest.mark.parametrize(
    ("platform", "environment", "card", "wanted"),
    [
        ("linux", {}, False, True),
        ("linux", {}, True, False),
        ("darwin", {}, False, False),
        ("win32", {}, False, False),
        ("linux", {"PIP_EXTRA_INDEX_URL": "https://example.org"}, False, False),
        ("linux", {"PIP_INDEX_URL": "https://example.org"}, False, False),
        ("linux", {"PIP_EXTRA_INDEX_URL": ""}, False, True),
    ],
)
def test_the_cpu_build_is_for_linux_without_a_card_where_nobody_chose(platform, environment, card, wanted):
    assert install_torch.wants_cpu_build(platform, environment, lambda: card) is wanted


def test_a_card_is_known_by_its_driver_or_by_its_tool(tmp_path):
    driver = tmp_path / "version"
    assert not install_torch.has_nvidia_card(driver, lambda command: 127)
    assert install_torch.has_nvidia_card(driver, lambda command: 0)
    assert not install_torch.has_nvidia_card(driver, lambda command: 9), "the tool is there and finds no card"
    driver.write_text("NVRM version")
    assert install_torch.has_nvidia_card(driver, lambda command: 127)


def test_an_index_that_cannot_be_reached_is_asked_once_told_and_no_failure(capsys, monkeypatch):
    commands = []
    monkeypatch.setattr(install_torch, "has_nvidia_card", lambda: False)
    monkeypatch.setattr(install_torch.sys, "platform", "linux")
    for name in install_torch.CHOSEN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(install_torch, "install_cpu_build", lambda *given: commands.append(given) or False)
    assert install_torch.main(["constraints.txt", "http://127.0.0.1:9"]) == 0
    assert commands == [("constraints.txt", "http://127.0.0.1:9")]
    assert "the default build is taken" in capsys.readouterr().out


def test_torch_alone_is_asked_of_the_index_and_within_the_tested_releases():
    commands = []
    assert install_torch.install_cpu_build("constraints.txt", "http://x", lambda command: commands.append(command) or 0)
    (command,) = commands
    assert command[1:4] == ["-m", "pip", "install"]
    assert command[-5:] == ["--constraint", "constraints.txt", "--index-url", "http://x", "torch"]
    assert "--no-deps" in command
    assert command[command.index("--retries") + 1] == "0"
