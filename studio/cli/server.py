"""What `studio run` is told of a server that others may open: addresses, a login, limits; and of other hands."""

from __future__ import annotations

import argparse
from typing import Any

from studio.cli.arguments import user_path


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """Add who may come in, under which names and paths, how much a person may take, and OSC."""
    group = parser.add_argument_group("for others than this machine")
    group.add_argument("--share", action="store_true", help="also by a public address of Gradio's")
    group.add_argument("--sessions", type=int, default=None, help="how many may play at once (default: 2)")
    group.add_argument("--models", default=None, metavar="NAME,NAME", help="the models a page may change to")
    group.add_argument("--auth", default=None, metavar="USER:PASSWORD", help="who may come in; or a file, one a line")
    group.add_argument(
        "--allowed-host",
        action="append",
        default=None,
        metavar="NAME",
        help="a name it answers to; as often as needed",
    )
    group.add_argument("--root-path", default=None, metavar="/PATH", help="the sub-path a proxy serves it under")
    group.add_argument("--certificate", type=user_path, default=None, help="for https: the certificate (PEM)")
    group.add_argument("--key", type=user_path, default=None, help="for https: its key (PEM)")
    group.add_argument("--disk", type=float, default=None, metavar="GB", help="takes kept for one person (default: 2)")
    hands = parser.add_argument_group("other hands")
    hands.add_argument(
        "--osc", default=None, metavar="PORT", help="hear OSC at this port of this machine; or HOST:PORT"
    )
    hands.add_argument("--osc-out", default=None, metavar="HOST:PORT", help="tell frame, rate and prompt there by OSC")


def server_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Give those of `studio.ui.options.ServerOptions` that were given; raises OptionsError."""
    from studio.ui.options import check_certificate, read_auth

    check_certificate(arguments.certificate, arguments.key)
    given = {
        "share": arguments.share or None,
        "sessions": arguments.sessions,
        "models": arguments.models and [name.strip() for name in arguments.models.split(",")],
        "auth": arguments.auth and read_auth(arguments.auth),
        "allowed_hosts": arguments.allowed_host,
        "root_path": arguments.root_path,
        "certificate": arguments.certificate,
        "key": arguments.key,
        "osc": arguments.osc,
        "osc_out": arguments.osc_out,
        "disk_per_person": arguments.disk and round(arguments.disk * 1e9),
    }
    return {name: value for name, value in given.items() if value is not None}
