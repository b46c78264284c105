"""Slack: the Events API, interactions and slash commands. It proves an address with a challenge before it sends."""

import re
from typing import Final

from ensue.model.values import Json
from ensue.sources.webhook import reading
from ensue.sources.webhook.exchange import Answer, Request
from ensue.sources.webhook.presets.preset import Attributes

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,256}")
_INTERACTIONS: Final = frozenset(
    ("block_actions", "interactive_message", "message_action", "shortcut", "view_closed", "view_submission")
)


class Slack:
    redacts: tuple[str, ...] = ("/token",)
    takes_cloudevents: bool = False

    def attributes(self, request: Request, data: Json) -> Attributes:
        team = reading.word(reading.text(data, "team_id", "team.id", "user.team_id"))
        return Attributes(
            type=f"com.slack.{_kind(data)}",
            source=f"https://slack.com/{team}" if team else "https://slack.com",
            subject=_subject(data),
            id=reading.text(data, "event_id"),
            time=reading.moment(data, "event_time"),
        )

    def answer(self, data: Json) -> Answer | None:
        outer = reading.text(data, "type")
        if outer == "url_verification":
            challenge = reading.text(data, "challenge")
            return Answer(text=challenge if _CHALLENGE.fullmatch(challenge) else "", instead_of_event=True)
        # People see what a command or a button is answered with, and anything but 200 is an error to them.
        return Answer() if outer in _INTERACTIONS or reading.text(data, "command") else None


def _kind(data: Json) -> str:
    if reading.text(data, "command"):
        return "command"
    return reading.word(reading.text(data, "event.type", "type"), "unknown")


def _subject(data: Json) -> str:
    """The command, or the conversation that it is about, or the person."""
    channels = ("event.channel", "event.channel.id", "event.item.channel", "channel.id")
    return reading.text(data, "command", *channels, "event.user", "event.user.id", "user.id")
