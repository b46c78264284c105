"""Samples in memory, and who asks them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ensue.metadata import sample_file
from ensue.metadata.application import Application
from ensue.metadata.sample import SampleDoor
from ensue.metadata.sample_tokens import Subject
from ensue.metadata.schemas import Schemas
from tests.metadata.asking import Asker

KEY = b"a key of both sides"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIMPLE = """
connections:
  aws/test: {accessKeyID: A, secretAccessKey: B}
secrets:
  hello: world
runs:
  "1234":
    parameters: {region: us-east-1, n: 10}
    steps:
      foo:
        image: relaysh/core:latest
        conditions: !Fn.equals [!Parameter region, us-east-1]
        env: {REGION: !Parameter region, MISSING: !Secret nope}
        spec:
          aws: !Connection [aws, test]
          foo: bar
        outputs: {first: 1}
        state: {foo: bar, approval: approved}
      other: {spec: {}}
triggers:
  hook: {}
"""


@dataclass(frozen=True, slots=True)
class Still:
    """A clock that stands."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def uid(self) -> str:
        raise AssertionError("nothing is made here")

    def draw(self) -> float:
        return 0.5


@dataclass(frozen=True, slots=True)
class Stage:
    """A sample that is served."""

    app: Application
    door: SampleDoor

    def step(self, name: str = "foo", run: str = "1234") -> Asker:
        return Asker(app=self.app, token=self.door.token(Subject(run=run, name=name)))

    def trigger(self, name: str = "hook") -> Asker:
        return Asker(app=self.app, token=self.door.token(Subject(name=name, is_trigger=True)))

    def nobody(self) -> Asker:
        return Asker(app=self.app)


def stage(text: str = SIMPLE, *, is_strict: bool = False, schemas: Schemas | None = None) -> Stage:
    door = SampleDoor(sample=sample_file.parse(text.encode(), "s.yaml"), key=KEY, clock=Still(), is_strict=is_strict)
    return Stage(Application(door=door, schemas=schemas, is_strict=is_strict), door)


def step_with(**parts: str) -> Asker:
    """A step with these parts, each as the YAML of its value; `also` stands beside the steps."""
    also = parts.pop("also", "")
    lines = "\n".join(f"        {name}: {text}" for name, text in parts.items())
    text = f'runs:\n  "1":\n    parameters: {{region: us-east-1, n: 10}}\n    steps:\n      one:\n{lines}\n{also}\n'
    return stage(text).step("one", "1")
