"""relay's YAML tags (`!Secret`, `!Fn.concat`…) as the tagged JSON objects they stand for, and back for people.

The texts of the errors are relay's own.
"""

import json
import re

from ensue.model.values import Json

_ONE = {"Secret": "name", "Parameter": "name", "Data": "query"}
_TWO = {"Connection": ("type", "name"), "Output": ("from", "name"), "Answer": ("askRef", "name")}

_CALL = "$fn."
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})


def expand(tag: str, value: Json) -> Json:
    """The value of a node with a local tag; raises ValueError."""
    word = tag[1:]
    if tag == "!!binary":
        return {"$encoding": "base64", "data": value}
    if word == "Fn" or word.startswith("Fn."):
        return _call(word[3:], value)
    if word in _ONE:
        return {"$type": word, **_fields(tag, (_ONE[word],), value)}
    if word in _TWO:
        return {"$type": word, **_fields(tag, _TWO[word], value)}
    raise ValueError(f'unknown tag "{tag}"')


def _call(name: str, value: Json) -> Json:
    if not name:
        raise ValueError("expected function name to have the syntax !Fn.<name>")
    return {f"$fn.{name}": value if isinstance(value, list | dict) else [value]}


def _fields(tag: str, keys: tuple[str, ...], value: Json) -> dict[str, Json]:
    match value:
        case list() if len(value) == len(keys):
            return dict(zip(keys, value, strict=True))
        case list():
            count = "one item" if len(keys) == 1 else "two items"
            raise ValueError(f"expected sequence-style {tag} to have exactly {count}")
        case dict() if set(value) == set(keys):
            return {key: value[key] for key in keys}
        case dict():
            wanted = " and ".join(f'"{key}"' for key in keys)
            count = "one key" if len(keys) == 1 else "two keys"
            raise ValueError(f"expected mapping-style {tag} to have exactly {count}, {wanted}")
    if len(keys) == 1:
        return {keys[0]: value}
    raise ValueError(f"unexpected scalar value for {tag}, must be a mapping or sequence")


def shown(value: Json) -> str:
    """A value in one line, as YAML has it with tags."""
    match value:
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(map(shown, value))}]"
        case dict():
            return _object(value)
    return json.dumps(value)


def _object(value: dict[str, Json]) -> str:
    word, keys = value.get("$type"), set(value) - {"$type"}
    if isinstance(word, str) and keys == {_ONE.get(word)}:
        return f"!{word} {shown(value[_ONE[word]])}"
    if isinstance(word, str) and keys == set(_TWO.get(word, ())) != set():
        return f"!{word} {shown([value[key] for key in _TWO[word]])}"
    if len(value) == 1 and (key := next(iter(value))).startswith(_CALL):
        return f"!Fn.{key.removeprefix(_CALL)} {shown(value[key])}"
    return f"{{{', '.join(f'{_text(key)}: {shown(inner)}' for key, inner in value.items())}}}"


def _text(text: str) -> str:
    """Plain where YAML reads it as a text in any place."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False) if _CONTROL.search(text) else "'" + text.replace("'", "''") + "'"
