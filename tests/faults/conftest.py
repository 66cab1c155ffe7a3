"""A real PostgreSQL for every test of this tier."""

from tests.support.fixtures import database, database_url, default_tenant, jobs, postgres, queue_app

__all__ = ["database", "database_url", "default_tenant", "jobs", "postgres", "queue_app"]
