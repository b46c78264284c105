"""Which definition has which hook path, and what is wrong with those that have none. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from ensue.model.errors import Problem
from ensue.model.values import Json
from ensue.ports.store import StoredDefinition
from ensue.sources.webhook.settings import Settings

TYPE = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A webhook of a definition."""

    owner: StoredDefinition
    source_key: str
    place: str
    """Where it is in the definition, as `spec.sources[0].with`."""
    given: Mapping[str, Json]
    is_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A webhook that takes requests."""

    source_key: str
    settings: Settings
    is_enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts:
    """Of one namespace."""

    by_path: Mapping[str, Mount] = field(default_factory=dict)
    problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    """By the uid of the definition."""


def settle(definitions: Iterable[StoredDefinition]) -> Mounts:
    """The older definition keeps a path that another claims too."""
    mounts: dict[str, Mount] = {}
    owners: dict[str, StoredDefinition] = {}
    problems: dict[str, list[Problem]] = {}
    for stored in sorted(definitions, key=lambda each: (each.created_at, each.uid)):
        for claim in claims(stored):
            settings = _settings(claim)
            if isinstance(settings, Problem):
                problems.setdefault(stored.uid, []).append(settings)
            elif settings.path in mounts:
                problems.setdefault(stored.uid, []).append(_taken(claim, settings.path, owners[settings.path]))
            else:
                mounts[settings.path] = Mount(
                    source_key=claim.source_key, settings=settings, is_enabled=claim.is_enabled
                )
                owners[settings.path] = stored
    return Mounts(by_path=mounts, problems={uid: tuple(found) for uid, found in problems.items()})


def claims(stored: StoredDefinition) -> Iterator[Claim]:
    """The webhooks that a Trigger has of its own, or that a Source is."""
    spec = stored.body.get("spec")
    if not isinstance(spec, dict):
        return
    if stored.kind == "Source":
        yield from _claim(stored, spec, f"Source/{stored.name}", "spec.with")
        return
    sources = spec.get("sources")
    for position, source in enumerate(sources if isinstance(sources, list) else ()):
        if isinstance(source, dict):
            key = f"{stored.uid}/{source.get('name', TYPE)}"
            yield from _claim(stored, source, key, f"spec.sources[{position}].with")


def _claim(stored: StoredDefinition, source: Mapping[str, Json], key: str, place: str) -> Iterator[Claim]:
    if source.get("type") != TYPE:
        return
    given = source.get("with", {})
    yield Claim(
        owner=stored,
        source_key=key,
        place=place,
        given=given if isinstance(given, dict) else {},
        is_enabled=source.get("enabled", True) is True,
    )


def _settings(claim: Claim) -> Settings | Problem:
    try:
        return Settings.model_validate(claim.given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        path = ".".join([claim.place, *(str(part) for part in found["loc"])])
        return Problem(message=found["msg"].removeprefix("Value error, "), path=path)


def _taken(claim: Claim, path: str, owner: StoredDefinition) -> Problem:
    return Problem(
        message=f"the webhook path {path} belongs to {owner.kind.lower()} {owner.name}, so this one takes nothing in",
        remedy="choose another path, or share one Source with `ref`",
        path=f"{claim.place}.path",
    )
