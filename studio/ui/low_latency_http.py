"""uvicorn's HTTP with little waiting in the machine: what is to be newest when it arrives must not lie in buffers."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from uvicorn.protocols.http.auto import AutoHTTPProtocol

UNSENT = 16 * 1024  # bytes that may lie in a socket and have not left the machine (TCP_NOTSENT_LOWAT)


class LowLatencyHttp(AutoHTTPProtocol):
    """A connection on which `send` returns once nearly all that was sent has left this machine.

    What is on its way is bounded by TCP alone, so a long line is filled as before. The kernel would else take in
    megabytes: minutes of MJPEG, for a reader that takes a picture a second.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the limits of a new connection, a WebSocket's too: it begins as one of these."""
        super().connection_made(transport)
        if isinstance(transport, asyncio.WriteTransport):
            transport.set_write_buffer_limits(high=1, low=0)  # of TLS a limit of 0 is always reached
        own, option = transport.get_extra_info("socket"), getattr(socket, "TCP_NOTSENT_LOWAT", None)
        if own is not None and option is not None:  # Linux and macOS know it
            with contextlib.suppress(OSError):
                own.setsockopt(socket.IPPROTO_TCP, option, UNSENT)
