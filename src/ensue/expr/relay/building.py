"""Syntax trees to closures.

Names are roots of the scope; after a pipe and in queries they are members of the current root.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ensue.expr.interface import Code
from ensue.expr.relay import operators, rendering, roots
from ensue.expr.relay.flavours import Flavour
from ensue.expr.relay.running import Lazy, Run, Thunk
from ensue.expr.relay.syntax import Call, Constant, Infix, Listing, Node, Path, Pipe, Prefix, Template
from ensue.expr.relay.syntax import Mapping as MappingNode
from ensue.expr.relay.values import UNRESOLVED, Failure, Nowhere, key_text, select, truth


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call is given, not yet evaluated."""

    positional: Sequence[Thunk] = ()
    named: Mapping[str, Thunk] | None = None


Function = Callable[[Run, Arguments], object]


@dataclass(frozen=True, slots=True)
class Setting:
    """What the words of a text mean."""

    flavour: Flavour
    functions: Mapping[str, Function]
    is_scoped: bool = True
    """Names are roots of the scope, else members of the current root."""


@dataclass(frozen=True, slots=True)
class Thunks(Lazy):
    """A map or list in an expression whose members are evaluated when they are used."""

    members: dict[str, Thunk] | list[Thunk]
    root: object
    """What bare names in it mean."""

    def select(self, run: Run, key: object) -> object:
        return self._at_home(run, lambda: select(self.members, key)(run))  # type: ignore[operator]

    def whole(self, run: Run) -> object:
        return self._at_home(run, lambda: self._whole(run))

    def _whole(self, run: Run) -> object:
        if isinstance(self.members, dict):
            return _resolved({key: run.force(member(run)) for key, member in self.members.items()})
        return _resolved([run.force(member(run)) for member in self.members])

    def _at_home(self, run: Run, evaluate: Callable[[], object]) -> object:
        away, run.root = run.root, self.root
        try:
            return evaluate()
        finally:
            run.root = away


def build(node: Node, setting: Setting) -> Thunk:
    match node:
        case Constant(value=value):
            return lambda run: value
        case Path():
            return _path(node, setting)
        case Call():
            return _call(node, setting)
        case Prefix():
            return _prefix(node, setting)
        case Infix():
            return _infix(node, setting)
        case Listing(items=items):
            return _listing([build(item, setting) for item in items])
        case MappingNode():
            return _mapping(node, setting)
        case Pipe():
            return _pipe(node, setting)


def template(tree: Template, setting: Setting) -> Thunk:
    """Of several parts it makes a text; UNRESOLVED when any is."""
    parts = [part if isinstance(part, str) else _value(part, setting) for part in tree.parts]
    if len(parts) == 1 and not isinstance(parts[0], str):
        return parts[0]

    def join(run: Run) -> object:
        texts: list[str | bytes] = []
        is_resolved = True
        for part in parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            value = part(run)
            if value is UNRESOLVED:
                is_resolved = False
            elif type(value) is str:
                run.grow(len(value))
                texts.append(value)
            else:
                text = rendering.template_text(value, run.grow, run.limits.depth)
                run.grow(len(text))
                texts.append(text)
        return rendering.joined(texts) if is_resolved else UNRESOLVED

    return join


def _value(node: Node, setting: Setting) -> Thunk:
    """Like `build`, but never lazy."""
    thunk, position = build(node, setting), node.start

    def force(run: Run) -> object:
        value = thunk(run)
        if not isinstance(value, Lazy):
            return value
        try:
            return value.whole(run)
        except Failure as failure:
            failure.position = max(failure.position, position)
            raise

    return force


def _resolved(value: dict[str, object] | list[object]) -> object:
    members = value.values() if isinstance(value, dict) else value
    return UNRESOLVED if any(member is UNRESOLVED for member in members) else value


# Paths


def _path(node: Path, setting: Setting) -> Thunk:
    head, keys = node.head, node.keys
    if not setting.is_scoped:
        if head is not None:
            keys = (Constant(head, node.start, node.start), *keys)
        return _walk(_root, keys, "", node, setting) if keys else _root
    if head is None and keys and isinstance(keys[0], Constant):
        head, keys = key_text(keys[0].value), keys[1:]
    if head is None:
        if not setting.flavour.is_relay and not setting.flavour.is_strict:
            raise Failure("$ is everything, secrets included: name what is meant", Code.REFERENCE, node.start)
        everything = roots.Everything()
        return _walk(lambda run: everything, keys, "", node, setting)
    begin, rest = _begin(head, keys, setting)
    return _walk(begin, rest, _title(head, node, rest), node, setting)


def _title(head: str, node: Path, rest: Sequence[Node]) -> str:
    used = node.keys[: len(node.keys) - len(rest)]
    names = [key_text(key.value) for key in used if isinstance(key, Constant)]
    return ".".join(names if node.head is None else [head, *names])


def _begin(head: str, keys: Sequence[Node], setting: Setting) -> tuple[Thunk, Sequence[Node]]:
    """The shortest way to the first value, and the keys that are left."""
    collection = (roots.RELAY if setting.flavour.is_relay else roots.NATIVE).get(head)
    names = [key.value for key in keys[:2] if isinstance(key, Constant) and not isinstance(key.value, bool | None)]
    if len(names) < len(keys[:2]) or any(isinstance(name, list | dict) for name in names):
        return roots.start(head, setting.flavour.is_relay), keys
    if collection is not None and collection.is_nested and len(names) == 2:
        return roots.item(collection, key_text(names[0]), key_text(names[1])), keys[2:]
    if collection is not None and not collection.is_nested and names:
        return roots.member(collection, key_text(names[0])), keys[1:]
    return roots.start(head, setting.flavour.is_relay), keys


def _root(run: Run) -> object:
    return run.root


