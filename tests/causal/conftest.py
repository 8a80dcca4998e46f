"""No gradients are computed in these tests."""

import pytest
import torch


@pytest.fixture(autouse=True)
def playing():
    with torch.no_grad():
        yield
