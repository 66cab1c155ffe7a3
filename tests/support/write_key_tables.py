"""Bring the key tables of docs/call-flows.md up to date: `python -m tests.support.write_key_tables`."""

from __future__ import annotations

from pathlib import Path

from controlplane.callflows.keys import markdown

BEGIN = "<!-- key tables: begin -->\n"
END = "<!-- key tables: end -->\n"
PAGE = Path(__file__).parents[2] / "docs" / "call-flows.md"


def tables_in(page: str) -> str:
    """Return the tables that a page holds."""
    return page.split(BEGIN, 1)[1].split(END, 1)[0].strip("\n") + "\n"


def with_tables(page: str) -> str:
    """Return the page with the tables as they are in `controlplane/callflows/keys.py`."""
    before, rest = page.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{markdown()}\n{END}{rest.split(END, 1)[1]}"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
