"""The calls of one kind of object that routes calls, out of its schemas: the same for all kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol, cast

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from controlplane.domain.routing.kinds import RoutingKind, RoutingObject, Settings
from controlplane.services.routing import objects
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import body_problems, not_modified, problems, with_etag
from controlplane.web.etag import IfMatch, IfNoneMatch, expected_version, resource
from controlplane.web.idempotency import Done, Repeating
from controlplane.web.paging import Paging, cursor, position
from controlplane.web.paths import API
from controlplane.web.security import Asking


class NewObject(Protocol):
    """A body that makes an object; kinds with a number have a display name, the others a name."""

    @property
    def key_number(self) -> str | None:
        """The number, if the kind has one."""
        ...

    @property
    def label(self) -> str:
        """The display name, or the name."""
        ...

    def settings(self) -> Settings:
        """The settings; not checked yet."""
        ...


class ChangedObject(Protocol):
    """A body that changes an object."""

    @property
    def new_label(self) -> str | None:
        """The new display name; None if it stays."""
        ...

    def changes(self) -> Mapping[str, Any]:
        """The fields that were sent, as the domain has them."""
        ...


class ShownObject(Protocol):
    """The schema of answers."""

    @classmethod
    def of(cls, shown: RoutingObject) -> BaseModel:
        """Make it from the service's value."""
        ...


def routing_router(
    kind: RoutingKind,
    *,
    path: str,
    example: str,
    new: type[BaseModel],
    patch: type[BaseModel],
    out: type[BaseModel],
    page: type[BaseModel],
    writers: Sequence[Any] = (),
) -> APIRouter:
    """Return the router of a kind below `path`, a plural noun; `example` is the key of an object.

    `new` is a NewObject, `patch` a ChangedObject, `out` a ShownObject, and `page` has `items` and `next`.
    `writers` are dependencies that let through who may make, change and delete; others are answered by 403.
    """
    refused = (403,) if writers else ()
    router = APIRouter(prefix=f"{API}/{path}", tags=[path])
    word = kind.value.replace("-", "_")
    words = kind.words
    shown = cast("type[ShownObject]", out)
    key_field = "number" if kind.number_kind else "name"
    key = f"/{{{key_field}}}"

    async def create(
        request: Request, body: Any, deps: Deps, asking: Asking, repeating: Repeating
    ) -> Response:
        wanted = cast("NewObject", body)

        async def work() -> Done:
            made = await objects.create_object(
                deps.db,
                deps.jobs,
                tenant_id=asking.tenant_id,
                kind=kind,
                number=wanted.key_number,
                name=wanted.label,
                settings=wanted.settings(),
                by=asking.label,
            )
            location = f"{API}/{path}/{made.number or made.name}"
            return Done(
                response=resource(request, shown.of(made), made.version, status=201, location=location)
            )

        return await repeating.once(work)

    async def list_all(deps: Deps, asking: Asking, paging: Annotated[Paging, Query()]) -> Any:
        found = await objects.list_objects(
            deps.db,
            tenant_id=asking.tenant_id,
            kind=kind,
            q=paging.q,
            limit=paging.limit,
            after=position(paging.after),
        )
        last = found.items[-1] if found.more else None
        return page(
            items=[shown.of(item) for item in found.items],
            next=None if last is None else cursor(last.number or last.name),
        )

    async def get(request: Request, key: str, deps: Deps, asking: Asking, _: IfNoneMatch = None) -> Response:
        found = await objects.get_object(deps.db, tenant_id=asking.tenant_id, kind=kind, key=key)
        return resource(request, shown.of(found), found.version)

    async def change(
        request: Request, *, key: str, body: Any, deps: Deps, asking: Asking, if_match: IfMatch = None
    ) -> Response:
        wanted = cast("ChangedObject", body)
        changed = await objects.update_object(
            deps.db,
            deps.jobs,
            tenant_id=asking.tenant_id,
            kind=kind,
            key=key,
            name=wanted.new_label,
            changes=wanted.changes(),
            by=asking.label,
            expected_version=expected_version(if_match),
        )
        return resource(request, shown.of(changed), changed.version)

    async def delete(key: str, deps: Deps, asking: Asking, if_match: IfMatch = None) -> None:
        await objects.delete_object(
            deps.db,
            deps.jobs,
            tenant_id=asking.tenant_id,
            kind=kind,
            key=key,
            by=asking.label,
            expected_version=expected_version(if_match),
        )

    described = Path(alias=key_field, description=f"The {key_field} of the {words}.", examples=[example])
    aliased = Annotated[str, described]
    create.__annotations__["body"] = new
    change.__annotations__["body"] = patch
    for takes_key in (get, change, delete):
        takes_key.__annotations__["key"] = aliased
    router.add_api_route(
        "",
        create,
        methods=["POST"],
        dependencies=list(writers),
        name=f"create_{word}",
        description=f"Make a {words}.",
        status_code=201,
        response_model=out,
        responses={**with_etag(201), **body_problems(*refused)},
    )
    router.add_api_route(
        "",
        list_all,
        methods=["GET"],
        name=f"list_{word}s",
        description=f"List by {key_field}.",
        response_model=page,
        responses=problems(),
    )
    router.add_api_route(
        key,
        get,
        methods=["GET"],
        name=f"get_{word}",
        description=f"Read a {words}.",
        response_model=out,
        responses={**with_etag(), **not_modified(), **problems()},
    )
    router.add_api_route(
        key,
        change,
        methods=["PATCH"],
        dependencies=list(writers),
        name=f"change_{word}",
        description=f"Change a {words}; fields that are left out stay.",
        response_model=out,
        responses={**with_etag(), **body_problems(*refused, 412)},
    )
    router.add_api_route(
        key,
        delete,
        methods=["DELETE"],
        dependencies=list(writers),
        name=f"delete_{word}",
        description=f"Remove a {words}.",
        status_code=204,
        responses=problems(400, *refused, 409, 412),
    )
    return router
