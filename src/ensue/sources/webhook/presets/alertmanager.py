"""Prometheus Alertmanager, and Grafana, which sends the same: one event for a group of alerts, each time it is told."""

from ensue.model.values import Json
from ensue.sources.webhook import reading
from ensue.sources.webhook.exchange import Request
from ensue.sources.webhook.presets.preset import Attributes, Plain


class Alertmanager(Plain):
    def attributes(self, request: Request, data: Json) -> Attributes:
        status = reading.word(reading.text(data, "status"), "unknown")
        return Attributes(
            type=f"io.prometheus.alertmanager.{status}",
            source=reading.text(data, "externalURL"),
            subject=reading.text(data, "groupKey"),
        )
