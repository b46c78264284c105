"""GitHub, as the CloudEvents adapter for it names events; what it does not list follows the same rule."""

from dataclasses import dataclass
from typing import Final

from ensue.model.values import Json
from ensue.sources.webhook import reading
from ensue.sources.webhook.exchange import Request
from ensue.sources.webhook.presets.preset import Attributes, Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """Where an event's attributes are in its payload."""

    name: str = ""
    """In the type, where it differs from the header."""
    parts: tuple[str, ...] = ("action",)
    """What follows the name in the type, as far as it is there."""
    source: tuple[str, ...] = ("repository.url",)
    """Parted by a slash."""
    subject: tuple[str, ...] = ()
    """The first that is there."""
    time: tuple[str, ...] = ()
    """The first that is there, else when it was received."""


_OWNER: Final = ("repository.owner.url",)
_ACCOUNT: Final = ("installation.account.url",)
_PULL: Final = ("pull_request.url",)
_OTHERWISE: Final = ("repository.url", "organization.url", "installation.account.url", "sender.url")
_ROWS: Final = {
    "check_run": _Row(subject=("check_run.id",), time=("check_run.completed_at", "check_run.started_at")),
    "check_suite": _Row(subject=("check_suite.id",), time=("check_suite.updated_at",)),
    "commit_comment": _Row(
        source=("comment.url", "comment.commit_id"), subject=("comment.id",), time=("comment.updated_at",)
    ),
    "content_reference": _Row(subject=("content_reference.id",)),
    "create": _Row(parts=("ref_type",), subject=("ref",)),
    "delete": _Row(parts=("ref_type",), subject=("ref",)),
    "deploy_key": _Row(subject=("key.id",), time=("key.deleted_at", "key.created_at")),
    "deployment": _Row(parts=(), subject=("deployment.id",), time=("deployment.updated_at",)),
    "deployment_status": _Row(
        parts=("deployment_status.state",),
        source=("deployment.url",),
        subject=("deployment_status.url",),
        time=("deployment_status.updated_at",),
    ),
    "fork": _Row(parts=(), subject=("forkee.url",), time=("forkee.created_at",)),
    "github_app_authorization": _Row(parts=(), source=("sender.url",)),
    "gollum": _Row(parts=()),
    "installation": _Row(source=_ACCOUNT, subject=("installation.id",), time=("installation.updated_at",)),
    "installation_repositories": _Row(
        name="installation_repository",
        source=_ACCOUNT,
        subject=("installation.id",),
        time=("installation.updated_at",),
    ),
    "issue_comment": _Row(source=("issue.url",), subject=("comment.id",), time=("comment.updated_at",)),
    "issues": _Row(name="issue", subject=("issue.number",), time=("issue.updated_at",)),
    "label": _Row(subject=("label.name",)),
    "marketplace_purchase": _Row(
        source=("sender.url",), subject=("marketplace_purchase.account.login",), time=("effective_date",)
    ),
    "member": _Row(subject=("member.login",)),
    "membership": _Row(parts=("scope", "action"), source=("team.url",), subject=("member.login",)),
    "meta": _Row(subject=("hook_id",), time=("hook.updated_at",)),
    "milestone": _Row(subject=("milestone.number",), time=("milestone.updated_at",)),
    "org_block": _Row(source=("organization.url",), subject=("blocked_user.login",)),
    "organization": _Row(source=("organization.url",), subject=("membership.user.login",)),
    "page_build": _Row(parts=(), subject=("build.url",), time=("pusher.updated_at",)),
    "ping": _Row(parts=(), subject=("hook_id",)),
    "project": _Row(subject=("project.id",), time=("project.updated_at",)),
    "project_card": _Row(subject=("project_card.id",), time=("project_card.updated_at",)),
    "project_column": _Row(subject=("project_column.id",), time=("project_column.updated_at",)),
    "public": _Row(parts=(), source=_OWNER, subject=("repository.name",), time=("repository.updated_at",)),
    "pull_request": _Row(subject=("number",), time=("pull_request.updated_at",)),
    "pull_request_review": _Row(source=_PULL, subject=("review.id",), time=("review.submitted_at",)),
    "pull_request_review_comment": _Row(source=_PULL, subject=("comment.id",), time=("pull_request.updated_at",)),
    "push": _Row(parts=(), subject=("ref",)),
    "registry_package": _Row(subject=("registry_package.html_url",), time=("registry_package.updated_at",)),
    "release": _Row(subject=("release.id",), time=("release.published_at", "release.created_at")),
    "repository": _Row(source=_OWNER, subject=("repository.name",), time=("repository.updated_at",)),
    "repository_import": _Row(parts=(), source=_OWNER, subject=("repository.name",), time=("repository.updated_at",)),
    "repository_vulnerability_alert": _Row(subject=("alert.id",)),
    "security_advisory": _Row(subject=("security_advisory.ghsa_id",), time=("security_advisory.updated_at",)),
    "star": _Row(time=("starred_at",)),
    "status": _Row(parts=("state",), subject=("sha",), time=("updated_at",)),
    "team": _Row(subject=("team.id",), time=("updated_at",)),
    "team_add": _Row(subject=("team.id",)),
    "workflow_job": _Row(subject=("workflow_job.id",), time=("workflow_job.completed_at", "workflow_job.started_at")),
    "workflow_run": _Row(subject=("workflow_run.id",), time=("workflow_run.updated_at",)),
}


class GitHub(Plain):
    def attributes(self, request: Request, data: Json) -> Attributes:
        event = reading.word(reading.header(request.headers, "x-github-event"), "unknown")
        row = _ROWS.get(event, _Row())
        parts = [reading.word(reading.text(data, part)) for part in row.parts]
        return Attributes(
            type=".".join(["com.github", row.name or event, *filter(None, parts)]),
            source=_source(event, row, data),
            subject=reading.text(data, *row.subject),
            id=reading.header(request.headers, "x-github-delivery"),
            time=reading.moment(data, *row.time),
        )


def _source(event: str, row: _Row, data: Json) -> str:
    found = [reading.text(data, path) for path in row.source]
    if event == "marketplace_purchase":
        found = [found[0].rpartition("/")[0]]
    if all(found):
        return "/".join(found)
    return reading.text(data, *_OTHERWISE) or "github.com"
