"""docs/operations.md names every setting."""

from __future__ import annotations

from tests.support.write_settings_table import PAGE, names, table


def test_each_setting_is_on_the_operations_page() -> None:
    """The table of the page is the one that the settings make; the module says how to write it anew."""
    assert table() in PAGE.read_text()


def test_each_setting_is_described_or_speaks_for_itself() -> None:
    """There is no setting whose meaning only the code knows."""
    assert [name for name, _, text in names() if not text] == []
