"""The API's description as a page for people, made from the OpenAPI document; loads nothing foreign."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from controlplane.web.pages import Pages
from controlplane.web.paths import API

_METHODS = ("get", "post", "put", "patch", "delete")
_FILES = {"audio/wav": "recording.wav", "text/csv": "file.csv"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What goes into the address or a header."""

    name: str
    where: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of a call; `example` is JSON, or empty."""

    status: str
    description: str
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the API with an example."""

    id: str
    tag: str
    method: str
    path: str
    summary: str
    parameters: tuple[Parameter, ...]
    example: str
    answers: tuple[Answer, ...]


def docs_routes(pages: Pages, describe: Callable[[], dict[str, Any]], *, public_url: str) -> APIRouter:
    """Return the page's route; `describe` gives the OpenAPI document."""
    router = APIRouter(prefix=API, include_in_schema=False)

    @router.get("/docs")
    async def docs() -> Response:
        document = describe()
        calls = calls_of(document, public_url=public_url)
        tags = {
            tag: [call for call in calls if call.tag == tag] for tag in dict.fromkeys(c.tag for c in calls)
        }
        info = document["info"]
        return pages.answer(
            "docs.html",
            title=f"{info['title']} {info['version']}",
            paragraphs=info["description"].split("\n\n"),
            tags=tags,
        )

    return router


def calls_of(document: dict[str, Any], *, public_url: str) -> list[Call]:
    """List the calls of an OpenAPI document, in its order, each with an example as a command of curl."""
    return [
        _call(document, method, path, operation, public_url)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in _METHODS
    ]


def _call(
    document: dict[str, Any], method: str, path: str, operation: dict[str, Any], public_url: str
) -> Call:
    parameters = operation.get("parameters", [])
    bodies = operation.get("requestBody", {}).get("content", {})
    body = bodies.get("application/json")
    return Call(
        id=operation["operationId"],
        tag=operation["tags"][0],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        parameters=tuple(
            Parameter(
                name=parameter["name"],
                where=parameter["in"],
                required=parameter.get("required", False),
                description=parameter.get("description", ""),
            )
            for parameter in parameters
        ),
        example=_curl(
            method.upper(),
            public_url.rstrip("/") + _filled(path, parameters),
            None if body is None else _example(document, body),
            file=next((kind for kind in bodies if kind in _FILES), None),
        ),
        answers=tuple(
            Answer(
                status=status, description=answer["description"], example=_answer_example(document, answer)
            )
            for status, answer in operation["responses"].items()
        ),
    )


def _curl(method: str, url: str, body: Any, *, file: str | None) -> str:
    lines = [f"curl -X {method} '{url}'", "-H 'Authorization: Bearer svm_…'"]
    if body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body, ensure_ascii=False)}'"]
    if file is not None:
        lines += [f"-H 'Content-Type: {file}'", f"--data-binary @{_FILES[file]}"]
    return " \\\n  ".join(lines)


def _filled(path: str, parameters: list[dict[str, Any]]) -> str:
    for parameter in parameters:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", _parameter_example(parameter))
    return path


def _parameter_example(parameter: dict[str, Any]) -> str:
    examples = parameter["schema"].get("examples") or parameter.get("examples") or ["…"]
    return str(examples[0])


def _answer_example(document: dict[str, Any], answer: dict[str, Any]) -> str:
    contents = answer.get("content", {})
    if "audio/wav" in contents:
        return "a WAV file"
    if "text/csv" in contents:
        return str(_example(document, contents["text/csv"]))
    content = contents.get("application/json")
    found = None if content is None else _example(document, content)
    return "" if found is None else json.dumps(found, indent=2, ensure_ascii=False)


def _example(document: dict[str, Any], content: dict[str, Any]) -> Any:
    schema = content["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    found = document["components"]["schemas"][name] if name else schema
    return next(iter(found.get("examples", [])), None)
