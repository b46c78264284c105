"""Source type `webhook`: requests of other services, at a path of their own."""

from typing import ClassVar

from ensue.model.definition import Strict
from ensue.sources.webhook import settings


class WebhookSource:
    name: ClassVar[str] = "webhook"
    settings: ClassVar[type[Strict]] = settings.Settings
