"""What HTML pages have in common: templates, words per language, headers."""

from __future__ import annotations

import tomllib
from functools import partial
from pathlib import Path
from typing import Any

from babel import Locale
from fastapi import APIRouter, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from controlplane.domain.language import fallbacks

_HERE = Path(__file__).parent
_DEFAULT_LANGUAGE = "en"
# The style is a file of ours, and nothing else is loaded: no script, no foreign host.
_POLICY = (
    "default-src 'none'; style-src 'self'; media-src 'self'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class Pages:
    """Renders pages; `language` decides the words, falling back along the tag and then to English."""

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

    def words(self, tag: str) -> tuple[Locale, dict[str, Any]]:
        """Return the words nearest to a tag, with their locale."""
        language = next((step for step in fallbacks(tag) if step in self._catalogues), _DEFAULT_LANGUAGE)
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
