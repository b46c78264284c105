"""A container engine with its own data directory, and proof that it leaves no container behind."""

from pathlib import Path

from ensue.clients.containers import hosts
from ensue.clients.containers.config import DockerConfig
from ensue.engines.container.engine import ContainerEngine, Options
from ensue.ports.engine import Limits, StepOrder
from tests import containers
from tests.engines import suite


class ContainerBench:
    own_variables = frozenset({"HOME", "HOSTNAME", "TERM", "container", "SHLVL"})

    def __init__(self, real: containers.ContainerEngine, data: Path) -> None:
        self.real = real
        self.data = data
        self.config = DockerConfig(data / "docker")
        self.engine = self.another()

    def another(self, *, address: str = "", pull: str = "never") -> ContainerEngine:
        """The engine of a server that comes later, on the same directory."""
        options = Options(
            host=hosts.parse(address or self.real.address), config=self.config, image=containers.IMAGE, pull=pull
        )
        return ContainerEngine(data_dir=self.data, instance=str(self.data), options=options)

    def writes(self, *lines: str, limits: Limits | None = None) -> StepOrder:
        return suite.order("printf", "%s\\n", *lines, step="writes", limits=limits)

    def fails(self) -> StepOrder:
        return suite.order("false", step="fails")

    def hangs(self, limits: Limits | None = None) -> StepOrder:
        return suite.order("sleep", "300", step="hangs", limits=limits)

    async def close(self) -> None:
        await self.engine.sweep([])
        await self.engine.close()
        assert not self.real.names(f"dev.ensue.data={self.data}"), "containers were left behind"
