"""Queries of what routes calls."""
