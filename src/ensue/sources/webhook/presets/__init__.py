"""Presets: what the payloads of well-known senders mean as events. Another one is another file and a line here."""

from collections.abc import Mapping
from typing import Final

from ensue.sources.webhook.presets.alertmanager import Alertmanager
from ensue.sources.webhook.presets.bitbucket import Bitbucket
from ensue.sources.webhook.presets.docker_hub import DockerHub
from ensue.sources.webhook.presets.generic import Generic
from ensue.sources.webhook.presets.gitea import Gitea
from ensue.sources.webhook.presets.github import GitHub
from ensue.sources.webhook.presets.gitlab import GitLab
from ensue.sources.webhook.presets.preset import Attributes, Preset
from ensue.sources.webhook.presets.slack import Slack
from ensue.sources.webhook.presets.standard import StandardWebhooks
from ensue.sources.webhook.presets.stripe import Stripe

PRESETS: Final[Mapping[str, Preset]] = {
    "alertmanager": Alertmanager(),
    "bitbucket": Bitbucket(),
    "docker-hub": DockerHub(),
    "generic": Generic(),
    "gitea": Gitea(),
    "github": GitHub(),
    "gitlab": GitLab(),
    "slack": Slack(),
    "standard-webhooks": StandardWebhooks(),
    "stripe": Stripe(),
}

__all__ = ["PRESETS", "Attributes", "Preset"]
