"""Which definition has which hook path, and what is wrong with those that have none. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from ensue.model import secret
from ensue.model.errors import Problem
from ensue.model.secret import SecretPlace
from ensue.model.values import Json, Namespace
from ensue.ports.store import StoredDefinition
from ensue.runtime import wanting
from ensue.sources import cloudevents, container_webhook, webhook
from ensue.sources.webhook.kind import WebhookSource
from ensue.sources.webhook.settings import Hook

TYPES: Mapping[str, type[Hook]] = {
    WebhookSource.name: webhook.Settings,
    cloudevents.CloudEventsSource.name: cloudevents.Settings,
    container_webhook.ContainerWebhookSource.name: container_webhook.Settings,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A webhook of a definition."""

    source_key: str
    title: str
    """What people call it: `Source/NAME`, or `Trigger/NAME/NAME`."""
    place: str
    """Where it is in the definition, as `spec.sources[0].with`."""
    settings: Hook | Problem
    is_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A definition with its webhooks: what is kept of it, so that it is read once."""

    kind: str
    name: str
    uid: str
    created_at: datetime
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A webhook that takes requests."""

    source_key: str
    title: str
    settings: Hook
    is_enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts:
    """Of one namespace."""

    by_path: Mapping[str, Mount] = field(default_factory=dict)
    problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    """By the uid of the definition."""


def owner(stored: StoredDefinition) -> Owner:
    """With the webhooks that a Trigger has of its own, or that a Source is."""
    return Owner(
        kind=stored.kind,
        name=stored.name,
        uid=stored.uid,
        created_at=stored.created_at,
        claims=tuple(_claims(stored)),
    )


def settle(owners: Iterable[Owner]) -> Mounts:
    """The older definition keeps a path that another claims too."""
    mounts: dict[str, Mount] = {}
    first: dict[str, Owner] = {}
    problems: dict[str, list[Problem]] = {}
    for each in sorted(owners, key=lambda owner: (owner.created_at, owner.uid)):
        for claim in each.claims:
            settings = claim.settings
            if isinstance(settings, Problem):
                problems.setdefault(each.uid, []).append(settings)
            elif settings.path in mounts:
                problems.setdefault(each.uid, []).append(_taken(claim, settings.path, first[settings.path]))
            else:
                mounts[settings.path] = Mount(
                    source_key=claim.source_key,
                    title=claim.title,
                    settings=settings,
                    is_enabled=claim.is_enabled,
                )
                first[settings.path] = each
    return Mounts(by_path=mounts, problems={uid: tuple(found) for uid, found in problems.items()})


def keyless(
    owners: Iterable[Owner], secrets: Collection[tuple[str, str]], namespace: Namespace
) -> Iterator[tuple[str, Problem]]:
    """The uids of definitions that ask for a secret that is not among these (name and key), and what to do."""
    for each in owners:
        for claim in each.claims:
            settings = claim.settings
            for wanted in () if isinstance(settings, Problem) else settings.verify.secrets:
                if (wanted.name, wanted.key) not in secrets:
                    message = f"there is no secret {wanted.name} with the key {wanted.key} to know the sender by"
                    place = SecretPlace(namespace=namespace, name=wanted.name, key=wanted.key)
                    remedy = f"set it with `{secret.setting(place)}`"
                    yield each.uid, Problem(message=message, remedy=remedy, path=f"{claim.place}.verify")


def _claims(stored: StoredDefinition) -> Iterator[Claim]:
    is_shared = stored.kind == "Source"
    for want in wanting.own(stored):
        if want.type in TYPES:
            given = wanting.given(want)
            if want.type == container_webhook.ContainerWebhookSource.name:
                given = container_webhook.with_path(given, stored.name)
            place = f"{want.path}.with"
            yield Claim(
                source_key=want.key,
                title=want.title,
                place=place,
                settings=_settings(want.type, given, place),
                is_enabled=not is_shared or wanting.is_enabled(stored),
            )


def _settings(type: str, given: Mapping[str, Json], place: str) -> Hook | Problem:
    try:
        return TYPES[type].model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        path = ".".join([place, *(str(part) for part in found["loc"])])
        return Problem(message=found["msg"].removeprefix("Value error, "), path=path)


def _taken(claim: Claim, path: str, owner: Owner) -> Problem:
    return Problem(
        message=f"the webhook path {path} belongs to {owner.kind.lower()} {owner.name}, so this one takes nothing in",
        remedy="choose another path, or share one Source with `ref`",
        path=f"{claim.place}.path",
    )
