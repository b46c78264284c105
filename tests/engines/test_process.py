"""The engine process keeps what all engines that run programs promise."""

from tests.engines import suite


class TestProcess(suite.CommandBehaviour):
    pass
