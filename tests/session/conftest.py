"""A model that draws pictures, for a session."""

import pytest
from picture_nets import PictureModel


@pytest.fixture
def still():
    return PictureModel()
