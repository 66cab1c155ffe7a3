"""The commands of `controlplane` with their options; each imports what it needs when it is called."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from controlplane.entrypoints.commands_backup import backup, restore
from controlplane.entrypoints.commands_files import apply, consent_of, export
from controlplane.entrypoints.commands_prompts import prompts
from controlplane.entrypoints.exits import or_exit, run_process

app = typer.Typer(
    name="controlplane",
    help="Voicemail boxes that belong to a team.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_StateDir = Annotated[Path, typer.Option(help="The folder of a running `controlplane up`.")]


class Switch(StrEnum):
    """Which switch `up` runs."""

    AUTO = "auto"
    ASTERISK = "asterisk"
    FREESWITCH = "freeswitch"
    NONE = "none"


@app.callback()
def configure_log() -> None:
    """Keep the standard output for results, before any command is run."""
    from controlplane.entrypoints import logs  # noqa: PLC0415 (see the module)

    # Until the settings are read, which say how; what is wrong is said all the same.
    logs.configure("console", "warning")


@app.command()
def up(
    *,
    state_dir: Annotated[Path, typer.Option(help="Everything is kept below it.")] = Path(".state"),
    switch: Annotated[
        Switch,
        typer.Option(
            help="A private switch: auto is Asterisk, an installed one, else a fetched one;"
            " freeswitch is an installed one; or none."
        ),
    ] = Switch.AUTO,
    listen: Annotated[
        str, typer.Option(help="The address for phones and browsers; 0.0.0.0 for all.")
    ] = "127.0.0.1",
    external_address: Annotated[
        str | None,
        typer.Option(
            envvar="CONTROLPLANE_SIP__EXTERNAL_ADDRESS", help="How phones beyond NAT reach this machine."
        ),
    ] = None,
    sip_port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, envvar="CONTROLPLANE_SIP__PORT", help="Default: 5060 if free, else any."
        ),
    ] = None,
    http_port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, envvar="CONTROLPLANE_HTTP__PORT", help="Default: 8000 if free, else any."
        ),
    ] = None,
    rtp_ports: Annotated[
        str | None,
        typer.Option(
            metavar="A-B", envvar="CONTROLPLANE_SIP__RTP_PORTS", help="Audio. Default: 200 free ports."
        ),
    ] = None,
    new_sip_passwords: Annotated[
        bool,
        typer.Option(
            "--new-sip-passwords", help="Make new ones where the files of extensions 101 and 102 are lost."
        ),
    ] = False,
) -> None:
    """Run everything on this machine until Ctrl-C: database, switch, processes."""

    def run() -> None:
        from controlplane.entrypoints import up as entrypoint  # noqa: PLC0415 (see the module)
        from controlplane.supervisor.ports import GivenPorts, parse_range  # noqa: PLC0415 (see the module)

        rtp = None if rtp_ports is None else parse_range(rtp_ports)
        options = entrypoint.Options(
            state_dir=state_dir,
            switch=switch.value,
            listen=listen,
            external_address=external_address,
            ports=GivenPorts(http=http_port, sip=sip_port, rtp=rtp),
            new_sip_passwords=new_sip_passwords,
        )
        sys.exit(entrypoint.main(options))

    or_exit(run)


@app.command()
def web() -> None:
    """Serve the REST API and the pages."""
    run_process("web")


@app.command()
def calls() -> None:
    """Run the flows of calls: the server of FastAGI, or of FreeSWITCH's outbound socket."""
    run_process("calls")


@app.command()
def events() -> None:
    """Listen to the switch, and wake the jobs."""
    run_process("events")


@app.command()
def jobs() -> None:
    """Do what is done later: mail, speech, publishing, the spool."""
    run_process("jobs")


@app.command()
def migrate() -> None:
    """Bring the database to the newest state."""
    run_process("migrate")


@app.command()
def render(*, output: Annotated[Path, typer.Option(help="A new or empty folder for the files.")]) -> None:
    """Write the switch's configuration as it would be published."""

    def run() -> None:
        from controlplane.entrypoints import render as entrypoint  # noqa: PLC0415 (see the module)
        from controlplane.settings import load  # noqa: PLC0415 (see the module)

        entrypoint.main(load(), output)

    or_exit(run)


