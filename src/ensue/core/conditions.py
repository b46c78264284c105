"""What counts as true where a definition asks yes or no."""

from ensue.model.values import Json

_WORDS = {"true": True, "false": False}


def truth(value: Json) -> bool | None:
    """True, False, or None for a value that is neither a boolean nor the word for one."""
    if isinstance(value, bool):
        return value
    return _WORDS.get(value.strip().lower()) if isinstance(value, str) else None
