"""Print the table of docs/publishing.md: `python -m tests.support.write_publishing_table`."""

from __future__ import annotations

import re
from pathlib import Path

from controlplane.services.publishing_table import PUBLISHED

PAGE = Path(__file__).parents[2] / "docs" / "publishing.md"
_TABLE = re.compile(r"\| object \|.*?(?=\n\n)", re.DOTALL)


def table() -> str:
    """Return the table in Markdown."""
    rows = [
        f"| {row.kind} | {row.switch} | {', '.join(f'`{file}`' for file in row.files)}"
        f" | {row.reload or 'none: read with each call'} | {row.verified} |"
        for row in PUBLISHED
    ]
    return "\n".join(["| object | switch | files | reload | verified by |", "|---|---|---|---|---|", *rows])


def main() -> None:
    """Write the table into the page."""
    PAGE.write_text(_TABLE.sub(lambda _: table(), PAGE.read_text(), count=1))


if __name__ == "__main__":
    main()