@app.command()
def publish(
    *,
    before_start: Annotated[
        bool,
        typer.Option(
            "--before-start", help="Only write it, for a switch that is about to start and cannot be asked."
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files edited by hand; a copy is kept.")
    ] = False,
    tenant: Annotated[
        str | None,
        typer.Option(help="Take along only what waits of this tenant; else of all that publish by hand."),
    ] = None,
) -> None:
    """Publish the configuration now, reload the switch, and verify that it runs it."""

    def run() -> None:
        from controlplane.entrypoints import logs  # noqa: PLC0415 (see the module)
        from controlplane.entrypoints import publish as entrypoint  # noqa: PLC0415 (see the module)
        from controlplane.settings import load  # noqa: PLC0415 (see the module)

        settings = load()
        logs.configure(settings.log_format, settings.log_level)
        entrypoint.main(settings, before_start=before_start, overwrite=overwrite, tenant=tenant)

    or_exit(run)


@app.command()
def health(
    *,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Of `web`, or its CONTROLPLANE_MONITORING__PORT.")
    ],
    host: Annotated[str, typer.Option(help="Where it listens.")] = "127.0.0.1",
    path: Annotated[str, typer.Option(help="/healthz asks only whether it lives.")] = "/readyz",
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="How long to wait for the answer.")] = 5.0,
) -> None:
    """Ask a running process whether it can do its work. Exit code 1 if not."""

    def run() -> None:
        from controlplane.entrypoints import health as entrypoint  # noqa: PLC0415 (see the module)

        entrypoint.main(host=host, port=port, path=path, seconds=seconds)

    or_exit(run)


@app.command()
def secrets(
    *,
    output: Annotated[Path, typer.Option(help="The folder for them; what is in it stays.")],
    database: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where PostgreSQL is, for the database's URL.")
    ] = "postgres:5432",
    group: Annotated[
        int | None, typer.Option(min=0, help="A group (by number) that may read them too.")
    ] = None,
) -> None:
    """Make the secrets of an installation, a file each, for the variables that end in _FILE."""

    def run() -> None:
        from controlplane.entrypoints import secret_files  # noqa: PLC0415 (see the module)

        secret_files.main(output, database=database, group=group)

    or_exit(run)


@app.command()
def doctor(
    *,
    state_dir: Annotated[
        Path | None, typer.Option(help="Look at a running `controlplane up` instead of the settings.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the findings as JSON, for programs.")
    ] = False,
) -> None:
    """Check an installation: say what is wrong and what to do. Exit code 1 if something is."""

    def run() -> None:
        from controlplane.entrypoints import doctor as entrypoint  # noqa: PLC0415 (see the module)

        sys.exit(entrypoint.main(state_dir, as_json=as_json))

    or_exit(run)


@app.command()
def create_token(
    *,
    name: Annotated[str, typer.Option(help="What it is for; shown in the record of changes.")],
    tenant: Annotated[
        str | None, typer.Option(help="Its tenant; without it, a system token for all of them.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="Its user: it has their rights, and ends with them.")
    ] = None,
    expires_days: Annotated[int | None, typer.Option(min=1, help="Default: never expires.")] = None,
) -> None:
    """Make a bearer token for the REST API, and print it this once."""

    def run() -> None:
        from controlplane.entrypoints import tokens  # noqa: PLC0415 (see the module)
        from controlplane.settings import load  # noqa: PLC0415 (see the module)

        end = None if expires_days is None else datetime.now(UTC) + timedelta(days=expires_days)
        tokens.create(load(), name=name, tenant=tenant, user=user, expires_at=end)

    or_exit(run)


@app.command()
def list_tokens() -> None:
    """List the tokens that are in force: id, tenant, when made, when they expire, name, user."""

    def run() -> None:
        from controlplane.entrypoints import tokens  # noqa: PLC0415 (see the module)
        from controlplane.settings import load  # noqa: PLC0415 (see the module)

        tokens.show(load())

    or_exit(run)


@app.command()
def revoke_token(
    token_id: Annotated[
        UUID | None, typer.Argument(help="Its id, as `list-tokens` shows it.", show_default=False)
    ] = None,
    *,
    name: Annotated[str | None, typer.Option(help="Its name instead, if no other token has it.")] = None,
) -> None:
    """Revoke a token: from now on it is refused."""

    def run() -> None:
        from controlplane.entrypoints import tokens  # noqa: PLC0415 (see the module)
        from controlplane.settings import load  # noqa: PLC0415 (see the module)

        tokens.revoke(load(), token_id=token_id, name=name)

    or_exit(run)


@app.command()
def create_admin(
    user_name: Annotated[str, typer.Argument(help="What they sign in with.", show_default=False)],
    *,
    tenant: Annotated[
        str | None, typer.Option(help="The tenant that they manage; without it, everything.")
    ] = None,
    display_name: Annotated[str | None, typer.Option(help="Default: the user name.")] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(allow_dash=True, help="Its first line is the password; - is the standard input."),
    ] = None,
) -> None:
    """Make somebody who signs in to the portal; the password is asked for twice."""

    def run() -> None:
        from controlplane.entrypoints import admins  # noqa: PLC0415 (see the module)
        from controlplane.settings import load  # noqa: PLC0415 (see the module)

        admins.create(
            load(),
            user_name=user_name,
            tenant=tenant,
            display_name=display_name or user_name,
            password_file=password_file,
        )

    or_exit(run)


