"""The settings of all processes: `CONTROLPLANE_*` variables, nested with `__`.

A secret may come from a file: `CONTROLPLANE_SMTP__PASSWORD_FILE=/run/secrets/smtp`. Only
`entrypoints` read this module. Every setting is described in docs/operations.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Paths(_Group):
    """Folders. The spool, the prompts and the configuration are shared with the switch."""

    recordings: Path
    spool: Path
    prompts: Path
    configuration: Path
    mail: Path | None = Field(None, description="where mail goes as .eml files without SMTP settings")


class Http(_Group):
    """The web process."""

    host: str = "127.0.0.1"
    port: Port = 8000
    public_url: str = Field("http://127.0.0.1:8000", description="how browsers reach it; in links of mails")
    max_body_bytes: int = 1_048_576


class Fastagi(_Group):
    """Where `calls` listens for Asterisk."""

    host: str = "127.0.0.1"
    port: Port = 4573
    secret: SecretStr = SecretStr("change-me")
    allowed_addresses: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    max_calls: int = 200
    first_line_seconds: Seconds = 5.0


class Manager(_Group):
    """Asterisk's manager interface (AMI)."""

    host: str = "127.0.0.1"
    port: Port = 5038
    username: str = "controlplane"
    secret: SecretStr = SecretStr("change-me")


class Sip(_Group):
    """What the rendered configuration of the switch needs."""

    host: str = Field("127.0.0.1", description="the address to listen on")
    port: Port = 5060
    external_address: str | None = Field(None, description="how phones beyond NAT reach it")
    local_networks: tuple[str, ...] = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")
    rtp_ports: str = Field("10000-20000", pattern=r"^\d+-\d+$")
    realm: str = Field("shared-voicemail", description="in the digest of every extension; never change it")
    max_contacts: int = Field(5, description="devices on which one extension may be registered")
    phones: bool = Field(
        True, description="whether the phones register with our extensions; off beside an Asterisk's own"
    )


class Smtp(_Group):
    """Outgoing mail; without a host it is written as .eml files."""

    host: str | None = None
    port: Port = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    sender: str = "Shared Voicemail <voicemail@localhost>"
    timeout_seconds: Seconds = 30.0
    retry_seconds: tuple[int, ...] = Field(
        (60, 300, 1800, 7200, 21600, 43200), description="waits between tries; then it has failed"
    )


class Calls(_Group):
    """The flows. Digits and silences in seconds."""

    silence_seconds: int = Field(5, ge=0, description="of silence that end a recording; 0 = never")
    first_digit_seconds: Seconds = 5.0
    digit_seconds: Seconds = 3.0
    menu_rounds: int = Field(3, description="how often a menu without an answer is said")
    pin_tries: int = 3
    database_seconds: Seconds = Field(2.0, description="limit of each database step of a call")
    drain_seconds: Seconds = 300.0


class Pins(_Group):
    """Rules, hashing and locks (design, section 7)."""

    min_length: int = Field(4, ge=4)
    generated_length: int = Field(6, ge=4)
    refuse_one_digit_repeated: bool = True
    refuse_runs: bool = True
    refuse_mailbox_number: bool = True
    keys: SecretStr = Field(
        SecretStr("change-me"),
        description="lines `id:base64`, newest first; the first one hashes, all of them verify",
    )
    wrong_in_a_row: int = 5
    first_lock_seconds: int = 300
    longest_lock_seconds: int = 86_400
    wrong_of_a_source_in_a_day: int = 20
    source_lock_seconds: int = 3600
    wrong_of_a_mailbox: int = 100
    wrong_of_a_mailbox_days: int = 30


class Retention(_Group):
    """How long things are kept."""

    trash_days: int = 30
    recordings_taken_days: int = 90
    message_link_days: int = 7


_SECRETS = (
    "database_url",
    "link_key",
    "fastagi.secret",
    "manager.secret",
    "smtp.password",
    "pins.keys",
)
_DEFAULT_SECRET = "change-me"  # noqa: S105 (refused in production)


class SettingsError(Exception):
    """A setting is missing or wrong; the sentence names it and the remedy."""


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="CONTROLPLANE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    database_url: SecretStr = SecretStr("postgresql://localhost/controlplane")
    paths: Paths
    switch: Literal["asterisk", "none"] = "asterisk"
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    link_key: SecretStr = Field(SecretStr(_DEFAULT_SECRET), description="signs the links in mails")
    private: bool = Field(False, description="set by `up`: default secrets are made, not refused")
    http: Http = Http()
    fastagi: Fastagi = Fastagi()
    manager: Manager = Manager()
    sip: Sip = Sip()
    smtp: Smtp = Smtp()
    calls: Calls = Calls()
    pins: Pins = Pins()
    retention: Retention = Retention()
    publish_automatically: bool = True

    @model_validator(mode="after")
    def _no_default_secrets(self) -> Self:
        named = {
            "LINK_KEY": self.link_key,
            "FASTAGI__SECRET": self.fastagi.secret,
            "MANAGER__SECRET": self.manager.secret,
            "PINS__KEYS": self.pins.keys,
        }
        weak = [
            f"CONTROLPLANE_{name}"
            for name, value in named.items()
            if value.get_secret_value() == _DEFAULT_SECRET
        ]
        if weak and not self.private:
            raise ValueError(f"set {', '.join(weak)} (or the same with _FILE): a default secret is refused")
        return self

    @property
    def sqlalchemy_url(self) -> str:
        """The database's URL with the driver's name."""
        return self.database_url.get_secret_value().replace("postgresql://", "postgresql+psycopg://", 1)


def _with_files(environment: Mapping[str, str]) -> dict[str, str]:
    """Replace each `CONTROLPLANE_<SECRET>_FILE` by what the file holds."""
    read = dict(environment)
    for secret in _SECRETS:
        name = "CONTROLPLANE_" + secret.upper().replace(".", "__")
        path = read.pop(f"{name}_FILE", None)
        if path is None:
            continue
        if name in read:
            raise SettingsError(f"Set {name} or {name}_FILE, not both.")
        try:
            read[name] = Path(path).read_text().strip()
        except OSError as error:
            raise SettingsError(f"{name}_FILE: cannot read {path} ({error.strerror}).") from error
    return read


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment; raises SettingsError with a sentence that names each fault."""
    read = _with_files(os.environ if environment is None else environment)
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(read)
        return Settings()
    except ValidationError as error:
        faults = [
            f"CONTROLPLANE_{'__'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
            if fault["loc"]
            else str(fault["msg"]).removeprefix("Value error, ")
            for fault in error.errors()
        ]
        raise SettingsError("; ".join(faults)) from error
    finally:
        os.environ.clear()
        os.environ.update(before)
