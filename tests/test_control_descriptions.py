"""What the server tells a page of its controls: tests/page/controls.test.js reads the same file."""

from control_descriptions import PATH, text


def test_the_file_says_what_the_controls_say():
    assert PATH.read_text("utf-8") == text(), "run `python tests/control_descriptions.py` and look at the difference"
