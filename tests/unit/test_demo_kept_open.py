"""The end of `controlplane demo` in a terminal."""

from __future__ import annotations

import io

import pytest
from controlplane.entrypoints.demo_portal import ShownMessage, keep_open


def test_demonstration_stays_until_enter_is_pressed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says where the message is, and who may open it; Ctrl-D ends it as Enter does."""
    shown = ShownMessage(
        address="http://127.0.0.1:8000/portal/messages/m1",
        page="",
        recording=b"",
        user_name="demo",
        password="seven",
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    keep_open(shown, browse=lambda _: False)

    told = capsys.readouterr().out
    assert "http://127.0.0.1:8000/portal/sign-in?next=/portal/messages/m1" in told
    assert "user name: demo    password: seven" in told
