"""Routers and schemas of the REST API."""
