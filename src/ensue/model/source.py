"""Source: lets events in; named and shared here, or written inside a trigger."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ensue.model.definition import Compat, Metadata, Strict
from ensue.model.values import Json

SourceType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]


class SourceSpec(Strict):
    description: str = ""
    """What the source is for."""
    type: SourceType
    """The kind of source: webhook, cloudevents, cron, resource-watcher, file…"""
    with_: dict[str, Json] = Field(default_factory=dict, alias="with")
    """The settings of that kind of source."""
    enabled: bool = True
    """A source that is not enabled lets nothing in."""


class Source(Strict):
    """Lets events in for any number of triggers."""

    api_version: Literal["ensue.dev/v1alpha1", "relay.sh/v1beta1"] = "ensue.dev/v1alpha1"
    kind: Literal["Source"] = "Source"
    metadata: Metadata
    """What names the source and describes it."""
    compat: Compat = ""
    """`strict` reproduces quirks of the reference systems."""
    spec: SourceSpec
    """The kind of source and its settings."""
