"""GitLab: hooks of projects, groups and the instance."""

from ensue.model.values import Json
from ensue.sources.webhook import reading
from ensue.sources.webhook.exchange import Request
from ensue.sources.webhook.presets.preset import Attributes, Plain

_SOURCES = ("project.web_url", "repository.homepage", "group.web_url")
_SUBJECTS = (
    "merge_request.iid",
    "issue.iid",
    "object_attributes.iid",
    "object_attributes.slug",
    "object_attributes.id",
    "tag",
    "build_id",
    "deployment_id",
    "ref",
    "path_with_namespace",
)
_TIMES = (
    "object_attributes.updated_at",
    "object_attributes.finished_at",
    "object_attributes.created_at",
    "status_changed_at",
    "build_finished_at",
    "build_started_at",
    "build_created_at",
    "released_at",
    "updated_at",
)


class GitLab(Plain):
    def attributes(self, request: Request, data: Json) -> Attributes:
        kind = reading.word(reading.text(data, "object_kind", "event_name"), "unknown")
        action = reading.word(reading.text(data, "object_attributes.action", "action"))
        return Attributes(
            type=f"com.gitlab.{kind}.{action}" if action else f"com.gitlab.{kind}",
            source=reading.text(data, *_SOURCES) or reading.header(request.headers, "x-gitlab-instance"),
            subject=reading.text(data, *_SUBJECTS),
            # X-Gitlab-Event-UUID is shared by events that cause each other, X-Gitlab-Webhook-UUID by all of a hook.
            id=reading.header(request.headers, "webhook-id", "idempotency-key"),
            time=reading.moment(data, *_TIMES),
        )
