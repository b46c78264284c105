"""One evaluation: what it may read, what it found missing, and what it has used up."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from ensue.expr.interface import Absent, Answer, Code, Found, Limits, Missing, NotLoaded, Ref, Scope
from ensue.expr.relay.flavours import Flavour
from ensue.expr.relay.values import UNRESOLVED, Failure


class Run:
    """The state of one evaluation. `root` is what `$` and bare names mean after a pipe or in a query."""

    __slots__ = ("flavour", "limits", "missing", "needs", "root", "scope", "size", "steps")

    def __init__(self, scope: Scope, flavour: Flavour, limits: Limits) -> None:
        self.scope = scope
        self.flavour = flavour
        self.limits = limits
        self.root: object = None
        self.missing: list[Missing] = []
        self.needs: set[Ref] = set()
        self.steps = limits.steps
        self.size = limits.size

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise Failure(f"the expression takes more than {self.limits.steps} steps", Code.LIMIT)

    def grow(self, size: int) -> None:
        self.size -= size
        if self.size < 0:
            raise Failure(f"the expression makes more than {self.limits.size} characters and elements", Code.LIMIT)

    def find(self, root: str, key: str | None, missing: Missing) -> object:
        answer = self.scope.find(root, key)
        return answer.value if type(answer) is Found else self.absent(answer, missing)

    def absent(self, answer: Answer, missing: Missing) -> object:
        """Notes why there is no value."""
        if isinstance(answer, NotLoaded):
            self.needs.add(answer.ref)
        elif isinstance(answer, Absent):
            self.missing.append(missing)
        return UNRESOLVED

    @property
    def gaps(self) -> int:
        """Grows whenever something is found missing or not loaded for the first time."""
        return len(self.missing) + len(self.needs)

    def force(self, value: object) -> object:
        """The value itself, of one that is looked into only as far as it is used."""
        return value.whole(self) if isinstance(value, Lazy) else value


Thunk = Callable[[Run], object]
"""A compiled expression."""


class Lazy(ABC):
    """A value that is looked into only as far as it is used."""

    __slots__ = ()

    @abstractmethod
    def select(self, run: Run, key: object) -> object:
        """A member, perhaps lazy itself."""

    @abstractmethod
    def whole(self, run: Run) -> object:
        """The value; parts of it that are missing stay as they are written, and are noted."""
