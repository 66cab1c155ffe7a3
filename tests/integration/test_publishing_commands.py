"""`controlplane render` and `controlplane publish`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from controlplane.domain.configuration import Mode
from controlplane.domain.errors import ControlPlaneError
from controlplane.entrypoints import publish, render
from controlplane.entrypoints.doctor_publishing import check_edited_files
from controlplane.rendering.asterisk import FILES
from controlplane.rendering.check import parse
from controlplane.services.publishing_modes import choose_mode
from controlplane.settings import Settings, load
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs, make_app
from tests.support.publishing import add_extension
from tests.support.rendered_files import read_whole
from tests.support.rows import add_tenant


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Return the settings of an installation without a switch."""
    return load(
        {
            "CONTROLPLANE_DATABASE_URL": database_url,
            "CONTROLPLANE_PRIVATE": "true",
            "CONTROLPLANE_SWITCH": "none",
            "CONTROLPLANE_SIP__HOST": "::1",
            "CONTROLPLANE_FASTAGI__HOST": "0.0.0.0",
            **{
                f"CONTROLPLANE_PATHS__{name.upper()}": str(tmp_path / name)
                for name in ("recordings", "spool", "prompts", "configuration")
            },
        }
    )


def test_render_writes_all_files(settings: Settings, tmp_path: Path) -> None:
    """A tree appears in a new folder, for its owner only."""
    render.main(settings, tmp_path / "new" / "out")

    written = sorted((tmp_path / "new" / "out" / "asterisk").iterdir())
    assert sorted(FILES) == [path.name for path in written]
    assert {0} == {path.stat().st_mode & 0o077 for path in written}


def test_render_touches_no_folder_in_use(settings: Settings, tmp_path: Path) -> None:
    """A folder with something in it is refused."""
    (tmp_path / "mine").write_text("x")

    with pytest.raises(ControlPlaneError, match="not empty"):
        render.main(settings, tmp_path)


def test_an_ipv6_address_is_bound_in_brackets(settings: Settings, tmp_path: Path) -> None:
    """SIP on an IPv6 address; the FastAGI server that listens everywhere is reached on loopback."""
    render.main(settings, tmp_path / "out")

    pjsip = dict(parse((tmp_path / "out/asterisk/pjsip.conf").read_text()))
    assert "[::1]:5060" == dict(pjsip["transport-udp"])["bind"]
    assert "agi://127.0.0.1:4573/leave" in (tmp_path / "out/asterisk/cp-contexts.conf").read_text()


def test_publish_links_a_revision(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a switch the revision is live when it is linked."""
    publish.main(settings)

    assert (settings.paths.configuration / "live/asterisk/extensions.conf").is_file()
    assert "is live" in capsys.readouterr().out


def test_publish_says_when_nobody_answers(settings: Settings) -> None:
    """With a switch that is down the command fails, and says that the files are written."""
    lost = settings.model_copy(
        update={"switch": "asterisk", "manager": settings.manager.model_copy(update={"port": 1})}
    )

    with pytest.raises(ControlPlaneError, match="Written"):
        publish.main(lost)
    assert (settings.paths.configuration / "live/asterisk/extensions.conf").is_file()


def test_before_a_start_nobody_is_asked(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """For a switch that is about to start the files are written and linked, and that is enough."""
    lost = settings.model_copy(
        update={"switch": "asterisk", "manager": settings.manager.model_copy(update={"port": 1})}
    )
    publish.main(lost, before_start=True)
    first = (settings.paths.configuration / "live").readlink()
    publish.main(lost, before_start=True)

    assert (settings.paths.configuration / "live/asterisk/extensions.conf").is_file()
    assert first == (settings.paths.configuration / "live").readlink()
    assert 2 == capsys.readouterr().out.count("reads it when it starts")


async def _wait_by_hand(settings: Settings) -> None:
    """Have two tenants publish by hand, each with an extension that waits."""
    database = Database(settings.sqlalchemy_url)
    async with make_app(settings.database_url.get_secret_value()).open_async() as app:
        for name in ("north", "south"):
            tenant_id = await add_tenant(database, name)
            await choose_mode(database, Jobs(app), Mode.MANUAL, tenant_id=tenant_id, by="tests")
            await add_extension(database, tenant_id, "301")
    await database.close()


def test_publish_takes_along_what_waits_of_one_tenant_or_of_all(settings: Settings) -> None:
    """With the name of a tenant the other one goes on waiting; one that does not exist is told."""
    asyncio.run(_wait_by_hand(settings))
    found = []
    for before_start, tenant in ((True, None), (False, "north"), (False, None)):
        publish.main(settings, before_start=before_start, tenant=tenant)
        written = read_whole(settings.paths.configuration / "live", "asterisk/pjsip.conf")
        routes = len(list((settings.paths.configuration / "routes").glob("*/*/301")))
        found.append(([name for name in ("north", "south") if f"[301@{name}.example]" in written], routes))

    assert [([], 0), (["north"], 1), (["north", "south"], 2)] == found
    with pytest.raises(ControlPlaneError, match="no tenant of this name"):
        publish.main(settings, tenant="nobody")


def test_publish_says_which_folder_cannot_be_written(settings: Settings) -> None:
    """A file where the folder should be is named in one sentence."""
    settings.paths.configuration.write_text("x")

    with pytest.raises(ControlPlaneError, match="cannot be written"):
        publish.main(settings)


def test_publish_does_not_overwrite_what_somebody_edited(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command names the file and the remedy; with it the file is ours again, and the edit is kept."""
    publish.main(settings)
    file = settings.paths.configuration / "live/asterisk/rtp.conf"
    ours = file.read_text()
    file.write_text("; mine\n")

    with pytest.raises(ControlPlaneError, match=r"rtp\.conf.*--overwrite"):
        publish.main(settings)
    assert "; mine\n" == file.read_text()
    publish.main(settings, overwrite=True)
    (copy,) = (settings.paths.configuration / "edited").iterdir()
    assert (ours, "; mine\n") == (file.read_text(), (copy / "asterisk/rtp.conf").read_text())
    assert "is live" in capsys.readouterr().out


async def test_the_doctor_finds_what_somebody_edited(settings: Settings) -> None:
    """The finding names the files and says what to do; files as they were written are fine."""
    await asyncio.to_thread(publish.main, settings)
    (before,) = await check_edited_files(settings)
    (settings.paths.configuration / "live/asterisk/rtp.conf").write_text("; mine\n")
    (after,) = await check_edited_files(settings)

    assert (None, "1 edited by hand: asterisk/rtp.conf (changed)") == (before.remedy, after.found)
    assert "publish --overwrite" in (after.remedy or "")
