"""The roots of templates: collections that are asked for name by name, and plain values."""

from dataclasses import dataclass

from ensue.expr.interface import Absent, Code, Found, Kind, Missing, NotLoaded
from ensue.expr.relay.running import Lazy, Run, Thunk
from ensue.expr.relay.values import UNRESOLVED, Failure, Nowhere, key_text


@dataclass(frozen=True, slots=True)
class Collection:
    """A root whose members are loaded one by one, named by one key or by two."""

    name: str
    kind: Kind
    is_nested: bool = False
    is_guarded: bool = False
    """Holds secret data: never expanded as a whole, `compat: strict` apart."""


_SHARED = (
    Collection("connections", Kind.CONNECTION, is_nested=True, is_guarded=True),
    Collection("outputs", Kind.OUTPUT, is_nested=True),
    Collection("parameters", Kind.PARAMETER),
    Collection("steps", Kind.STATUS, is_nested=True),
)
NATIVE = {
    root.name: root
    for root in (
        *_SHARED,
        Collection("secrets", Kind.SECRET, is_nested=True, is_guarded=True),
        Collection("credentials", Kind.CREDENTIAL, is_guarded=True),
    )
}
RELAY = {root.name: root for root in (*_SHARED, Collection("secrets", Kind.SECRET, is_guarded=True))}
SECRET_KEY = "value"  # noqa: S105 - the name of a key
"""The key of a secret that is named without one."""


def member(collection: Collection, name: str) -> Thunk:
    """The value of `root.name` where one name suffices."""
    root, missing = collection.name, Missing(collection.kind, (name,))
    is_secret = collection.kind is Kind.SECRET

    def find(run: Run) -> object:
        answer = run.scope.find(root, name)
        if type(answer) is not Found:
            return run.absent(answer, missing)
        return _secret(run, name, answer.value) if is_secret else answer.value

    return find


def item(collection: Collection, name: str, key: str) -> Thunk:
    """The value of `root.name.key` where two names are needed."""
    root, missing = collection.name, Missing(collection.kind, (name, key))

    def find(run: Run) -> object:
        answer = run.scope.find(root, name)
        if type(answer) is Found:
            found = answer.value
            if isinstance(found, dict) and key in found:
                return found[key]
            run.missing.append(missing)
            return UNRESOLVED
        return run.absent(answer, missing)

    return find


def plain(name: str) -> Thunk:
    """A root that is one value."""

    def find(run: Run) -> object:
        answer = run.scope.find(name, None)
        if type(answer) is Found:
            return answer.value
        if isinstance(answer, NotLoaded):
            run.needs.add(answer.ref)
            return UNRESOLVED
        raise Nowhere(f"unknown key {name}")

    return find


def _secret(run: Run, name: str, found: object) -> object:
    """A secret is one text, or has several by key."""
    if not isinstance(found, dict):
        return found
    if SECRET_KEY not in found:
        run.missing.append(Missing(Kind.SECRET, (name, SECRET_KEY)))
        return UNRESOLVED
    return found[SECRET_KEY]


@dataclass(frozen=True, slots=True)
class Partly(Lazy):
    """A collection, or one member of a nested one: `outputs`, `outputs.build`."""

    collection: Collection
    name: str | None = None

    def select(self, run: Run, key: object) -> object:
        if self.name is not None:
            return item(self.collection, self.name, key_text(key))(run)
        if self.collection.is_nested:
            return Partly(self.collection, key_text(key))
        return member(self.collection, key_text(key))(run)

    def whole(self, run: Run) -> object:
        return self._all(run) if self.name is None else self._one(run, self.name)

    def _all(self, run: Run) -> object:
        collection = self.collection
        if collection.is_guarded and not run.flavour.is_strict:
            raise Failure(f"{collection.name} cannot be read all at once: name the one that is meant", Code.REFERENCE)
        if collection.kind is Kind.STATUS and run.flavour.is_relay:
            raise Failure("steps cannot be read all at once: name the one that is meant", Code.REFERENCE)
        answer = run.scope.find(collection.name, None)
        match answer:
            case Found(value):
                return value
            case Absent():
                return {}
        return run.absent(answer, Missing(collection.kind, ()))

    def _one(self, run: Run, name: str) -> object:
        collection, is_relay = self.collection, run.flavour.is_relay
        if collection.kind is Kind.STATUS and is_relay:
            return None
        answer = run.scope.find(collection.name, name)
        if isinstance(answer, Absent) and is_relay and collection.is_nested:
            return {}
        if not isinstance(answer, Found):
            return run.absent(answer, Missing(collection.kind, (name,)))
        return _secret(run, name, answer.value) if collection.kind is Kind.SECRET else answer.value


@dataclass(frozen=True, slots=True)
class Everything(Lazy):
    """`$` at the start of a template: all roots by name."""

    def select(self, run: Run, key: object) -> object:
        return start(key_text(key), run.flavour.is_relay)(run)

    def whole(self, run: Run) -> object:
        if not run.flavour.is_strict:
            raise Failure("$ is everything, secrets included: name what is meant", Code.REFERENCE)
        found: dict[str, object] = {}
        for name, collection in (RELAY if run.flavour.is_relay else NATIVE).items():
            if name != "steps":
                found[name] = Partly(collection).whole(run)
        event = run.scope.find("event", None)
        if isinstance(event, Found):
            found["event"] = event.value
        elif isinstance(event, NotLoaded):
            run.needs.add(event.ref)
        return found


def start(name: str, is_relay: bool) -> Thunk:
    """What a path begins with."""
    collection = (RELAY if is_relay else NATIVE).get(name)
    if collection is None:
        return plain(name)
    partly = Partly(collection)
    return lambda run: partly
