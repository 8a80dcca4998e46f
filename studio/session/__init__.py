"""A session: an engine played by messages."""

from studio.session.history import SessionSnapshot as SessionSnapshot
from studio.session.inbox import Receipt as Receipt
from studio.session.session import Session as Session
from studio.session.session import open as open
