"""The Jinja environment of everything that is rendered for a switch."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from controlplane.rendering import escape, escape_xml

TEMPLATES = Path(__file__).resolve().parents[2] / "dialplan_templates"


def make_environment(templates: Path) -> Environment:
    """Return an environment over a folder; an unknown variable or unfiltered text is an error."""
    environment = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        finalize=escape.only_escaped,
        autoescape=False,  # noqa: S701 (not HTML; `finalize` refuses whatever passed no filter of ours)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        word=escape.word, path=escape.path, label=escape.label, expression=escape.expression
    )
    return environment


def make_xml_environment(templates: Path) -> Environment:
    """Return the same for the XML of FreeSWITCH: what passed a filter is escaped for XML besides."""
    environment = make_environment(templates)
    environment.autoescape = True
    environment.filters.update(
        path=escape_xml.path_without_blanks, label=escape_xml.label, regex=escape_xml.regex
    )
    return environment
