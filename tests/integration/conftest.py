"""A real PostgreSQL for every test of this tier."""

from tests.support.api_fixtures import api, client, foreigner, mailbox, stranger, system
from tests.support.fixtures import database, database_url, default_tenant, jobs, postgres, queue_app

__all__ = [
    "api",
    "client",
    "database",
    "database_url",
    "default_tenant",
    "foreigner",
    "jobs",
    "mailbox",
    "postgres",
    "queue_app",
    "stranger",
    "system",
]
