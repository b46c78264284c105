"""Gitea, and Forgejo, which sends the same headers."""

from ensue.model.values import Json
from ensue.sources.webhook import reading
from ensue.sources.webhook.exchange import Answer, Request
from ensue.sources.webhook.presets.preset import Attributes

_SUBJECTS = ("pull_request.number", "issue.number", "release.tag_name", "package.name", "page", "ref", "sha")
_TIMES = ("comment.updated_at", "pull_request.updated_at", "issue.updated_at", "release.published_at", "updated_at")


class Gitea:
    redacts: tuple[str, ...] = ("/secret",)
    """What versions before 1.14 repeat in every payload."""
    takes_cloudevents: bool = False

    def attributes(self, request: Request, data: Json) -> Attributes:
        event = reading.word(reading.header(request.headers, "x-gitea-event"), "unknown")
        action = reading.word(reading.text(data, "action"))
        return Attributes(
            type=f"com.gitea.{event}.{action}" if action else f"com.gitea.{event}",
            source=reading.text(data, "repository.html_url", "repository.url", "organization.username"),
            subject=reading.text(data, *_SUBJECTS),
            id=reading.header(request.headers, "x-gitea-delivery"),
            time=reading.moment(data, *_TIMES),
        )

    def answer(self, data: Json) -> Answer | None:
        return None
