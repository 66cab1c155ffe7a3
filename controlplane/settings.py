"""The settings of all processes: `CONTROLPLANE_*` variables, nested with `__`.

A secret may come from a file: `CONTROLPLANE_SMTP__PASSWORD_FILE=/run/secrets/smtp`. Only
`entrypoints` read this module. Every setting is described in docs/operations.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as MalformedVariable

from controlplane.settings_environment import (
    PREFIX,
    SettingsError,
    parse_networks,
    parse_port_range,
    parse_public_url,
    parse_sender,
    parse_token_url,
    prepared,
    sentence,
)

__all__ = ["Settings", "SettingsError", "load"]

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Times = Annotated[int, Field(ge=1, le=1_000_000)]
Wait = Annotated[int, Field(ge=1, le=31_536_000)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Networks = Annotated[tuple[str, ...], AfterValidator(parse_networks)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


# A file of variables, such as that of docker compose, says `NAME=` for what is not set.
_Optional = Annotated[str | None, BeforeValidator(_none_if_empty)]
# A secret that is not used is an empty file.
_OptionalSecret = Annotated[SecretStr | None, BeforeValidator(_none_if_empty)]


class Paths(_Group):
    """Folders. The spool, the prompts and the configuration are shared with the switch."""

    recordings: Path = Field(description="folder of the stored recordings")
    spool: Path = Field(description="folder into which the switch records; shared with it")
    prompts: Path = Field(description="folder of the spoken prompts; shared with the switch")
    configuration: Path = Field(description="folder of the published configuration; shared with the switch")
    mail: Path | None = Field(None, description="where mail goes as .eml files without SMTP settings")


class Http(_Group):
    """The web process."""

    host: str = Field("127.0.0.1", description="the address where `web` listens")
    port: Port = Field(8000, description="its port")
    public_url: Annotated[str, AfterValidator(parse_public_url)] = Field(
        "http://127.0.0.1:8000", description="how browsers reach it; in links of mails"
    )
    max_body_bytes: int = Field(1_048_576, ge=1, le=2**30, description="larger requests are refused")


class Monitoring(_Group):
    """Where `calls`, `events` and `jobs` tell how they are; `web` does so on its own port."""

    host: str = Field(
        "127.0.0.1", description="where `calls`, `events` and `jobs` serve /healthz, /readyz, /metrics"
    )
    port: Port | None = Field(None, description="its port, one for each process; without it they serve none")


class CallSocket(_Group):
    """Where `calls` listens for a switch, and what it lets in."""

    host: str
    port: Port
    secret: SecretStr = Field(SecretStr("change-me"), description="what the dialplan must say to be answered")
    allowed_addresses: Networks = Field(
        ("127.0.0.0/8", "::1/128"), min_length=1, description="networks from which it may connect"
    )
    max_calls: Times = Field(200, description="calls at once; more of them get the fall-back")
    first_line_seconds: Seconds = Field(
        5.0, description="a connection that has said nothing by then is closed"
    )


class Fastagi(CallSocket):
    """Where `calls` listens for Asterisk."""

    host: str = Field("127.0.0.1", description="the address where `calls` listens for Asterisk")
    port: Port = Field(4573, description="its port")


class Manager(_Group):
    """Asterisk's manager interface (AMI)."""

    host: str = Field("127.0.0.1", description="the address of Asterisk's manager interface (AMI)")
    port: Port = Field(5038, description="its port")
    username: str = Field("controlplane", description="our user there")
    secret: SecretStr = Field(SecretStr("change-me"), description="its secret")


class OutboundSocket(CallSocket):
    """Where `calls` listens for FreeSWITCH."""

    host: str = Field("127.0.0.1", description="the address where `calls` listens for FreeSWITCH")
    port: Port = Field(8084, description="its port")


class EventSocket(_Group):
    """FreeSWITCH's own Event Socket."""

    host: str = Field("127.0.0.1", description="the address of FreeSWITCH's event socket")
    port: Port = Field(8021, description="its port")
    password: SecretStr = Field(SecretStr("change-me"), description="its password; never `ClueCon`")
    log_in: Literal["users", "password"] | None = Field(
        None,
        description="`users`: as our limited users, whose passwords are made from it; `password`: by itself;"
        " default: `users`, beside a FreeSWITCH's own phones `password`",
    )


class Sip(_Group):
    """What the rendered configuration of the switch needs."""

    host: str = Field("127.0.0.1", description="the address to listen on")
    port: Port = Field(5060, description="for SIP over UDP and TCP")
    external_address: _Optional = Field(None, description="how phones beyond NAT reach it")
    local_networks: Networks = Field(
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8"),
        description="phones there are told the inner address; the switch's own one must be among them",
    )
    rtp_ports: Annotated[str, AfterValidator(parse_port_range)] = Field(
        "10000-20000", pattern=r"^[0-9]{1,5}-[0-9]{1,5}$", description="UDP ports for audio"
    )
    realm: str = Field(
        "shared-voicemail", min_length=1, description="in the digest of every extension; never change it"
    )
    max_contacts: int = Field(5, ge=1, le=100, description="devices on which one extension may be registered")
    phones: bool = Field(
        True, description="whether the phones register with our extensions; off beside an Asterisk's own"
    )


