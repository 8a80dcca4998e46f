"""What any test may ask for."""

import pytest
from tiny.model import TinyModel


@pytest.fixture
def model():
    return TinyModel()
