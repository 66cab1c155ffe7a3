"""A real PostgreSQL for every test of this tier."""

from tests.support.api_fixtures import api, client, foreigner, mailbox, stranger, system
from tests.support.fixtures import database, database_url, default_tenant, jobs, postgres, queue_app
from tests.support.portal_fixtures import alice, bob, visitor

__all__ = [
    "alice",
    "api",
    "bob",
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
    "visitor",
]
