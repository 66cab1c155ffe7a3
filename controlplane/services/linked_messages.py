"""Reads the message that a signed link names; changes nothing."""

from __future__ import annotations

from controlplane.domain.errors import NotFound
from controlplane.services.message_links import MessageLinks
from controlplane.storage import linked_messages
from controlplane.storage.database import Database
from controlplane.storage.linked_messages import LinkedMessage

__all__ = ["LinkedMessage", "read_linked_message"]


async def read_linked_message(db: Database, links: MessageLinks, token: str) -> LinkedMessage:
    """Return the message; raises NotFound `link-invalid`, `link-expired` or `message-purged`.

    The link is the right to hear it, whatever state it is in, the trash included.
    """
    message_id = links.read(token)
    async with db.transaction() as session:
        message = await linked_messages.get(session, message_id)
    if message is None:
        raise NotFound("This message was deleted for good.", error_id="message-purged")
    return message
