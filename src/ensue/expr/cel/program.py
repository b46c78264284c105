"""A compiled text: evaluates on a frame that holds the roots it reads."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ensue.expr.cel import compiling, failure, parsing, paths, results, tracing
from ensue.expr.cel.logic import Frame, Run
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.syntax import Node
from ensue.expr.interface import LIMITS, Broken, Code, Error, Explanation, Limits, Needs, Ref, Result, Scope
from ensue.expr.interface import Value as ValueResult

_YES: Final = ValueResult(True)
_NO: Final = ValueResult(False)
_MAX_REMEMBERED: Final = 2000
_TOO_DEEP: Final = Error("nested too deeply", 0, Code.LIMIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    text: str
    tree: Node
    limits: Limits
    run: Run
    tracer: tracing.Tracer
    size: int
    roots: tuple[tuple[str, int], ...]
    refs: frozenset[Ref]
    needs_meter: bool
    error: None = None

    def evaluate(self, scope: Scope) -> Result:
        frame: Frame = [None] * self.size
        if self.needs_meter:
            frame[0] = Meter(self.limits)
        paths.fill(frame, self.roots, scope)
        try:
            value = self.run(frame)
            if value is True:
                return _YES
            if value is False:
                return _NO
            return ValueResult(results.to_json(value, frame[0] or Meter(self.limits)))
        except failure.Failure as problem:
            return result_of(problem)
        except RecursionError:
            return _TOO_DEEP

    def explain(self, scope: Scope) -> Explanation:
        result = self.evaluate(scope)
        if isinstance(result, Needs) or (isinstance(result, Error) and result.code is Code.LIMIT):
            return Explanation(result)
        try:
            return Explanation(result, self.tracer.trace(self.limits, scope))
        except (failure.Failure, RecursionError):
            return Explanation(result)


def result_of(problem: failure.Failure) -> Error | Needs:
    if isinstance(problem, failure.Unloaded):
        return Needs(problem.refs)
    remedy = problem.remedy() if problem.remedy is not None else ""
    return Error(problem.message, max(0, problem.position), problem.code, remedy)


def compile(text: str, limits: Limits = LIMITS) -> Program | Broken:
    """Texts of usual length are compiled once and remembered; long ones would fill the memory."""
    return _remembered(text, limits) if len(text) <= _MAX_REMEMBERED else _compile(text, limits)


@lru_cache(maxsize=2048)
def _remembered(text: str, limits: Limits) -> Program | Broken:
    return _compile(text, limits)


def _compile(text: str, limits: Limits) -> Program | Broken:
    try:
        tree = parsing.parse(text, limits)
        layout = compiling.Layout()
        run = compiling.compile(tree, layout, {})
    except failure.Failure as problem:
        return Broken(Error(problem.message, max(0, problem.position), problem.code))
    except RecursionError:
        return Broken(_TOO_DEEP)
    return Program(
        text=text,
        tree=tree,
        limits=limits,
        run=run,
        tracer=tracing.Tracer(text, tree),
        size=layout.size,
        roots=tuple(layout.roots.items()),
        refs=frozenset((name,) for name in layout.roots),
        needs_meter=layout.needs_meter,
    )
