"""All pages of one kind of object."""

from __future__ import annotations

from fastapi import APIRouter

from controlplane.web.portal.object_delete_page import add_delete
from controlplane.web.portal.object_kinds import ObjectPages
from controlplane.web.portal.object_page import add_form
from controlplane.web.portal.objects_page import add_list
from controlplane.web.portal.routes import page_router


def object_router(pages: ObjectPages) -> APIRouter:
    """Return the routes of a kind: its list, and the pages to add, change and delete one."""
    router = page_router()
    add_list(router, pages)
    add_form(router, pages)
    add_delete(router, pages)
    return router
