"""How libraries declare functions, and how a call finds the overload for its arguments.

Kinds of arguments: null bool int uint double string bytes list map timestamp duration optional type, `dyn` for any, and
alternatives as `int|uint|double`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ensue.expr.cel import failure, values
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import Value

KINDS = frozenset(
    "null bool int uint double string bytes list map timestamp duration optional type".split()  # noqa: SIM905
)
Body = TypeVar("Body", bound=Callable[..., Value])


@dataclass(frozen=True, slots=True, kw_only=True)
class Overload:
    """One way to call a function. For a receiver-style one the first of `args` is the receiver."""

    name: str
    args: tuple[str, ...]
    returns: str
    body: Callable[..., Value]
    is_method: bool = False
    is_metered: bool = False
    """The body takes a Meter before its arguments."""
    is_variadic: bool = False
    """The last of `args` may repeat, once or more."""

    def takes(self, kinds: Sequence[str]) -> bool:
        """Whether it may be called with these; `dyn` fits everything."""
        args = self.args
        if self.is_variadic and len(kinds) > len(args):
            args = args + args[-1:] * (len(kinds) - len(args))
        return len(args) == len(kinds) and all(map(fits, args, kinds))

    def call(self, meter: Meter, arguments: Sequence[Value]) -> Value:
        return self.body(meter, *arguments) if self.is_metered else self.body(*arguments)


def fits(declared: str, kind: str) -> bool:
    """Whether a value of this kind (perhaps `dyn`, perhaps alternatives) may be passed where that is declared."""
    if declared in {"dyn", kind} or kind == "dyn":
        return True
    if "|" in kind:
        return any(fits(declared, part) for part in kind.split("|"))
    return kind in declared.split("|")


class Library:
    """A set of functions as a value: `STRINGS = Library("strings")`, then `@STRINGS.function(...)`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._overloads: list[Overload] = []

    def __iter__(self) -> Iterator[Overload]:
        return iter(self._overloads)

    def function(
        self,
        name: str,
        *,
        receiver: str | None = None,
        args: tuple[str, ...] = (),
        returns: str = "dyn",
        metered: bool = False,
        variadic: bool = False,
    ) -> Callable[[Body], Body]:
        """Declares an overload: receiver-style when there is a receiver, else global; global names may have dots
        (`math.greatest`). The callable gets the receiver, then the arguments; a Meter before them if `metered`."""
        declared = args if receiver is None else (receiver, *args)
        for kind in [returns, *declared]:
            if not set(kind.split("|")) <= KINDS | {"dyn"}:
                raise ValueError(f"{name}: unknown kind {kind}")

        def declare(body: Body) -> Body:
            self._overloads.append(
                Overload(
                    name=name,
                    args=declared,
                    returns=returns,
                    body=body,
                    is_method=receiver is not None,
                    is_metered=metered,
                    is_variadic=variadic,
                )
            )
            return body

        return declare


@dataclass(frozen=True, slots=True)
class Function:
    """All overloads of one name and style."""

    name: str
    is_method: bool
    overloads: tuple[Overload, ...]
    _found: dict[tuple[type, ...], Overload] = field(default_factory=dict)

    def find(self, arguments: Sequence[Value]) -> Overload:
        """The overload for these values; the first declared wins."""
        classes = tuple(map(type, arguments))
        overload = self._found.get(classes)
        if overload is None:
            kinds = [values.kind_of(argument) for argument in arguments]
            overload = self.match(kinds)
            if overload is None:
                raise failure.no_overload(self.name, *kinds)
            if len(classes) <= 3:
                self._found[classes] = overload
        return overload

    def match(self, kinds: Sequence[str]) -> Overload | None:
        return next((overload for overload in self.overloads if overload.takes(kinds)), None)


class Functions:
    """The functions of one environment."""

    def __init__(self, libraries: Iterable[Library]) -> None:
        grouped: dict[tuple[str, bool], list[Overload]] = {}
        for library in libraries:
            for overload in library:
                grouped.setdefault((overload.name, overload.is_method), []).append(overload)
        self._functions = {key: Function(*key, tuple(overloads)) for key, overloads in grouped.items()}

    def find(self, name: str, *, is_method: bool) -> Function | None:
        return self._functions.get((name, is_method))

    def names(self, *, is_method: bool) -> list[str]:
        return sorted(name for name, style in self._functions if style is is_method)
