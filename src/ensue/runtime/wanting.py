"""Which sources of a namespace are to be at work: those that an enabled trigger sees, or a tenant is told of. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ensue.core import deciding
from ensue.model.values import Json, Namespace
from ensue.ports.store import StoredDefinition

TOLD = "container-webhook"
"""The type of source whose events a tenant may be told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A source, and what there is to know of it. When any of it changes, another one is wanted."""

    namespace: Namespace
    key: str
    name: str
    """What its definition calls it."""
    owner: str
    """The uid of its definition."""
    type: str
    given: str
    """Its `with`, as JSON."""
    address: str
    """What its events have as source."""
    path: str
    """Where it is in its definition, as `spec.sources[0]`."""
    title: str
    """What people call it: `Source/NAME`, or `Trigger/NAME/NAME`."""


def wanted(definitions: Iterable[StoredDefinition]) -> dict[str, Want]:
    """By key; of whatever type, also of those that another server has and this one has not."""
    known = list(definitions)
    shared = {one.name: one for one in known if one.kind == "Source"}
    found: dict[str, Want] = {}
    for trigger in known:
        if trigger.kind != "Trigger" or not is_enabled(trigger):
            continue
        for want in own(trigger):
            found[want.key] = want
        for name in refs(trigger):
            source = shared.get(name)
            if source is not None and is_enabled(source):
                found |= {want.key: want for want in own(source)}
    told = with_sinks(known)
    for source in shared.values():
        if is_enabled(source) and tenant(source) in told:
            found |= {want.key: want for want in own(source)}
    return found


def with_sinks(definitions: Iterable[StoredDefinition]) -> frozenset[str]:
    """The names of the Tenants among them that have a sink for the events of triggers."""
    return frozenset(one.name for one in definitions if one.kind == "Tenant" and _has_sink(_spec(one)))


def tenant(source: StoredDefinition) -> str:
    """Who is told of the events of a Source, if it is of relay's webhook triggers; else empty."""
    spec = _spec(source)
    given = spec.get("with")
    name = given.get("tenant") if isinstance(given, dict) and spec.get("type") == TOLD else None
    return name if isinstance(name, str) else ""


def own(stored: StoredDefinition) -> Iterator[Want]:
    """The source that a Source is, or those that are a Trigger's own."""
    if stored.kind == "Source":
        address = f"/ensue/sources/{stored.namespace}/{stored.name}"
        yield from _want(stored, _spec(stored), stored.name, address, "spec")
        return
    for position, source in sources(stored):
        name = str(source.get("name") or source.get("type"))
        address = f"/ensue/triggers/{stored.namespace}/{stored.name}/{name}"
        yield from _want(stored, source, name, address, f"spec.sources[{position}]")


def refs(trigger: StoredDefinition) -> Iterator[str]:
    """The names of the shared Sources that a Trigger sees."""
    for _, source in sources(trigger):
        if isinstance(name := source.get("ref"), str):
            yield name


def given(want: Want) -> Mapping[str, Json]:
    """Its `with`."""
    found = json.loads(want.given)
    return found if isinstance(found, dict) else {}


def is_enabled(stored: StoredDefinition) -> bool:
    return _spec(stored).get("enabled", True) is True


def _want(stored: StoredDefinition, source: Mapping[str, Json], name: str, address: str, path: str) -> Iterator[Want]:
    if isinstance(type := source.get("type"), str):
        is_shared = stored.kind == "Source"
        yield Want(
            namespace=stored.namespace,
            key=deciding.shared_key(name) if is_shared else deciding.own_key(stored.uid, name, type),
            name=name,
            owner=stored.uid,
            type=type,
            given=json.dumps(source.get("with") or {}, sort_keys=True),
            address=address,
            path=path,
            title=f"Source/{name}" if is_shared else f"Trigger/{stored.name}/{name}",
        )


def sources(trigger: StoredDefinition) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """Those of a Trigger, its own and shared ones, with their position."""
    found = _spec(trigger).get("sources")
    for position, source in enumerate(found if isinstance(found, list) else ()):
        if isinstance(source, dict):
            yield position, source


def _has_sink(spec: Mapping[str, Json]) -> bool:
    sink = spec.get("triggerEventSink")
    return isinstance(sink, dict) and isinstance(sink.get("api"), dict)


def _spec(stored: StoredDefinition) -> Mapping[str, Json]:
    spec = stored.body.get("spec")
    return spec if isinstance(spec, dict) else {}
