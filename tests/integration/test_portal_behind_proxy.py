"""The portal behind a proxy: with TLS, below a path, and several on one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from tests.support.api import Api, make_api
from tests.support.portal import PASSWORD, Browser, make_user


@pytest.fixture
def at(database: Database, jobs: Jobs, database_url: str, tmp_path: Path) -> Iterator[Callable[[str], Api]]:
    """Return what makes an app with a public address."""
    made: list[Api] = []

    def make(public_url: str) -> Api:
        made.append(make_api(database, jobs, tmp_path, database_url, public_url=public_url))
        return made[-1]

    yield make
    for api in made:
        api.close()


async def test_cookie_under_tls_is_sent_by_tls_alone(at: Callable[[str], Api]) -> None:
    """Its name has browsers refuse one that came otherwise, or from another host."""
    api = at("https://voicemail.example.org")
    await make_user(api, "alice")
    async with Browser(api) as browser:
        answer = await browser.client.post(
            "/portal/sign-in",
            data={"user_name": "alice", "password": PASSWORD},
            headers={"Origin": "https://voicemail.example.org"},
        )
    name, _, rest = answer.headers["set-cookie"].partition("=")
    attributes = {part.strip().lower() for part in rest.split(";")[1:]}

    assert ("__Host-shared-voicemail", True) == (name, {"secure", "httponly", "path=/"} <= attributes)
    assert "domain" not in answer.headers["set-cookie"].lower()


async def test_portal_below_a_path(at: Callable[[str], Api]) -> None:
    """Every address that a page names has the path before it: the proxy takes it away again."""
    api = at("http://test/voicemail")
    async with Browser(api) as browser:
        asked = await browser.client.get("/portal/account?x=1")
        await browser.open("/portal/sign-in")
    addresses = [
        attributes[name]
        for _, attributes in browser.shown.tags
        for name in ("href", "src", "action")
        if name in attributes and not attributes[name].startswith("#")
    ]

    assert "/voicemail/portal/sign-in?next=/voicemail/portal/account%3Fx%3D1" == asked.headers["Location"]
    assert len(addresses) > 4
    assert [] == [address for address in addresses if not address.startswith("/voicemail/portal/")]


async def test_instances_of_one_machine_have_cookies_of_their_own(at: Callable[[str], Api]) -> None:
    """Browsers keep cookies by host: signing in to one instance does not sign out of another."""
    names = {at(f"http://127.0.0.1:{port}").app.state.portal.cookie for port in (8000, 8001)}

    assert {"shared-voicemail-8000", "shared-voicemail-8001"} == names
