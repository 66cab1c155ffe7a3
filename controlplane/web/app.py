"""The web app: the REST API, its description, the page of a message, and health."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from prometheus_client import CollectorRegistry
from starlette.staticfiles import StaticFiles

from controlplane import __version__
from controlplane.web import message_page
from controlplane.web.api import configuration, extensions, languages, mailboxes, messages, numbers, tenants
from controlplane.web.audio import AudioFiles
from controlplane.web.deps import WebDeps
from controlplane.web.docs_page import STATIC, docs_routes
from controlplane.web.edge import Edge, HttpFigures
from controlplane.web.errors import Problem, add_error_handlers
from controlplane.web.health import health_routes
from controlplane.web.security import json_only, principal_of

API = "/api/v1"

_DESCRIPTION = """Provisioning of shared voicemail boxes, and their messages.

Send `Authorization: Bearer <token>` with every call; a token is made by `controlplane create-token`
and belongs to one tenant. A system token names the tenant in `X-Tenant`. Errors are problem documents
(RFC 9457). Lists come in pages: pass `next` as `after`. Times are UTC."""