class Smtp(_Group):
    """Outgoing mail; without a host it is written as .eml files."""

    host: _Optional = Field(None, description="the mail server; without it mail is captured as .eml files")
    port: Port = Field(587, description="its port")
    security: Literal["none", "starttls", "tls"] = Field(
        "starttls", description="`none`, `starttls` or `tls`"
    )
    username: _Optional = Field(None, description="the log-in, if it wants one")
    password: _OptionalSecret = Field(None, description="its password")
    oauth_token_url: Annotated[_Optional, AfterValidator(parse_token_url)] = Field(
        None, description="where access tokens come from: then the log-in is by XOAUTH2 (docs/mail.md)"
    )
    oauth_client_id: _Optional = Field(None, description="who we are to the token server")
    oauth_client_secret: _OptionalSecret = Field(None, description="our secret there")
    oauth_refresh_token: _OptionalSecret = Field(
        None, description="of the account that sends; without it the client asks in its own name"
    )
    oauth_scope: _Optional = Field(None, description="what the token is to be good for")
    sender: Annotated[str, AfterValidator(parse_sender)] = Field(
        "Shared Voicemail <voicemail@localhost>", description="From of every mail"
    )
    timeout_seconds: Seconds = Field(30.0, description="for each step with the mail server")
    retry_seconds: tuple[Wait, ...] = Field(
        (60, 300, 1800, 7200, 21600, 43200), description="waits between tries; then it has failed"
    )

    @model_validator(mode="after")
    def _tokens_have_what_they_need(self) -> Self:
        if self.oauth_token_url is None:
            return self
        if self.security == "none":
            raise ValueError("an access token is sent over TLS alone: set SECURITY to starttls or tls")
        if self.password is not None:
            raise ValueError("set PASSWORD or OAUTH_TOKEN_URL, not both: the log-in is by one of them")
        needed = {"USERNAME": self.username, "OAUTH_CLIENT_ID": self.oauth_client_id}
        missing = [name for name, value in needed.items() if value is None]
        if self.oauth_client_secret is None and self.oauth_refresh_token is None:
            missing.append("OAUTH_CLIENT_SECRET or OAUTH_REFRESH_TOKEN")
        if missing:
            raise ValueError(f"OAUTH_TOKEN_URL needs {', '.join(missing)} too")
        return self


class Calls(_Group):
    """The flows. Digits and silences in seconds."""

    silence_seconds: int = Field(5, ge=0, le=3600, description="of silence that end a recording; 0 = never")
    first_digit_seconds: Seconds = Field(5.0, description="wait for the first key of an answer")
    digit_seconds: Seconds = Field(3.0, description="wait between two keys")
    menu_rounds: Times = Field(3, description="how often a menu without an answer is said")
    pin_tries: Times = Field(3, description="tries of a PIN in one call")
    database_seconds: Seconds = Field(2.0, description="limit of each database step of a call")
    drain_seconds: Seconds = Field(300.0, description="for calls in progress after SIGTERM")


class Pins(_Group):
    """Rules, hashing and locks of PINs (docs/adr/0008-pins.md)."""

    min_length: int = Field(4, ge=4, le=32, description="digits of a PIN at least; 6 are recommended")
    generated_length: int = Field(6, ge=4, le=32, description="digits of a PIN that we make")
    refuse_one_digit_repeated: bool = Field(True, description="refuse 111111")
    refuse_runs: bool = Field(True, description="refuse 123456 and 987654")
    refuse_mailbox_number: bool = Field(True, description="refuse the mailbox's number and its end")
    keys: SecretStr = Field(
        SecretStr("change-me"),
        description="lines `id:base64`, newest first; the first one hashes, all of them verify",
    )
    wrong_in_a_row: Times = Field(5, description="wrong tries in a row that lock a phone for a mailbox")
    first_lock_seconds: Wait = Field(300, description="the first lock; each further one is twice as long")
    longest_lock_seconds: Wait = Field(86_400, description="the longest lock")
    wrong_of_a_source_in_a_day: Times = Field(
        20, description="wrong tries of a phone over all mailboxes in a day"
    )
    source_lock_seconds: Wait = Field(3600, description="the lock for all mailboxes that follows")
    wrong_of_a_mailbox: Times = Field(
        100,
        description="wrong tries of all phones after which only those that knew the PIN are let in until it "
        "is changed; as many from outside refuse it to who calls from outside",
    )
    wrong_of_a_mailbox_days: Days = Field(30, description="the time in which they are counted")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.longest_lock_seconds < self.first_lock_seconds:
            raise ValueError("LONGEST_LOCK_SECONDS is less than FIRST_LOCK_SECONDS")
        return self


