"""Source type `push`: data that a program sends with the token of the trigger, as relay's API has it."""

from typing import ClassVar

from pydantic import Field

from ensue.model.definition import Strict


class PushField(Strict):
    type: str = ""
    """What its value must be: a type of JSON, as string or integer."""
    description: str = ""
    """What it is."""


class Settings(Strict):
    """What is sent to `POST /api/events` with the trigger's token."""

    schema_: dict[str, PushField] = Field(default_factory=dict, alias="schema")
    """The fields of the data. One that is not here is taken as it is."""


class PushSource:
    name: ClassVar[str] = "push"
    settings: ClassVar[type[Strict]] = Settings
