"""Use cases of what routes calls."""
