"""The short forms that files may use, turned into the canonical form: one type per field.

Anything of an unexpected shape is left as it is, for the model to refuse.
"""

from collections.abc import Callable
from functools import partial

from ensue.expr.spelling import did_you_mean
from ensue.files.marks import Path
from ensue.model import rate
from ensue.model.definition import Dialect
from ensue.model.errors import Problem
from ensue.model.event import EVENTS
from ensue.model.values import Json

Object = dict[str, Json]
_PARAMETER_KEYS = {"name", "type", "description", "default", "required", "enum"}
_FILTER_KEYS = ("all", "any")


class ShortForms:
    """Rewrites one definition; `renamed` says where each moved part is in the file."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.renamed: dict[Path, Path] = {}
        self.problems: list[tuple[Path, Problem]] = []

    def expand(self, kind: str, spec: Json) -> Json:
        rewrite = _REWRITES.get(kind)
        return rewrite(self, dict(spec), ("spec",)) if rewrite and isinstance(spec, dict) else spec

    def workflow(self, spec: Object, path: Path) -> Json:
        self._replace(spec, path, "parameters", self._parameters)
        self._replace(spec, path, "concurrency", lambda value, _: _named(value, "group"))
        self._replace(spec, path, "tenantRef", lambda value, _: _named(value, "name"))
        self._replace(spec, path, "outputs", lambda value, at: self._by_name(value, at, "value"))
        self._replace(spec, path, "defaults", self._defaults)
        self._replace(spec, path, "allow", self._allow)
        for key in ("steps", "finally"):
            self._replace(spec, path, key, lambda value, at: self._each(value, at, self.step))
        return spec

    def run(self, spec: Object, path: Path) -> Json:
        for key in ("workflowRef", "triggerRef"):
            self._replace(spec, path, key, lambda value, _: _named(value, "name"))
        return spec

    def trigger(self, spec: Object, path: Path) -> Json:
        self._replace(
            spec, path, "sources", lambda value, at: self._each(_listed(value, dict), at, self.trigger_source)
        )
        self._replace(spec, path, "filter", self.filter)
        self._replace(spec, path, "allow", self._allow)
        self._replace(spec, path, "debounce", lambda value, _: _named(value, "for"))
        self._replace(spec, path, "throttle", self._rate)
        self._replace(spec, path, "actions", lambda value, at: self._each(_listed(value, dict), at, self.action))
        return spec

    def _rate(self, value: Json, path: Path) -> Json:
        """`10/1m` as limit and time."""
        if not isinstance(value, str):
            return value
        try:
            return dict(rate.read(value))
        except ValueError as error:
            self.problems.append((path, Problem(message=str(error))))
            return {"limit": 1, "per": "1s"}

    def source(self, spec: Object, path: Path) -> Json:
        self._foreign_names(spec, path)
        return spec

    def trigger_source(self, value: Json, path: Path) -> Json:
        if isinstance(value, str):
            if value != EVENTS:
                remedy = did_you_mean(value, [EVENTS]) or f"write {{ref: {value}}} for a Source, else {{type: …}}"
                problem = Problem(message=f'one word is the source `{EVENTS}` only, not "{value}"', remedy=remedy)
                self.problems.append((path, problem))
            return {"name": EVENTS, "type": EVENTS}
        if not isinstance(value, dict):
            return value
        source = dict(value)
        self._foreign_names(source, path)
        self._replace(source, path, "ref", lambda ref, _: _name_of(ref))
        name = source.get("ref") or source.get("type")
        if "name" not in source and isinstance(name, str):
            source["name"] = name.replace(".", "-")
        return source

    def filter(self, value: Json, path: Path) -> Json:
        if isinstance(value, bool | str):
            return {"cel": _condition(value)}
        if not isinstance(value, dict):
            return value
        result = dict(value)
        self._rename(result, path, "cesql", "sql")
        for key in _FILTER_KEYS:
            self._replace(result, path, key, lambda inner, at: self._each(inner, at, self.filter))
        self._replace(result, path, "not", self.filter)
        return result

    def action(self, value: Json, path: Path) -> Json:
        if isinstance(value, dict) and "name" not in value and isinstance(path[-1], int):
            value = {"name": f"action-{path[-1] + 1}", **value}
        return self.step(value, path)

    def step(self, value: Json, path: Path) -> Json:
        if not isinstance(value, dict):
            return value
        step = dict(value)
        self._foreign_names(step, path)
        self._rename(step, path, "needs", "dependsOn")
        for key, rewrite in _STEP_REWRITES.items():
            self._replace(step, path, key, partial(rewrite, self))
        return step

    def conditions(self, value: Json, path: Path) -> Json:
        if not isinstance(value, list):
            self.renamed[(*path, 0)] = path
        items: list[Json] = value if isinstance(value, list) else [value]
        return items if self.dialect is Dialect.RELAY else [_condition(item) for item in items]

    def dependencies(self, value: Json, path: Path) -> Json:
        return self._each(_listed(value, str, dict), path, self._dependency)

    def retry(self, value: Json, path: Path) -> Json:
        if isinstance(value, int) and not isinstance(value, bool):
            return {"limit": value}
        if isinstance(value, dict):
            retry = dict(value)
            self._replace(retry, path, "when", lambda inner, _: _condition(inner))
            self._replace(retry, path, "backoff", lambda inner, _: _named(inner, "duration", str, int, float))
            return retry
        return value

    def matrix(self, value: Json, path: Path) -> Json:
        if not isinstance(value, dict):
            return value
        matrix = {key: inner for key, inner in value.items() if key in ("include", "exclude")}
        axes = {key: inner for key, inner in value.items() if key not in ("include", "exclude")}
        if _has_only(axes, "axes") and isinstance(axes["axes"], dict):
            return value
        if axes:
            matrix["axes"] = axes
            self.renamed.update({(*path, "axes", key): (*path, key) for key in axes})
        return matrix

    def approval(self, value: Json, path: Path) -> Json:
        if value is True:
            return {}
        approval = _named(value, "message")
        if isinstance(approval, dict):
            approval = dict(approval)
            self._replace(approval, path, "approvers", lambda inner, _: _listed(inner, str))
        return approval

    def outputs(self, value: Json, path: Path) -> Json:
        by_name = self._by_name(value, path, "type")
        return self._each(by_name, path, lambda inner, _: _named(inner, "name"))

    def side(self, spec: Object, path: Path) -> Json:
        self._replace(spec, path, "socket", lambda value, _: _named(value, "name"))
        if spec.get("socket") == {"name": ""}:
            del spec["socket"]  # the reference operator writes this for a plug without a socket
        self._replace(spec, path, "resources", lambda value, at: self._each(value, at, self.resource))
        return spec

    def resource(self, value: Json, path: Path) -> Json:
        if isinstance(value, dict) and isinstance(value.get("when"), str):
            return {**value, "when": [value["when"]]}
        return value

    def credential(self, spec: Object, path: Path) -> Json:
        data = spec.get("data")
        if isinstance(data, dict):
            spec["data"] = {key: _named(value, "value") for key, value in data.items()}
        self._replace(spec, path, "workflows", lambda value, _: _listed(value, str))
        return spec

    def permission(self, spec: Object, path: Path) -> Json:
        for plural in ("subjects", "resources", "methods", "namespaces"):
            self._replace(spec, path, plural, lambda value, _: _listed(value, str))
        return spec

    def _dependency(self, value: Json, path: Path) -> Json:
        dependency = _named(value, "step")
        if isinstance(dependency, dict) and isinstance(dependency.get("on"), str):
            return {**dependency, "on": [dependency["on"]]}
        return dependency

    def _defaults(self, value: Json, path: Path) -> Json:
        if isinstance(value, dict):
            value = dict(value)
            self._replace(value, path, "retry", self.retry)
        return value

    def _allow(self, value: Json, path: Path) -> Json:
        return {key: _listed(inner, str) for key, inner in value.items()} if isinstance(value, dict) else value

    def _parameters(self, value: Json, path: Path) -> Json:
        if not isinstance(value, dict):
            return self._each(value, path, lambda inner, _: _named(inner, "name"))
        for index, name in enumerate(value):
            self.renamed[(*path, index)] = (*path, name)
        return [
            {"name": name, **inner}
            if isinstance(inner, dict) and set(inner) <= _PARAMETER_KEYS
            else {"name": name}
            if inner is None
            else {"name": name, "default": inner}
            for name, inner in value.items()
        ]

    def _by_name(self, value: Json, path: Path, key: str) -> Json:
        """`{url: x}` as `[{name: url, KEY: x}]`."""
        if not isinstance(value, dict):
            return value
        for index, name in enumerate(value):
            self.renamed[(*path, index)] = (*path, name)
            self.renamed[(*path, index, key)] = (*path, name)
        return [{"name": name, key: inner} for name, inner in value.items()]

    def _each(self, value: Json, path: Path, rewrite: Callable[[Json, Path], Json]) -> Json:
        if not isinstance(value, list):
            return value
        return [rewrite(item, (*path, index)) for index, item in enumerate(value)]

    def _replace(self, owner: Object, path: Path, key: str, rewrite: Callable[[Json, Path], Json]) -> None:
        if owner.get(key) is not None:
            owner[key] = rewrite(owner[key], (*path, key))

    def _foreign_names(self, owner: Object, path: Path) -> None:
        if self.dialect is not Dialect.ENSUE:
            self._rename(owner, path, "action", "type")
            self._rename(owner, path, "properties", "with")

    def _rename(self, owner: Object, path: Path, old: str, new: str) -> None:
        if old not in owner:
            return
        if new in owner:
            message = f"`{old}` and `{new}` are the same: write one of them"
            self.problems.append(((*path, old), Problem(message=message, remedy=f"merge them into `{new}`")))
            del owner[old]
            return
        owner[new] = owner.pop(old)
        self.renamed[(*path, new)] = (*path, old)


def _named(value: Json, key: str, *types: type) -> Json:
    return {key: value} if isinstance(value, types or str) and not isinstance(value, bool) else value


def _listed(value: Json, *types: type) -> Json:
    return [value] if isinstance(value, types) else value


def _condition(value: Json) -> Json:
    return ("true" if value else "false") if isinstance(value, bool) else value


def _name_of(value: Json) -> Json:
    return value["name"] if isinstance(value, dict) and set(value) == {"name"} else value


def _has_only(value: Json, key: str) -> bool:
    return isinstance(value, dict) and set(value) == {key}


_STEP_REWRITES: dict[str, Callable[[ShortForms, Json, Path], Json]] = {
    "dependsOn": ShortForms.dependencies,
    "when": ShortForms.conditions,
    "continueOnError": lambda _, value, path: _condition(value),
    "retry": ShortForms.retry,
    "matrix": ShortForms.matrix,
    "approval": ShortForms.approval,
    "outputs": ShortForms.outputs,
    "input": lambda _, value, path: _listed(value, str),
    "command": lambda _, value, path: _listed(value, str),
    "args": lambda _, value, path: _listed(value, str),
}
_REWRITES: dict[str, Callable[[ShortForms, Object, Path], Json]] = {
    "Workflow": ShortForms.workflow,
    "Run": ShortForms.run,
    "Trigger": ShortForms.trigger,
    "Source": ShortForms.source,
    "Plug": ShortForms.side,
    "Socket": ShortForms.side,
    "Credential": ShortForms.credential,
    "Permission": ShortForms.permission,
}
