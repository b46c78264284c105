"""The envelope that every definition shares."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ensue.model.values import Name, SecretName

NATIVE_GROUP = "ensue.dev/v1alpha1"


class Dialect(StrEnum):
    """Whose rules a file follows where the same words differ (docs/glossary.md, Dialect)."""

    ENSUE = "ensue"
    RELAY = "relay"
    RELATION = "relation"
    KUBE_TRIGGER = "kube-trigger"
    PALVELLA = "palvella"


Compat = Literal["", "strict"]
"""`strict` reproduces quirks of the reference systems that existing files may depend on."""


class Strict(BaseModel):
    """The base of all definition models: frozen, camelCase on the outside, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        defer_build=True,
    )


class Metadata(Strict):
    """What names a definition and describes it."""

    name: Name
    """Unique among the kind's objects of a namespace."""
    namespace: Name = "default"
    """The unit of isolation the definition belongs to."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Short texts to select objects by."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Free texts for people and programs."""


class Reference(Strict):
    """Another object, by name."""

    name: Name
    """The object's name."""
    namespace: Name | None = None
    """Its namespace; that of the referring object when absent."""


class SecretKey(Strict):
    """One value of a stored secret."""

    name: SecretName
    """The secret's name."""
    key: str = "value"
    """Which of its values."""
