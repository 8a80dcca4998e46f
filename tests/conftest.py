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
