"""Write golden/controls.json: what the server tells a page of every kind of control, to test the page's script on.

`python tests/control_descriptions.py` writes it anew; test_control_descriptions.py and page/controls.test.js read it.
"""

from __future__ import annotations

import json
from pathlib import Path

from studio.controls.messages import describe

PATH = Path(__file__).parent / "golden" / "controls.json"


def text() -> str:
    """What the file should say."""
    return json.dumps(describe(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
