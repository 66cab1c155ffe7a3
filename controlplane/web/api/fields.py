"""Field types and examples that several schemas share."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field

from controlplane.domain.mailbox import MAX_INTRODUCTION, MAX_SUBJECT

NumberField = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{3,64}$", description="3 to 64 digits, unique within the tenant.", examples=["8001"]
    ),
]
DisplayName = Annotated[str, Field(min_length=1, max_length=64, description="What people see.")]
Language = Annotated[
    str,
    Field(
        min_length=2,
        max_length=35,
        description="A BCP 47 tag; falls back along the tag, so that `en-GB` speaks `en`.",
        examples=["en-GB"],
    ),
]


MailSubject = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_SUBJECT,
        description="The subject of mails: a Jinja template with the variables of docs/mail.md.",
    ),
]
MailIntroduction = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_INTRODUCTION,
        description="What mails say before the facts: a Jinja template; an empty line begins a paragraph.",
    ),
]


def without_default(schema: dict[str, Any]) -> None:
    """Take the default out of a schema: a field of a PATCH that is left out stays as it is."""
    schema.pop("default", None)


def left_out(description: str | None = None) -> Any:
    """Make a field of a PATCH: None stands for one that was not sent, and cannot be sent itself."""
    if description is None:
        return Field(None, json_schema_extra=without_default)  # The type's own description stays.
    return Field(None, json_schema_extra=without_default, description=description)


class Input(BaseModel):
    """A body: unknown fields and other types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Output(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


def examples_of_schemas() -> dict[str, list[dict[str, Any]]]:
    """Return the examples of all schemas that are loaded, by the schema's name, as they were written."""
    found: dict[str, list[dict[str, Any]]] = {}
    waiting: list[type[BaseModel]] = [Input, Output]
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        extra = model.model_config.get("json_schema_extra")
        if isinstance(extra, dict) and "examples" in extra:
            found[model.__name__] = cast("list[dict[str, Any]]", extra["examples"])
    return found


def example(value: dict[str, Any]) -> ConfigDict:
    """Return the configuration of a schema with an example."""
    return ConfigDict(json_schema_extra={"examples": [value]})


RETAIN_DAYS: Final = "Then a message goes to the trash; 0: never."
TRASH_DAYS: Final = "Then what is in the trash is removed for good, with its recording."
MAX_MESSAGES: Final = (
    "Messages that it holds, the trash aside; 0: as many as come. When it is full, callers are told so."
)
MAX_TOTAL_SECONDS: Final = "The same in seconds of all of them together; 0: as many as come."
RetainDays = Annotated[int, Field(ge=0, le=3650)]
TrashDays = Annotated[int, Field(ge=1, le=3650)]
MaxMessages = Annotated[int, Field(ge=0, le=100_000)]
MaxTotalSeconds = Annotated[int, Field(ge=0, le=36_000_000)]
