"""Where the app's parts are, and what each address takes.

Each router names its whole path: what is logged and counted is the template of its own route.
"""

from __future__ import annotations

from fastapi import Request
from fastapi.routing import iter_route_contexts

API = "/api/v1"


def methods_of(request: Request) -> set[str]:
    """Return the methods that the address of a request takes, over all of its routes.

    The request has found its address, but no route with its method.
    """
    path = request.scope["route"].path
    methods = {
        method
        for route in iter_route_contexts(request.app.routes)
        if route.path == path
        for method in route.methods or ()
    }
    # As the edge has it: whatever can be read by GET can be asked for by HEAD.
    return methods | {"HEAD"} if "GET" in methods else methods
