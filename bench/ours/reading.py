"""Milliseconds of the processor to read and check relay's files of a hundred steps, or to load them as YAML alone."""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import yaml

STEPS = 100
HEAD = """\
apiVersion: v1
summary: One of a hundred steps
parameters:
  region: {{description: Where, default: eu-{number}}}
  dryRun: {{default: 'true'}}
triggers:
- name: pushed
  source: {{type: push}}
  binding:
    parameters: {{region: !Data region}}
  when: [!Fn.equals [!Data branch, main-{number}]]
steps:
"""
STEP = """\
- name: Step-{index}
  image: registry.example.org/steps/describe:latest
  {after}
  when:
  - !Fn.equals [!Parameter dryRun, 'false-{number}']
  spec:
    aws:
      connection: !Connection {{type: aws, name: account}}
      region: !Parameter region
    text: "in ${{parameters.region}} number {number}-{index}"
    found: {found}
  input:
  - |
    # {number}
    ni output set -k found -v {index}
"""


def text(number: int) -> str:
    """As long as public ones are; no two are the same, so that nothing is known of one beforehand."""
    return HEAD.format(number=number) + "".join(_steps(number))


def _steps(number: int) -> Iterator[str]:
    for index in range(STEPS):
        after = f"dependsOn: Step-{index - 1}" if index % 3 == 1 else "type: container"
        found = f"!Output [Step-{index - 1}, found]" if index % 3 == 2 else "null"
        yield STEP.format(index=index, number=number, after=after, found=found)


class Plain(yaml.CSafeLoader):
    """Tags are values of their own."""


class Slow(yaml.SafeLoader):
    """The same without libyaml."""


def _tagged(loader: Any, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return suffix, loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return suffix, loader.construct_sequence(node, deep=True)
    return suffix, loader.construct_mapping(node, deep=True)


for loader in (Plain, Slow):
    loader.add_multi_constructor("!", _tagged)


def _ours() -> Callable[[str], bool]:
    from ensue import files

    def check(given: str) -> bool:
        documents = files.read(given, "many.yaml")
        return len(documents) == 2 and not any(document.problems for document in documents)

    return check


def _of(loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader]) -> Callable[[str], bool]:
    return lambda given: len(yaml.load(given, loader)["steps"]) == STEPS


WAYS = {"ours": _ours, "libyaml": lambda: _of(Plain), "python": lambda: _of(Slow)}


def _spent(read: Callable[[str], bool], given: str) -> float:
    """Milliseconds of the processor: nothing is waited for, and who else is at work does not count."""
    began = time.process_time()
    read(given)
    return (time.process_time() - began) * 1000


def main() -> None:
    args = json.loads(sys.argv[1])
    read, texts = WAYS[args["way"]](), [text(number) for number in range(args["files"])]
    wrong = sum(not read(given) for given in texts[:2])
    figures = {
        "lost": wrong,
        "first": statistics.median(_spent(read, given) for given in texts[2:]),
        "again": statistics.median(_spent(read, texts[0]) for _ in texts),
        "size": len(texts[0]) / 1000,
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
