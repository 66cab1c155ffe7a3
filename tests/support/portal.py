"""People in front of the portal, in process: each has a browser without script that keeps cookies."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from uuid import UUID

import httpx
from controlplane.domain.password import Password
from controlplane.domain.user import Role
from controlplane.services.users import NewUser, create_user
from tests.support.api import Api

PASSWORD = "seven red chairs"
ORIGIN = "http://test"
_VOID = {"input", "link", "meta", "br", "img", "hr", "path", "circle", "rect"}


@dataclass(slots=True)
class ShownForm:
    """A form of a page: where it goes, and what it sends as it stands."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    """Reads a page: its words, its forms, and every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[ShownForm] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.title = ""
        self._open: list[str] = []
        self.words: list[str] = []
        self._select: str | None = None
        self._area: str | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "form":
            self.forms.append(ShownForm(attributes.get("action", ""), attributes.get("method", "get")))
        elif tag == "input" and self.forms and "name" in attributes:
            ticked = attributes.get("type") not in {"checkbox", "radio"} or "checked" in attributes
            if ticked:
                self.forms[-1].fields[attributes["name"]] = attributes.get("value", "")
        elif tag == "textarea":
            self._area = attributes["name"]
            self.forms[-1].fields[self._area] = ""
        elif tag == "select":
            self._select = attributes["name"]
        elif tag == "option" and self._select is not None:
            chosen = "selected" in attributes or self._select not in self.forms[-1].fields
            if chosen:
                self.forms[-1].fields[self._select] = attributes.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a tag."""
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            # Browsers leave out the line end at the beginning.
            own = self.forms[-1].fields
            own[str(self._area)] = own[str(self._area)].removeprefix("\n")
            self._area = None

    def handle_data(self, data: str) -> None:
        """Note words, and what stands in a field of several lines."""
        if self._area is not None:
            self.forms[-1].fields[self._area] += data
        if "title" in self._open:
            self.title += data
        elif "style" not in self._open and "script" not in self._open:
            self.words.append(data)


class Shown:
    """A page as it was sent; it is read when a test first asks for something of it."""

    def __init__(self, html: str) -> None:
        self._html = html

    @cached_property
    def _read(self) -> _Reader:
        return _Reader(self._html)

    @property
    def text(self) -> str:
        """All words, with single blanks."""
        return " ".join(" ".join(self._read.words).split())

    @property
    def title(self) -> str:
        """The title."""
        return self._read.title

    @property
    def forms(self) -> list[ShownForm]:
        """All forms, in their order."""
        return self._read.forms

    @property
    def tags(self) -> list[tuple[str, dict[str, str]]]:
        """Each tag with its attributes."""
        return self._read.tags

    def form(self, action: str) -> ShownForm:
        """Return the form whose address ends so; without one, the form of the page's own address."""
        return next(
            form for form in self.forms if (form.action.endswith(action) if action else not form.action)
        )

    def has_form(self, action: str) -> bool:
        """Say whether there is one."""
        return any(form.action.endswith(action) for form in self.forms)

    def with_attribute(self, name: str) -> list[dict[str, str]]:
        """Return the attributes of all tags that have this one."""
        return [attributes for _, attributes in self.tags if name in attributes]


class Browser:
    """A browser without script: opens addresses, follows answers, sends the forms of the page it shows."""

    def __init__(self, api: Api, *, language: str = "en", address: str = "192.0.2.1") -> None:
        transport = httpx.ASGITransport(app=api.app, raise_app_exceptions=False, client=(address, 1234))
        self.client = httpx.AsyncClient(
            transport=transport,
            base_url=ORIGIN,
            headers={"Accept-Language": language, "Accept": "text/html"},
        )
        self.answer: httpx.Response
        self.shown: Shown

    async def __aenter__(self) -> Self:
        """Open."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.client.aclose()

    @property
    def path(self) -> str:
        """The address that is shown."""
        return self.answer.url.raw_path.decode()

    async def open(self, path: str) -> Shown:
        """Go to an address and on to where it leads."""
        return await self._show(await self.client.get(path, follow_redirects=True))

    async def send(self, action: str, **fields: str) -> Shown:
        """Fill in a form of the shown page and send it, as a browser does."""
        form = self.shown.form(action)
        address = form.action or self.path
        return await self.post(address, {**form.fields, **fields})

    async def post(self, address: str, fields: dict[str, str], **headers: str) -> Shown:
        """Send any form to any address, from this origin unless `headers` say another one."""
        answer = await self.client.post(address, data=fields, headers={"Origin": ORIGIN, **headers})
        while answer.has_redirect_location:
            answer = await self.client.get(answer.headers["Location"])
        return await self._show(answer)

    async def sign_in(self, user_name: str, password: str = PASSWORD) -> Shown:
        """Sign in by the form."""
        await self.open("/portal/sign-in")
        return await self.send("/sign-in", user_name=user_name, password=password)

    async def _show(self, answer: httpx.Response) -> Shown:
        self.answer = answer
        self.shown = Shown(answer.text)
        return self.shown


async def make_user(
    api: Api,
    user_name: str,
    *,
    tenant: str | None = None,
    password: str | None = PASSWORD,
    display_name: str | None = None,
    role: Role = Role.TENANT_ADMIN,
    extension: str | None = None,
) -> UUID:
    """Make a user: a system admin, or one of a tenant."""
    user = await create_user(
        api.deps.db,
        api.deps.passwords,
        new=NewUser(
            user_name=user_name,
            display_name=display_name or user_name.capitalize(),
            tenant=tenant,
            password=None if password is None else Password(password),
            role=role,
            extension=extension,
        ),
        scope=None,
        by="tests",
    )
    return user.id