def _walk(begin: Thunk, keys: Sequence[Node], title: str, node: Path, setting: Setting) -> Thunk:
    if not keys and begin is not _root:
        return _placed(begin, node.start, f"path {_quote(title)}: " if title else "")
    steps = [(key.value, None) if isinstance(key, Constant) else (None, build(key, setting)) for key in keys]

    def walk(run: Run) -> object:
        passed = [title] if title else []
        try:
            value = begin(run)
            for constant, thunk in steps:
                key = constant if thunk is None else run.force(thunk(run))
                if value is UNRESOLVED or key is UNRESOLVED:
                    return UNRESOLVED
                if not isinstance(key, dict | list | None):
                    passed.append(str(key) if isinstance(key, bool) else key_text(key))
                value = value.select(run, key) if isinstance(value, Lazy) else select(value, key)
        except Failure as failure:
            if failure.position < 0:
                failure.position = node.start
                failure.message = f"path {_quote('.'.join(passed))}: {failure.message}"
            raise
        return value

    return walk


def _quote(text: str) -> str:
    return f'"{text if len(text) <= 200 else text[:199] + "…"}"'


def _placed(thunk: Thunk, position: int, prefix: str = "") -> Thunk:
    def place(run: Run) -> object:
        try:
            return thunk(run)
        except Failure as failure:
            if failure.position < 0:
                failure.position = position
                if isinstance(failure, Nowhere):
                    failure.message = prefix + failure.message
            raise

    return place


# Operators


def _prefix(node: Prefix, setting: Setting) -> Thunk:
    operand, operator = _value(node.operand, setting), node.operator

    def apply(run: Run) -> object:
        value = operand(run)
        return UNRESOLVED if value is UNRESOLVED else operators.apply_prefix(operator, value)

    return _placed(apply, node.start)


def _infix(node: Infix, setting: Setting) -> Thunk:
    first = _value(node.first, setting)
    rest = [(operator, _value(operand, setting)) for operator, operand in node.rest]
    is_strict = setting.flavour.is_strict

    def apply(run: Run) -> object:
        left = first(run)
        for operator, operand in rest:
            if operator in ("&&", "||"):
                left = _logical(run, operator, left, operand)
                continue
            right = operand(run)
            if left is UNRESOLVED or right is UNRESOLVED:
                left = UNRESOLVED
                continue
            left = operators.apply(operator, left, right, is_strict, run.grow)
            if isinstance(left, str | bytes):
                run.grow(len(left))
        return left

    return _placed(apply, node.start)


def _logical(run: Run, operator: str, left: object, operand: Thunk) -> object:
    if left is UNRESOLVED:
        if run.needs:
            # What the right side would need is asked for in the same round.
            _try(run, operand)
        return UNRESOLVED
    known = truth(left)
    if known is None:
        raise operators.invalid(left, operator, None)
    if known is (operator == "||"):
        return known
    right = operand(run)
    if right is UNRESOLVED:
        return UNRESOLVED
    if truth(right) is None:
        raise operators.invalid(left, operator, right)
    return truth(right)


def _try(run: Run, thunk: Thunk) -> None:
    try:
        thunk(run)
    except Failure as failure:
        if failure.code is Code.LIMIT:
            raise


# Collections, pipes and calls


def _listing(thunks: Sequence[Thunk]) -> Thunk:
    members = list(thunks)

    def make(run: Run) -> object:
        run.grow(len(members))
        return Thunks(members, run.root)

    return make


def _mapping(node: MappingNode, setting: Setting) -> Thunk:
    pairs = [(_value(key, setting), build(value, setting)) for key, value in node.pairs]

    def make(run: Run) -> object:
        run.grow(len(pairs))
        keys = [key(run) for key, _ in pairs]
        if any(key is UNRESOLVED for key in keys):
            return UNRESOLVED
        return Thunks({key_text(key): value for key, (_, value) in zip(keys, pairs, strict=True)}, run.root)

    return _placed(make, node.start)


def _pipe(node: Pipe, setting: Setting) -> Thunk:
    first = build(node.parts[0], setting)
    rest = [build(part, replace(setting, is_scoped=False)) for part in node.parts[1:]]

    def flow(run: Run) -> object:
        value, before = first(run), run.root
        try:
            for part in rest:
                value = run.force(value)
                if value is UNRESOLVED:
                    break
                run.root = value
                value = part(run)
        finally:
            run.root = before
        return value

    def strict(run: Run) -> object:
        value = flow(run)
        if value is UNRESOLVED and not run.needs:
            raise Failure("unsupported value type <nil> for select")
        return value

    return _placed(strict if setting.flavour.is_relay and setting.flavour.is_strict else flow, node.start)


def _lazily(node: Node, setting: Setting) -> Thunk:
    """As an argument of a function that looks only at the part it needs."""
    if isinstance(node, Listing):
        return _listing([_lazily(item, setting) for item in node.items])
    if isinstance(node, MappingNode):
        return _mapping(node, setting)
    return build(node, setting)


def _call(node: Call, setting: Setting) -> Thunk:
    function = setting.functions.get(node.name)
    arguments = Arguments(
        [_lazily(argument, setting) for argument in node.positional],
        {name: _lazily(argument, setting) for name, argument in node.named} if node.named else None,
    )
    prefix = f'invocation of function "{node.name}" failed: '
    if function is None:
        return _placed(_unknown(prefix), node.start)

    def call(run: Run) -> object:
        try:
            return function(run, arguments)
        except Failure as failure:
            if failure.position < 0:
                failure.position = node.start
                failure.message = prefix + failure.message
            raise

    return call


def _unknown(prefix: str) -> Thunk:
    def fail(run: Run) -> object:
        raise Failure(f"{prefix}function not found", Code.REFERENCE)

    return fail
