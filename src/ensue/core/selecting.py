"""Which events a reader wants."""

from dataclasses import dataclass

from ensue.model.event import Event
from ensue.model.values import Namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """A field that ends in `*` is a prefix; an empty one does not matter."""

    namespace: Namespace | None = None
    type: str = ""
    source: str = ""
    subject: str = ""

    @property
    def is_everything(self) -> bool:
        """Within the namespace."""
        return not (self.type or self.source or self.subject)


def is_wanted(select: EventFilter, event: Event) -> bool:
    return (
        select.namespace in (None, event.namespace)
        and _fits(select.type, event.type)
        and _fits(select.source, event.source)
        and _fits(select.subject, event.subject)
    )


def _fits(wanted: str, value: str) -> bool:
    if wanted.endswith("*"):
        return value.startswith(wanted[:-1])
    return not wanted or value == wanted
