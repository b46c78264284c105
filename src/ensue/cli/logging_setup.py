"""The program's own log, on stderr: lines for people, or JSON lines."""

import json
import logging
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ensue.settings import Settings

log = logging.getLogger("ensue.settings")

SELDOM_SECONDS = 60.0
LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        head = f"{_time(record)} {record.levelname:<7} {record.name}: {record.getMessage()}"
        return f"{head}\n{self.formatException(record.exc_info)}" if record.exc_info else head


class Seldom(logging.Filter):
    """Lets warnings of the same words through once a minute: who sends nonsense must not fill the log."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING:
            return True
        at, kept = self._said.get(record.msg, (0.0, 0))
        if 0 <= record.created - at < SELDOM_SECONDS:
            self._said[record.msg] = at, kept + 1
            return False
        self._said[record.msg] = record.created, 0
        if kept:
            record.msg = f"{record.msg} ({kept} more since this was said last)"
        return True


class Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def set_up(level: int, form: str = "text") -> None:
    """Once, by a command that runs the server's code."""
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if form == "json" else Text())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn.error").setLevel(max(level, logging.WARNING))
    logging.getLogger("uvicorn.error").filters[:] = [Seldom()]
    logging.getLogger("asyncio").setLevel(max(level, logging.WARNING))
    logging.getLogger("watchfiles").setLevel(max(level, logging.WARNING))
    # They write down every request, with tokens in addresses and the headers of answers, cookies included.
    logging.getLogger("httpcore").setLevel(max(level, logging.WARNING))
    logging.getLogger("httpx").setLevel(max(level, logging.WARNING))


def of_server(chosen: "Settings") -> None:
    """The same as its settings say, and what was meant to be one and is none."""
    from ensue import settings

    set_up(getattr(logging, chosen.log_level.upper()), chosen.log_format)
    for message, remedy in settings.ignored(os.environ):
        log.warning("%s (%s)", message, remedy)


def level_of(verbosity: int) -> int:
    return LEVELS[min(verbosity, len(LEVELS) - 1)]


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
