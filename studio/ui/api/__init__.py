"""The server's addresses and messages, described: as OpenAPI 3.1, and as the tables of docs/guide/api.md.

What a message is called and holds is read from the code's own tables (`parsing`, `protocol`, `CONTROLS`); what the
tables cannot say stands in `operations.py` and `spoken.py`, and a test finds what is missing there.
"""

from __future__ import annotations

from studio.ui.api.document import openapi

__all__ = ["openapi"]
