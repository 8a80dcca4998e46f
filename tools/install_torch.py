"""Puts torch's CPU build into an environment that has no use for another; `make` runs this before the rest.

On Linux the package index gives the build for CUDA, gigabytes of it. Where there is no NVIDIA card the CPU build does
the same, and comes from an index of torch's own. If that cannot be reached, nothing is lost: the default comes later.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CHOSEN = ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_NO_INDEX")  # who names an index has chosen a build by it
DRIVER = Path("/proc/driver/nvidia/version")

Run = Callable[[Sequence[str]], int]  # a command -> its exit status


def run_quietly(command: Sequence[str]) -> int:
    """Run a command without its output; 127 where there is none of the name."""
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
    except OSError:
        return 127


def has_nvidia_card(driver: Path = DRIVER, run: Run = run_quietly) -> bool:
    """Tell whether this machine has an NVIDIA card with a driver."""
    return driver.exists() or run(["nvidia-smi", "-L"]) == 0


def wants_cpu_build(platform: str, environment: Mapping[str, str], has_card: Callable[[], bool]) -> bool:
    """Tell whether the CPU build is to be had from its own index: on Linux, without a card, if no index was chosen."""
    chosen = any(environment.get(name) for name in CHOSEN)
    return platform.startswith("linux") and not chosen and not has_card()


def install_cpu_build(constraints: str, index: str = CPU_INDEX, run: Run = run_quietly) -> bool:
    """Install torch alone from the CPU index, asked once; whether that worked."""
    asked_once = ("--retries", "0", "--timeout", "15")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *asked_once]
    return run([*command, "--constraint", constraints, "--index-url", index, "torch"]) == 0


def main(arguments: Sequence[str]) -> int:
    """Install what fits this machine; arguments: the constraints file, and another index than torch's own."""
    constraints, index = arguments[0], next(iter(arguments[1:]), CPU_INDEX)
    if wants_cpu_build(sys.platform, os.environ, has_nvidia_card) and not install_cpu_build(constraints, index):
        print(f"torch's CPU build cannot be had from {index}; the default build is taken, which is larger and as good")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
