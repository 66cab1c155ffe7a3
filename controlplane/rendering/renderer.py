"""What rendering for a switch offers: its parts one by one, and then the files that are made as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from jinja2 import Environment, TemplateError

from controlplane.rendering.context import TenantContext
from controlplane.rendering.escape import RenderingError
from controlplane.rendering.parts import Part
from controlplane.rendering.pieces import Piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """The files that are always rendered, with an empty revision; `named` puts it into those that say it."""

    files: Mapping[str, str] = field(repr=False)
    endpoints: frozenset[str]
    named: Callable[[str], Mapping[str, str]]


class Renderer(Protocol):
    """Renders for one switch. What it gives is checked, or it raises RenderingError."""

    @property
    def has_phones(self) -> bool:
        """Whether extensions are rendered; else no piece is asked for."""
        ...

    def piece(self, tenant: TenantContext, piece: Piece) -> Part:
        """Return the file of some extensions of a tenant."""
        ...

    def parts(self, tenant: TenantContext) -> Iterable[Part]:
        """Return the other files of a tenant alone."""
        ...

    def text(self, part: Part) -> str:
        """Render and check a part."""
        ...

    def whole(self, pieces: Mapping[UUID, Sequence[str]]) -> Whole:
        """Render and check what names all the rest: the names of pieces by tenant."""
        ...


def render_template(environment: Environment, template: str, values: Mapping[str, object]) -> str:
    """Fill a template; raises RenderingError, which names it."""
    name = template.rpartition("/")[2].removesuffix(".j2")
    try:
        return environment.get_template(template).render(values)
    except TemplateError as error:
        raise RenderingError(f"The template of {name} failed: {error}") from error
    except RenderingError as error:
        raise RenderingError(f"{name}: {error}") from error
