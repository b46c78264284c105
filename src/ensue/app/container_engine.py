"""The container engine of a process, as its settings and Docker's own configuration say."""

from collections.abc import Mapping

from ensue.app.parts import names_in
from ensue.clients.containers import config, dialing, finding
from ensue.clients.containers.hosts import Host
from ensue.engines.container import owning
from ensue.engines.container.engine import ContainerEngine, Options
from ensue.model.values import WorkerId
from ensue.settings import Settings


def config_of(settings: Settings, environment: Mapping[str, str]) -> config.DockerConfig:
    return config.DockerConfig(config.directory_of(str(settings.container_config or ""), environment))


def host_of(settings: Settings, environment: Mapping[str, str]) -> Host | None:
    """Where it listens; None when there is none. Raises InvalidInput."""
    wish = finding.Wish(
        address=settings.container_host,
        context=settings.container_context,
        certs=str(settings.container_certs or ""),
        verifies=settings.container_verify,
        proxy=settings.container_proxy,
    )
    host = finding.find(wish, environment, config_of(settings, environment))
    if host is not None and host.tls is not None:
        dialing.context(host.tls)
    return host


def engine_of(
    settings: Settings, environment: Mapping[str, str], worker: WorkerId, *, is_kept: bool
) -> ContainerEngine | None:
    """None when there is none. Where its data is not kept, its containers end with this process.
    Raises InvalidInput."""
    host = host_of(settings, environment) if settings.container_slots else None
    if host is None:
        return None
    docker = config_of(settings, environment)
    options = Options(
        host=host,
        config=docker,
        image=settings.container_image,
        pull=settings.container_pull,
        data_seen_as=str(settings.container_data or ""),
        mounts=names_in(settings.container_mounts),
        networks=names_in(settings.container_networks),
        proxies=docker.proxies(str(host)),
        owner="" if is_kept else owning.own_name(),
    )
    return ContainerEngine(data_dir=settings.data_dir, instance=worker, options=options)
