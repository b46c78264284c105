"""JSON of strangers: what senders write is taken, what others could not read back is not."""

import json
import math
import re
from itertools import chain
from typing import Final

from ensue.model.values import Json
from ensue.sources.webhook.exchange import Reason, Refused

MAX_DEPTH: Final = 100
MAX_MESSAGE: Final = 300
"""Characters; what was sent may be part of a message."""
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class _NoNumber(ValueError):
    pass


def load(text: str) -> Json | Refused:
    """Of keys that come twice the last one holds. No NaN, no infinity, no half characters, 100 levels at most."""
    try:
        loaded: Json = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(loaded, ensure_ascii=False).encode()
    except RecursionError:
        return unreadable(f"the JSON is nested deeper than {MAX_DEPTH} levels")
    except UnicodeEncodeError:
        return unreadable("the JSON holds half of a surrogate pair, which is no character")
    except (json.JSONDecodeError, _NoNumber) as error:
        return unreadable(f"the body is no JSON: {error}")
    except ValueError:
        return unreadable("the JSON holds a number of too many digits")
    if _may_be_deep(text) and _is_deep(loaded):
        return unreadable(f"the JSON is nested deeper than {MAX_DEPTH} levels")
    return loaded


def unreadable(message: str) -> Refused:
    return Refused(status=400, reason=Reason.UNREADABLE, message=message[:MAX_MESSAGE])


def _may_be_deep(text: str) -> bool:
    return text.count("[") + text.count("{") > MAX_DEPTH


def _is_deep(value: Json) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
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
