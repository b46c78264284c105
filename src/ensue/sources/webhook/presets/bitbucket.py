"""Bitbucket, Cloud and Data Center: they differ in where things stand."""

from ensue.model.values import Json
from ensue.sources.webhook import reading
from ensue.sources.webhook.exchange import Request
from ensue.sources.webhook.presets.preset import Attributes, Plain

_REPOSITORIES = (
    "repository.links.html.href",
    "repository.links.self.0.href",
    "pullRequest.toRef.repository.links.self.0.href",
)
_SUBJECTS = (
    "pullrequest.id",
    "pullRequest.id",
    "issue.id",
    "commit_status.key",
    "push.changes.0.new.name",
    "push.changes.0.old.name",
    "changes.0.ref.id",
)
_TIMES = ("date", "comment.updated_on", "pullrequest.updated_on", "issue.updated_on", "commit_status.updated_on")


class Bitbucket(Plain):
    def attributes(self, request: Request, data: Json) -> Attributes:
        event = reading.word(reading.header(request.headers, "x-event-key"), "unknown")
        return Attributes(
            type=f"org.bitbucket.{event.replace(':', '.')}",
            source=reading.text(data, *_REPOSITORIES),
            subject=reading.text(data, *_SUBJECTS),
            id=reading.header(request.headers, "x-request-uuid", "x-request-id"),
            time=reading.moment(data, *_TIMES),
        )
