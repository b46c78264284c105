"""JSON of strangers: what senders write is taken, what others could not read back is not."""

import json
import math
import re
from itertools import chain
from typing import Final

from ensue.model.errors import InvalidInput
from ensue.model.values import Json

MAX_DEPTH: Final = 100
"""Levels of what is kept."""
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_HALF: Final = "half of a surrogate pair, which is no character"
_TOO_DEEP: Final = f"is nested deeper than {MAX_DEPTH} levels"


class _NoNumber(ValueError):
    pass


def load(text: str, around: int = 0) -> Json:
    """Of keys that come twice the last one holds. No NaN, no infinity, no half characters, 100 levels at most, and
    those `around` what is kept. Raises InvalidInput."""
    try:
        loaded: Json = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(loaded, ensure_ascii=False).encode()
    except RecursionError:
        raise InvalidInput(f"the JSON {_TOO_DEEP}") from None
    except UnicodeEncodeError:
        raise InvalidInput(f"the JSON holds {_HALF}") from None
    except (json.JSONDecodeError, _NoNumber) as error:
        raise InvalidInput(f"the body is no JSON: {error}") from None
    except ValueError:
        raise InvalidInput("the JSON holds a number of too many digits") from None
    if _is_deep(text, loaded, MAX_DEPTH + around):
        raise InvalidInput(f"the JSON {_TOO_DEEP}")
    return loaded


def require(data: Json) -> None:
    """Raises InvalidInput for what was never a text and would be none that `load` takes."""
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False)
        text.encode()
    except RecursionError:
        raise InvalidInput(f"the data {_TOO_DEEP}") from None
    except UnicodeEncodeError:
        raise InvalidInput(f"the data holds {_HALF}") from None
    except ValueError as error:
        raise InvalidInput(f"the data is no JSON: {error}") from None
    if _is_deep(text, data, MAX_DEPTH):
        raise InvalidInput(f"the data {_TOO_DEEP}")


def _is_deep(text: str, value: Json, most: int) -> bool:
    if text.count("[") + text.count("{") <= most:
        return False
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(most):
        if not level:
            return False
        inside = chain.from_iterable(each.values() if isinstance(each, dict) else each for each in level)
        level = [each for each in inside if isinstance(each, dict | list)]
    return bool(level)


def _refuse(name: str) -> Json:
    raise _NoNumber(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _NoNumber(f"{text[:20]} is too large a number")
    return number