class Retention(_Group):
    """How long things are kept."""

    trash_days: int = Field(30, ge=0, le=36_500, description="deleted messages are purged after that")
    recordings_taken_days: Days = Field(
        90, description="how long it is remembered that a recording was taken over"
    )
    message_link_days: Days = Field(7, description="how long the link in a mail works")
    audit_days: Days = Field(365, description="how long it is known who heard, deleted and changed what")


_DEFAULT_SECRET = "change-me"  # noqa: S105 (refused in production)
_DEFAULT_SECRETS = frozenset({_DEFAULT_SECRET, "ClueCon"})
"""The second one is what FreeSWITCH ships with."""


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="CONTROLPLANE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: SecretStr = Field(
        SecretStr("postgresql://localhost/controlplane"), description="libpq URL of the database"
    )
    paths: Paths
    switch: Literal["asterisk", "freeswitch", "none"] = Field(
        "asterisk", description="`asterisk` or `freeswitch`, or `none` for the API alone"
    )
    fallback: Literal["record", "native"] = Field(
        "record",
        description="who takes messages when `calls` does not answer: `record` or `native` "
        "(mod_voicemail, see docs/adr/0014-what-the-voicemail-xml-is-for.md)",
    )
    log_format: Literal["json", "console"] = Field("json", description="`json` or `console`")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="`debug` to `error`")
    link_key: SecretStr = Field(SecretStr(_DEFAULT_SECRET), description="signs the links in mails")
    private: bool = Field(False, description="set by `up`: default secrets are made, not refused")
    http: Http = Http()
    monitoring: Monitoring = Monitoring()
    fastagi: Fastagi = Fastagi()
    manager: Manager = Manager()
    outbound_socket: OutboundSocket = OutboundSocket()
    event_socket: EventSocket = EventSocket()
    sip: Sip = Sip()
    smtp: Smtp = Smtp()
    calls: Calls = Calls()
    pins: Pins = Pins()
    retention: Retention = Retention()
    publish_automatically: bool = Field(
        True,
        description="publish after each change; if not, changes wait for a person. Tenants may choose",
    )

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith("postgresql://"):
            raise ValueError("write postgresql://user@host/database")
        return url

    @model_validator(mode="after")
    def _native_is_freeswitch(self) -> Self:
        if self.fallback == "native" and self.switch != "freeswitch":
            raise ValueError(
                "CONTROLPLANE_FALLBACK=native is mod_voicemail, which is FreeSWITCH's alone: "
                f"with CONTROLPLANE_SWITCH={self.switch} set CONTROLPLANE_FALLBACK=record"
            )
        return self

    @model_validator(mode="after")
    def _no_default_secrets(self) -> Self:
        named = {"LINK_KEY": self.link_key, "PINS__KEYS": self.pins.keys}
        match self.switch:
            case "asterisk":
                named |= {"FASTAGI__SECRET": self.fastagi.secret, "MANAGER__SECRET": self.manager.secret}
            case "freeswitch":
                named |= {
                    "OUTBOUND_SOCKET__SECRET": self.outbound_socket.secret,
                    "EVENT_SOCKET__PASSWORD": self.event_socket.password,
                }
            case "none":
                pass
        secrets = {f"CONTROLPLANE_{name}": value.get_secret_value() for name, value in named.items()}
        if empty := [name for name, secret in secrets.items() if not secret.strip()]:
            raise ValueError(f"set {', '.join(empty)} (or the same with _FILE): an empty secret is refused")
        weak = [name for name, secret in secrets.items() if secret in _DEFAULT_SECRETS]
        if weak and not self.private:
            raise ValueError(f"set {', '.join(weak)} (or the same with _FILE): a default secret is refused")
        return self

    @property
    def event_socket_users(self) -> bool:
        """Whether we log in at the event socket as our users: our own FreeSWITCH has them, others maybe."""
        if self.event_socket.log_in is None:
            return self.sip.phones
        return self.event_socket.log_in == "users"

    @property
    def sqlalchemy_url(self) -> str:
        """The database's URL with the driver's name."""
        return self.database_url.get_secret_value().replace("postgresql://", "postgresql+psycopg://", 1)


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment; raises SettingsError with a sentence that names each fault."""
    groups = {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    read = prepared(os.environ if environment is None else environment, groups)
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(read)
        return Settings()
    except ValidationError as error:
        # The library's errors hold what was set, and so perhaps a secret: they are not passed on.
        raise SettingsError(sentence(error, groups)) from None
    except MalformedVariable as error:
        raise SettingsError(f"A variable {PREFIX}* cannot be read: {error}") from None
    finally:
        os.environ.clear()
        os.environ.update(before)
