"""Rate: how often something may happen."""

import contextlib
import re
from datetime import timedelta
from typing import Any

from pydantic import Field, model_validator

from ensue.model.definition import Strict
from ensue.model.values import Duration, format_duration, parse_duration

_COUNT = re.compile(r"[0-9]{1,9}")
_MEANT = re.compile(r"([0-9]+) *(?:/|per|an?|each) *((?:[0-9]+)?[smhd])[a-z]*")


def read(text: str) -> dict[str, int | str]:
    """`100/1s` as limit and time. Raises ValueError that says what was meant."""
    limit, _, per = (part.strip() for part in text.partition("/"))
    per = per if per[:1].isdecimal() else f"1{per}"
    with contextlib.suppress(ValueError):
        parse_duration(per)
        if _COUNT.fullmatch(limit):
            return {"limit": int(limit), "per": per}
    meant = _MEANT.fullmatch(text.strip().lower())
    raise ValueError(f"not a rate: {f'did you mean {meant[1]}/{meant[2]}?' if meant else 'write it as 100/1s or 10/m'}")


class Rate(Strict):
    """So many in a time, written out or as `100/1s`; a pause earns up to `burst` at once."""

    limit: int = Field(ge=1, le=10_000_000)
    """How many, on the long run."""
    per: Duration = Field(default=timedelta(seconds=1), gt=timedelta())
    """In what time."""
    burst: int | None = Field(default=None, ge=1, le=10_000_000)
    """How many at once after a pause; default: `limit`."""

    @model_validator(mode="before")
    @classmethod
    def read_text(cls, value: Any) -> Any:
        return read(value) if isinstance(value, str) else value

    @property
    def most(self) -> int:
        """How many at once."""
        return self.limit if self.burst is None else self.burst

    @property
    def text(self) -> str:
        """As one writes it, without the burst."""
        return f"{self.limit}/{format_duration(self.per)}"

    @property
    def per_minute(self) -> int:
        return max(1, int(self.limit * 60 / self.per.total_seconds()))
