"""`kg ui`: what it refuses before any server is started."""

import socket

import pytest

from kg_assets.cli.ui import serve
from resources.lock import exclusive
from resources.settings import Settings


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    # serve() sets both for the servers that it starts.
    for name in ("KG_HOME", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "unset")


def test_a_port_that_is_taken_is_refused_with_what_to_do(tmp_path, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SystemExit) as stopped:
            serve(Settings(home=tmp_path, port=other.getsockname()[1]))
    assert stopped.value.code == 2
    assert "KG_PORT" in capsys.readouterr().err


def test_a_second_ui_of_a_namespace_is_refused(tmp_path, capsys):
    with exclusive(tmp_path / "locks" / "ui-dev.lock"), pytest.raises(SystemExit) as stopped:
        serve(Settings(home=tmp_path, namespace="dev", port=free_port()))
    assert stopped.value.code == 2
    assert "runs already" in capsys.readouterr().err