@app.command()
def phone(
    number: Annotated[str, typer.Argument(help="What to dial, such as 8001 or *568001.")],
    steps: Annotated[
        list[str] | None,
        typer.Argument(help="beep, press:DIGITS, say:TEXT or say:FILE.wav, listen:SECONDS, end."),
    ] = None,
    *,
    state_dir: _StateDir = Path(".state"),
    extension: Annotated[
        str | None, typer.Option(help="Call as this extension; without it, from outside.")
    ] = None,
    recording: Annotated[Path | None, typer.Option(help="Keep what was heard in this WAV file.")] = None,
) -> None:
    """Place a call at a running `up`, and read what was heard."""

    def run() -> None:
        from controlplane.entrypoints import phone as entrypoint  # noqa: PLC0415 (see the module)

        entrypoint.main(
            state_dir=state_dir, number=number, extension=extension, steps=steps or [], recording=recording
        )

    or_exit(run)


app.add_typer(prompts, name="prompts")
app.command()(apply)
app.command()(export)
app.command()(backup)
app.command()(restore)

demo = typer.Typer(invoke_without_command=True)
app.add_typer(demo, name="demo")


@demo.callback()
def calls_told(
    context: typer.Context,
    *,
    switch: Annotated[
        Switch | None, typer.Option(help="The switch of the private instance.", show_default="auto")
    ] = None,
    keep_open: Annotated[
        bool | None,
        typer.Option(
            "--keep-open/--no-keep-open",
            help="At the end open the message in a browser, and stay until Enter is pressed.",
            show_default="in a terminal",
        ),
    ] = None,
) -> None:
    """Place real calls against a private instance, and tell what happened."""
    if context.invoked_subcommand is not None:
        given = {"--switch": switch, "--keep-open": keep_open}
        for option in (name for name, value in given.items() if value is not None):
            raise typer.BadParameter(
                "The example company goes into a running `up`, which has its switch and stays.",
                param_hint=option,
            )
        return
    if switch is Switch.NONE:
        raise typer.BadParameter("A demonstration needs a switch.", param_hint="--switch")

    def run() -> None:
        from controlplane.entrypoints import demo as entrypoint  # noqa: PLC0415 (see the module)

        entrypoint.main(
            (switch or Switch.AUTO).value,
            keep_open=sys.stdin.isatty() and sys.stdout.isatty() if keep_open is None else keep_open,
        )

    or_exit(run)


@demo.command()
def company(
    *,
    state_dir: _StateDir = Path(".state"),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
) -> None:
    """Make the example company in a running `up`, and tell what to dial."""
    consent = consent_of(yes=yes, dry_run=dry_run)

    def run() -> None:
        from controlplane.entrypoints import demo_company as entrypoint  # noqa: PLC0415 (see the module)

        entrypoint.main(state_dir, consent=consent)

    or_exit(run)
