"""Whether the page can be served at an address: found out before anything is downloaded or loaded."""

from __future__ import annotations

import errno
import socket

from studio.ui.errors import OptionsError

FIRST_PORT, PORTS = 7860, 100  # where no port is given, the first free one of these is taken (Gradio's own range)
PRIVILEGED = 1024  # ports below belong to the system's administrator


def check_address(host: str, port: int | None) -> None:
    """Raise OptionsError, with what to give instead, if nothing can listen at this host and port now.

    port: None for the first free one from 7860.
    """
    if port is not None and not 0 < port < 65536:
        raise OptionsError(f"port is {port}; give one from 1 to 65535, or leave it out for the first that is free")
    address = resolve_host(host)
    if port is not None:
        if reason := bind_error(address, port, host):
            raise OptionsError(reason)
        return
    if reason := bind_error(address, 0, host):
        raise OptionsError(reason)
    if all(bind_error(address, each, host) for each in range(FIRST_PORT, FIRST_PORT + PORTS)):
        raise OptionsError(f"ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are all in use; give another with --port")


def bare_host(host: str) -> str:
    """Give a host without the brackets that an IPv6 address has in a page's address: "[::1]" is ::1."""
    return host.strip().removeprefix("[").removesuffix("]")


def url_host(host: str) -> str:
    """Give a host as it stands in a page's address: an IPv6 address in brackets."""
    bare = bare_host(host)
    return f"[{bare}]" if ":" in bare else bare


def resolve_host(host: str) -> tuple[socket.AddressFamily, str]:
    """Give the family and the number of a host's address; OptionsError where it names none."""
    try:
        found = socket.getaddrinfo(bare_host(host), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        plain = host.partition("://")[2]
        hint = f" (without {host.partition('://')[0]}://)" if plain else ""
        raise OptionsError(
            f"--host is {host!r}, which names no address{hint}; give 127.0.0.1 for this machine alone, 0.0.0.0 for "
            "others too, or an address of this machine"
        ) from error
    family, _, _, _, address = found[0]
    return family, str(address[0])


def bind_error(address: tuple[socket.AddressFamily, str], port: int, host: str) -> str:
    """Say why nothing can listen at an address; "" if it can. Port 0: at any port."""
    family, number = address
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((number, port))
            probe.listen(1)
        except OSError as error:
            return describe_bind_error(error, host, port)
    return ""


def describe_bind_error(error: OSError, host: str, port: int) -> str:
    """Put into words why a socket could not listen."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is in use; stop what listens there, give another with --port, or leave --port out: the first "
            f"free one from {FIRST_PORT} is taken"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"--host is {host!r}, which is no address of this machine; give 127.0.0.1 for this machine alone, 0.0.0.0 "
            "for others too, or an address of this machine"
        )
    if error.errno in (errno.EACCES, errno.EPERM) and port < PRIVILEGED:
        return f"port {port} needs an administrator's rights, as all below {PRIVILEGED} do; give another with --port"
    return f"nothing can listen at {host} port {port} ({error.strerror or error}); give another --host or --port"
