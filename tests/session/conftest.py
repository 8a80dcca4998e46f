"""A model that draws pictures, for a session."""

import pytest
from tiny.pictures import PictureModel


@pytest.fixture
def still():
    return PictureModel()
