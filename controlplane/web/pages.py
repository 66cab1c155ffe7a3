"""What HTML pages have in common: templates, words per language, headers."""

from __future__ import annotations

import re
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

from babel import Locale
from fastapi import APIRouter, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from controlplane.domain.language import first_available

_HERE = Path(__file__).parent
# The style is a file of ours, and nothing else is loaded: no script, no foreign host.
_POLICY = (
    "default-src 'none'; style-src 'self'; media-src 'self'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_PREFERENCE = re.compile(r"([A-Za-z0-9-]{1,35})(?:\s*;\s*q=([01](?:\.[0-9]{0,3})?))?", re.ASCII)
_MAX_PREFERENCES = 20


class Pages:
    """Renders pages; the wanted languages decide the words, each along its tag, then English."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["code"] = with_code
        self._catalogues = {
            path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
            for path in (_HERE / "catalogues").glob("*.toml")
        }

    def words(self, *tags: str) -> tuple[Locale, dict[str, Any]]:
        """Return the words of the first tag that has some, with their locale."""
        language = first_available(tags, self._catalogues)
        return Locale.parse(language, sep="-"), self._catalogues[language]

    def answer(
        self, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: object
    ) -> Response:
        """Render a template as an answer that nobody stores."""
        return Response(
            self._templates.get_template(template).render(values),
            status,
            media_type="text/html",
            headers={"Content-Security-Policy": _POLICY, **(headers or {})},
        )


def preferred(accept_language: str) -> list[str]:
    """Return the tags of a browser's Accept-Language, best first; what is none is left out."""
    found = [_PREFERENCE.fullmatch(part.strip()) for part in accept_language.split(",")[:_MAX_PREFERENCES]]
    weighed = [(float(match[2] or 1), match[1]) for match in found if match]
    return [tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0]


def with_code(text: str) -> Markup:
    """Return text as HTML, with what stands between backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if n % 2 else escape(part) for n, part in enumerate(parts)
    )


def static_routes() -> APIRouter:
    """Return the routes of the files that pages load."""
    router = APIRouter(include_in_schema=False)
    for path in sorted((_HERE / "static").iterdir()):
        router.add_api_route(f"/static/{path.name}", partial(_static, path.read_bytes()), methods=["GET"])
    return router


async def _static(content: bytes) -> Response:
    return Response(content, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})
