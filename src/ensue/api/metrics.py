"""What a server counts, as Prometheus reads it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from starlette.responses import Response

from ensue import __version__
from ensue.api import requests
from ensue.api.requests import IdentityOf, WorldOf
from ensue.operations import metrics
from ensue.ports.levels import Level
from ensue.runtime.telemetry import Labels, Metric, Series, Telemetry

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

router = APIRouter(tags=["server"])

GAUGES: Mapping[str, str] = {
    "ensue_build_info": "What runs here.",
    "ensue_held_bytes": "Bodies of requests that are not answered yet, in bytes.",
    "ensue_open_runs": "Runs that have not ended, by state.",
    "ensue_queued_steps": "Steps that are ready and nobody has begun, by engine.",
    "ensue_held_events": "Events that debounces keep.",
    "ensue_untold_runs": "Beginnings and ends of runs that are not in the feed of events yet.",
    "ensue_untold_seconds": "For how long the first of them has been waiting.",
}


@router.get("/metrics")
async def read_metrics(request: HttpRequest, world: WorldOf, identity: IdentityOf) -> Response:
    """Counts of this process, and how much is waiting in the database, as Prometheus reads them."""
    # Imported by the first who asks: most servers of one person are never scraped.
    from prometheus_client import CollectorRegistry, ProcessCollector, exposition

    level = await metrics.levels(identity, world)
    registry = CollectorRegistry()
    registry.register(_Read([*_counted(world.counted), *_waiting(level, requests.gate_of(request).held)]))
    ProcessCollector(registry=registry)
    encode, media_type = exposition.choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"Content-Type": media_type})


class _Read:
    """A collector of what was read already."""

    def __init__(self, families: "list[Family]") -> None:
        self._families = families

    def collect(self) -> "Iterator[Family]":
        return iter(self._families)


def _counted(telemetry: Telemetry) -> "Iterator[Family]":
    from prometheus_client.core import CounterMetricFamily

    for metric, series in telemetry.read():
        if metric.buckets:
            yield _distribution(metric, series)
            continue
        family = CounterMetricFamily(metric.name.removesuffix("_total"), metric.about, labels=metric.labels)
        for labels, each in series.items():
            family.add_metric(labels, each.total)
        yield family


def _distribution(metric: Metric, series: Mapping[Labels, Series]) -> "Family":
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(metric.name, metric.about, labels=metric.labels)
    for labels, each in series.items():
        below, buckets = 0, []
        for bound, count in zip((*map(str, metric.buckets), "+Inf"), each.counts, strict=True):
            below += count
            buckets.append((bound, below))
        family.add_metric(labels, buckets, each.total)
    return family


def _waiting(level: Level, held_bytes: int) -> "Iterator[Family]":
    yield _gauge("ensue_build_info", "version", {__version__: 1})
    yield _gauge("ensue_open_runs", "state", level.open_runs)
    yield _gauge("ensue_queued_steps", "engine", level.queued_steps)
    plain = {
        "ensue_held_bytes": held_bytes,
        "ensue_held_events": level.held_events,
        "ensue_untold_runs": level.untold,
        "ensue_untold_seconds": level.untold_seconds,
    }
    for name, value in plain.items():
        yield _gauge(name, "", {"": value})


def _gauge(name: str, label: str, values: Mapping[str, float]) -> "Family":
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, GAUGES[name], labels=[label] if label else [])
    for key, value in values.items():
        family.add_metric([key] if label else [], value)
    return family
