"""Mails as files."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from controlplane.domain.errors import DeliveryError
from controlplane.mail.send import EmlFolder


def _mail(message_id: str = "<1-2.ab@example.com>") -> EmailMessage:
    message = EmailMessage()
    message["Message-ID"] = message_id
    message["Subject"] = "Zoë"
    message.set_content("Grüße")
    return message


async def test_a_mail_is_one_whole_file(tmp_path: Path) -> None:
    """A mail can be read from its file, and nothing else is left in the folder."""
    folder = tmp_path / "new" / "mail"

    await EmlFolder(folder=folder).send(_mail())

    (path,) = folder.iterdir()
    read = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert ("Zoë", ".eml", 0o600) == (read["Subject"], path.suffix, path.stat().st_mode & 0o777)


async def test_names_sort_by_time(tmp_path: Path) -> None:
    """The newest mail is the last one."""
    sender = EmlFolder(folder=tmp_path)
    for number in (3, 1, 2):
        await sender.send(_mail(f"<{number}@example.com>"))

    assert ["3", "1", "2"] == [path.stem[-1] for path in sorted(tmp_path.iterdir())]


async def test_a_name_stays_in_the_folder(tmp_path: Path) -> None:
    """No Message-ID leads out of the folder."""
    await EmlFolder(folder=tmp_path / "mail").send(_mail("<../../x@example.com>"))

    assert [tmp_path / "mail"] == list(tmp_path.iterdir())


async def test_a_folder_that_cannot_be_written_is_worth_a_retry(tmp_path: Path) -> None:
    """A full or missing disk is a temporary failure."""
    (tmp_path / "mail").write_text("a file")

    with pytest.raises(DeliveryError, match="mail folder cannot be written") as caught:
        await EmlFolder(folder=tmp_path / "mail").send(_mail())

    assert not caught.value.permanent
