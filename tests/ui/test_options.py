"""What a server is started with: where it listens, who may log in, how much disk a person has."""

from pathlib import Path
from typing import Any

import pytest

from studio.folders import state_folder
from studio.ui.address import check_address
from studio.ui.errors import OptionsError
from studio.ui.options import ServerOptions, read_auth


def test_who_may_log_in_is_read_from_the_option_or_a_file(tmp_path):
    assert read_auth("ada:countess:of") == {"ada": "countess:of"}
    file = tmp_path / "users"
    file.write_text("# people\nada:countess\n\nalan:turing\n")
    assert read_auth(str(file)) == {"ada": "countess", "alan": "turing"}
    for text, says in (
        ("ada", "cannot be read"),
        (":x", "a user and a password"),
        ("ada:", "a user and a password"),
        (str(tmp_path), "cannot be read"),
    ):
        with pytest.raises(OptionsError, match=says):
            read_auth(text)
    file.write_text("\n# nobody\n")
    with pytest.raises(OptionsError, match="holds nobody"):
        read_auth(str(file))


def test_strangers_get_a_share_of_the_disk_and_the_owner_all_of_it():
    assert ServerOptions().disk_quota is None
    assert ServerOptions(host="0.0.0.0").disk_quota == 2 * 10**9
    assert ServerOptions(share=True).disk_quota == 2 * 10**9
    assert ServerOptions(disk_per_person=5).disk_quota == 5


# Where it listens


def test_a_port_that_is_taken_or_cannot_be_is_told_before_anything_is_loaded(tmp_path):
    import socket as sockets

    from studio.ui.app import launch

    def never():
        raise AssertionError("a session was made")

    with sockets.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(OptionsError, match=f"port {taken} is in use; stop what listens there, give another"):
            launch(session_factory=never, port=taken, takes=tmp_path)
    for port in (99999, -1, 0):
        with pytest.raises(OptionsError, match=f"port is {port}; give one from 1 to 65535"):
            launch(session_factory=never, port=port, takes=tmp_path)


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("192.0.2.1", "no address of this machine; give 127.0.0.1 for this machine alone, 0.0.0.0 for others too"),
        ("no-such-host.invalid", "names no address; give 127.0.0.1"),
        ("http://127.0.0.1", r"names no address \(without http://\)"),
        ("x" * 300, "names no address; give 127.0.0.1"),
    ],
)
def test_a_host_that_is_none_is_told(host, says):
    with pytest.raises(OptionsError, match=says):
        check_address(host, None)


def test_every_address_of_this_machine_can_be_listened_at():
    for host in ("127.0.0.1", "0.0.0.0", "localhost"):
        check_address(host, None)


def test_the_command_line_tells_what_cannot_be_in_one_sentence(capsys, monkeypatch, tmp_path):
    from studio.cli import main

    monkeypatch.setattr("studio.ui.app.launch", lambda *args, **options: pytest.fail("it was launched"))
    for arguments, says in (
        (["--host", "http://127.0.0.1"], "which names no address (without http://)"),
        (["--auth", "nobody"], "--auth is USER:PASSWORD"),
        (["--key", "key.pem"], "https needs both"),
        (["--certificate", __file__, "--key", __file__], "https cannot be served with"),
    ):
        assert main(["run", *arguments]) == 1
        error = capsys.readouterr().err
        assert says in error
        assert "Traceback" not in error


def test_the_command_line_hands_on_what_others_may_do(monkeypatch, tmp_path):
    from studio.cli import main

    asked: dict[str, Any] = {}
    monkeypatch.setattr("studio.ui.app.launch", lambda *args, **options: asked.update(options))
    users = tmp_path / "users"
    users.write_text("ada:countess\n")
    names = ["--allowed-host", "a.example", "--allowed-host", "b.example"]
    told = ["--auth", str(users), *names, "--root-path", "/studio"]
    assert main(["run", *told, "--sessions", "3", "--models", "pocket, sd-turbo", "--disk", "0.5", "--share"]) == 0
    assert ServerOptions(**{name: value for name, value in asked.items() if name != "open_browser"}) == ServerOptions(
        state=state_folder(),
        share=True,
        sessions=3,
        models=["pocket", "sd-turbo"],
        auth={"ada": "countess"},
        allowed_hosts=["a.example", "b.example"],
        root_path="/studio",
        disk_per_person=500_000_000,
        options={},
        takes=Path("takes"),
    )
