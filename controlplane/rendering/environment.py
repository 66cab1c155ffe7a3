"""The Jinja environment of everything that is rendered for a switch."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.plan import FIELDS
from controlplane.rendering import escape, escape_xml
from controlplane.rendering.escape import Escaped
from controlplane.rendering.masks import asterisk_mask

TEMPLATES = Path(__file__).resolve().parents[2] / "dialplan_templates"


@lru_cache(maxsize=4)
def environment_of(templates: Path, *, xml: bool = False) -> Environment:
    """Return the environment over a folder, the same one each time.

    To read all templates takes a fifth of a second. One that has changed is read again.
    """
    return make_xml_environment(templates) if xml else make_environment(templates)


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
        word=escape.word,
        path=escape.path,
        label=escape.label,
        expression=escape.expression,
        secret=escape.secret,
    )
    environment.globals["asterisk_line"] = asterisk_line
    environment.globals["asterisk_mask"] = asterisk_mask
    environment.globals["plan_fields"] = {kind.value: fields for kind, fields in FIELDS.items()}
    return environment


def asterisk_line(kind: str, name: str, *, plus: str = "", of: str = "CP_ROUTE") -> Escaped:
    """Return the expression of Asterisk's dialplan that is a line of the plan in the variable `of`.

    `plus` is a variable whose number is added to the place, for `x.0` to `x.2`. Raises ValueError for a
    name that is none.
    """
    place = FIELDS[NumberKind(kind)].index(name) + 3
    if plus:
        return Escaped(f"${{CUT({of},${{CP_LINE}},$[{place} + ${{{plus}}}])}}")
    return Escaped(f"${{CUT({of},${{CP_LINE}},{place})}}")


def make_xml_environment(templates: Path) -> Environment:
    """Return the same for the XML of FreeSWITCH: what passed a filter is escaped for XML besides."""
    environment = make_environment(templates)
    environment.autoescape = True
    environment.filters.update(
        path=escape_xml.path_without_blanks,
        label=escape_xml.label,
        regex=escape_xml.regex,
        secret=escape_xml.secret,
    )
    return environment
