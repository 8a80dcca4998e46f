"""Writes the tables of docs/guide/api.md anew, from the code's own."""

from pathlib import Path

from studio.ui.api.tables import filled

PAGE = Path(__file__).parent.parent / "docs" / "guide" / "api.md"

if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")
