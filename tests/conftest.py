"""What any test may ask for."""

import pytest
import torch
from tiny.model import TinyModel


@pytest.fixture
def model():
    return TinyModel()


@pytest.fixture
def one_thread():
    """Sums that are the same whatever the number of cores, and for other tests what it was."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pytest_collection_modifyitems(items):
    """Say what one worker does in a row (`--dist loadgroup`): a file; all tests of the page, which share a browser."""
    for item in items:
        group = "browser" if "browser" in item.path.parts else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
