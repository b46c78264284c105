"""Source types: what a `type` of a source means."""

from typing import ClassVar, Protocol

from ensue.model.definition import Strict


class SourceType(Protocol):
    """Registered by entry point, `NAME = "package.module:Class"` in the group `ensue.source_types`.

    A push source, such as a webhook, has nothing more: its route is mounted by `app`.
    """

    name: ClassVar[str]
    settings: ClassVar[type[Strict]]
    """The model of its `with`, by which definitions are checked before they are applied."""
