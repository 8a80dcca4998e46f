"""A tiny Wan folder, and the model that is opened from it."""

import pytest
from tiny import wan_folders

from studio.models.wan.model import open_wan
from wan.checks import SIZE


@pytest.fixture(scope="package")
def base(tmp_path_factory):
    return wan_folders.tiny_wan_folder(tmp_path_factory.mktemp("wan") / "base")


@pytest.fixture(scope="package")
def model(base):
    return open_wan(base, size=SIZE)
