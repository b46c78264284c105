"""Rate: how often something may happen."""

from datetime import timedelta
from typing import Any

from pydantic import Field, model_validator

from ensue.model.definition import Strict
from ensue.model.values import Duration, format_duration


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
        if not isinstance(value, str):
            return value
        limit, slash, per = (part.strip() for part in value.partition("/"))
        if not slash or not limit.isdecimal() or not per:
            raise ValueError("not a rate: write it as 100/1s or 10/m")
        return {"limit": limit, "per": per if per[0].isdecimal() else f"1{per}"}

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
