"""Unknown keys: found with a suggestion, and set aside where a foreign dialect lets them live."""

from collections.abc import Iterator, Mapping, Sequence

from ensue.expr.spelling import did_you_mean
from ensue.files import shapes
from ensue.files.marks import Path
from ensue.model.definition import Strict
from ensue.model.values import Json

MAX_SUGGESTIONS = 100
_OTHER_WORDS = {
    "action": "type",
    "properties": "with",
    "uses": "type",
    "if": "when",
    "environment": "env",
    "script": "run",
    "cmd": "command",
    "secretRef": "secret",
    "requirements": "requires",
    "strategy": "matrix",
    "version": "apiVersion",
    "with_items": "foreach",
    "forEach": "foreach",
    "preserveWhenDecoupled": "retainWhenDecoupled",
}


class Keys:
    """Goes through a value beside its model; `unknown` holds what the model does not know."""

    def __init__(self) -> None:
        self.unknown: list[tuple[Path, Json, str]] = []

    def known(self, value: Json, model: type[Strict], path: Path) -> Json:
        """The value without unknown keys, and without nulls where null means absent."""
        if not isinstance(value, dict):
            return value
        fields = shapes.fields(model)
        result: dict[str, Json] = {}
        for key, inner in value.items():
            if key not in fields:
                remedy = suggest(key, model) if len(self.unknown) < MAX_SUGGESTIONS else ""
                self.unknown.append(((*path, key), inner, remedy))
                continue
            shape = fields[key][0]
            if inner is None and not shape.takes_null:
                continue
            result[key] = self._inside(inner, shape, (*path, key))
        return result

    def rename(self, own: Mapping[Path, Sequence[str]]) -> None:
        """Suggest keys as the file has them, where those are others than the model's."""
        self.unknown = [
            (path, inner, meant(str(path[-1]), own[path[:-1]]) if remedy and path[:-1] in own else remedy)
            for path, inner, remedy in self.unknown
        ]

    def _inside(self, value: Json, shape: shapes.Shape, path: Path) -> Json:
        match value, shape:
            case _, shapes.Shape(model=None):
                return value
            case list(), shapes.Shape(model=model, container="list") if model:
                return [self.known(item, model, (*path, index)) for index, item in enumerate(value)]
            case dict(), shapes.Shape(model=model, container="mapping") if model:
                return {key: self.known(item, model, (*path, key)) for key, item in value.items()}
            case dict(), shapes.Shape(model=model, container="") if model:
                return self.known(value, model, path)
        return value


def meant(key: str, known: Sequence[str]) -> str:
    """What was probably meant where these keys are known."""
    other = _OTHER_WORDS.get(key)
    if other in known:
        return f'did you mean "{other}"?'
    return did_you_mean(key, known) or f"the keys here are {', '.join(known)}"


def suggest(key: str, model: type[Strict]) -> str:
    """What was probably meant by an unknown key."""
    fields = shapes.fields(model)
    if key == "finally" and "dependsOn" in fields:
        return 'it is a list of steps, beside "steps"'
    other = _OTHER_WORDS.get(key)
    if other in fields:
        return f'did you mean "{other}"?'
    near = did_you_mean(key, fields)
    if near:
        return near
    for name, inner in _nested(model):
        if key in shapes.fields(inner):
            return f'it belongs under "{name}"'
    return f"the keys here are {', '.join(fields)}" if len(fields) <= 12 else ""


def _nested(model: type[Strict]) -> Iterator[tuple[str, type[Strict]]]:
    for name, (shape, _) in shapes.fields(model).items():
        if shape.model and not shape.container:
            yield name, shape.model
