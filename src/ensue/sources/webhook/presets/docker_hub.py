"""Docker Hub: it sends pushes only, unsigned and without an id."""

from ensue.model.values import Json
from ensue.sources.webhook import reading
from ensue.sources.webhook.exchange import Request
from ensue.sources.webhook.presets.preset import Attributes, Plain


class DockerHub(Plain):
    def attributes(self, request: Request, data: Json) -> Attributes:
        return Attributes(
            type="com.docker.hub.push",
            source=reading.text(data, "repository.repo_url"),
            subject=reading.text(data, "push_data.tag"),
            time=reading.moment(data, "push_data.pushed_at"),
        )
