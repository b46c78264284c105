"""Runs the containers of webhook triggers: their environment, their token, their place behind /hooks."""

import logging
import uuid
from collections.abc import Mapping

from ensue.app.sinks import Sinks, Told
from ensue.engines.container import serving
from ensue.engines.container.engine import ContainerEngine
from ensue.model.errors import EnsueError, Fail
from ensue.model.values import Json
from ensue.ports.pulling import Happening, Pull, SourceState, SourceStatus
from ensue.runtime import environment, passes
from ensue.runtime.guests import Guest, Guests
from ensue.runtime.passes import Passes
from ensue.runtime.secrets import OpenedSecrets
from ensue.sources.container_webhook import Settings

log = logging.getLogger("ensue.sources")

EVENT_TYPE = "dev.ensue.webhook.v1"


class HookStage:
    """Satisfies sources.container_webhook.Stage."""

    def __init__(
        self, *, engine: ContainerEngine, guests: Guests, secrets: OpenedSecrets, passes: Passes, sinks: Sinks
    ) -> None:
        self._engine = engine
        self._sinks = sinks
        self._guests = guests
        self._secrets = secrets
        self._passes = passes

    async def play(self, pull: Pull, settings: Settings) -> None:
        name = pull.key.rpartition("/")[2]

        async def emit(data: Mapping[str, Json], key: str) -> None:
            told = Told(
                namespace=pull.namespace,
                tenant=settings.tenant,
                source_key=pull.key,
                trigger=settings.trigger_name or name,
                data=data,
                key=key,
            )
            # First: what a sink refuses is sent again by the container, and is let in here once.
            try:
                await self._sinks.tell(told)
            except EnsueError as error:
                log.warning("an event of the source %s of namespace %s: %s", pull.key, pull.namespace, error)
                raise
            now = pull.now()
            await pull.emit([Happening(type=EVENT_TYPE, id=key or uuid.uuid4().hex, time=now, data=dict(data))])

        guest = Guest(
            namespace=pull.namespace,
            key=pull.key,
            name=name,
            image=settings.image,
            spec=settings.spec,
            env=settings.env,
            secrets=self._secrets,
            now=pull.now,
            emit=emit,
        )
        token = self._guests.admit(guest)
        guest.screen.hide([token.encode()])
        try:
            await self._serve(pull, settings, guest, token)
        finally:
            self._guests.dismiss(token)

    async def _serve(self, pull: Pull, settings: Settings, guest: Guest, token: str) -> None:
        if not self._passes.is_served_here:
            raise Fail(
                "its container would ask a metadata API that another process serves, and is known to this one alone",
                remedy="set ENSUE_METADATA_LISTEN, so that this server serves the API as well",
            )
        pull.report(SourceStatus(state=SourceState.WAITING, message="its container is being started"))
        url = await self._passes.url_for(self._engine.name)
        if not url:
            raise Fail(
                "its container could let no event in: the engine does not say how containers reach the metadata API",
                remedy="let ENSUE_METADATA_URL say how, as http://192.0.2.1:7000, and ENSUE_METADATA_LISTEN where it "
                "is served, as 0.0.0.0:7000",
            )
        wanted = serving.Wanted(
            title=f"{pull.namespace}/{pull.key}",
            image=settings.image,
            command=settings.command,
            args=settings.args,
            script="\n".join(settings.input),
            mask=lambda said: guest.screen.mask.of_text(said),
            env={
                "CI": "true",
                "RELAY": "true",
                "ENSUE": "true",
                **environment.as_texts(await guest.evaluated(settings.env)),
                passes.ADDRESS: url.replace("://", f"://:{token}@", 1),
            },
        )
        async with serving.serving(self._engine, wanted) as served:
            self._guests.listens(guest, served.address)
            pull.report(SourceStatus())
            said = await served.ended()
        raise Fail(f"its container ended: {said}" if said else "its container ended")
