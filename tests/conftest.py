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


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist, where there are several workers
def pytest_xdist_make_scheduler(config, log):
    """Say what one worker does in a row: a file; and all tests of the page, which share a browser and a server."""
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "browser" if "/browser/" in nodeid else nodeid.partition("::")[0]

    return Files(config, log)
