"""A real PostgreSQL, and a whole product of its own whose parts are killed."""

from tests.support.fixtures import (
    database,
    database_url,
    default_tenant,
    jobs,
    postgres,
    queue_app,
)
from tests.support.live import message_wav, product, reader, second_wav, speech, switch

__all__ = [
    "database",
    "database_url",
    "default_tenant",
    "jobs",
    "message_wav",
    "postgres",
    "product",
    "queue_app",
    "reader",
    "second_wav",
    "speech",
    "switch",
]
