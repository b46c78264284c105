"""What pydantic finds in queries and bodies, in words of ours: a sentence, and what would be right."""

from collections.abc import Collection
from typing import Any

from ensue.expr.spelling import did_you_mean
from ensue.model.values import NAME_PATTERN

NAME = "use a-z, 0-9, `-` and `_`, a letter or digit first, at most 63"
CURSOR = "take it from metadata.continue of the page before, or leave it out"


def words(error: Any, known: Collection[str] = ()) -> tuple[str, str]:
    """A sentence and a remedy for one of pydantic's errors; `known` are the keys that there could be."""
    place = ".".join(str(part) for part in error["loc"])
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return f'"{place}" is required', ""
        case "extra_forbidden":
            return f'there is no key "{place}"', did_you_mean(place, known) or f"there are {', '.join(sorted(known))}"
        case "string_pattern_mismatch" if place == "continue":
            return "continue is not where a list goes on", CURSOR
        case "string_pattern_mismatch" if NAME_PATTERN in context["pattern"]:
            return f"{place} is not a name", NAME
        case "greater_than_equal":
            return f"{place} is too small", f"at least {context['ge']}"
        case "less_than_equal":
            return f"{place} is too large", f"at most {context['le']}"
        case "string_too_long":
            return f"{place} is too long", f"at most {context['max_length']} characters"
        case "int_parsing" | "int_type" | "int_from_float":
            return f"{place} must be a whole number", ""
        case "bool_parsing" | "bool_type":
            return f"{place} must be true or false", ""
        case "string_type":
            return f"{place} must be a string", ""
        case "dict_type":
            return f"{place} must be a mapping", ""
    text = str(error["msg"])
    return (f"{place}: {text}" if place else text), ""
