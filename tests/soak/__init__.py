"""Rounds of calls in which one thing breaks: nothing may be lost, doubled, wrong or stuck."""
