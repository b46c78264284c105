"""Requests that schemathesis makes up from the OpenAPI document, against a server as a process: no mistake of the
server, and every answer as it is described. ENSUE_TEST_EXAMPLES says how many for each operation."""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from tests.cli.conftest import serving

EXAMPLES = int(os.environ.get("ENSUE_TEST_EXAMPLES", "2"))
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
IS_SHORT = re.compile(r"/api/v1/(?!namespaces/)")
ENDLESS = ("/stream", "/login")
"""What goes on until the reader leaves; what is for browsers."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("contract")
    with serving(home):
        url = json.loads((home / "data" / "server.json").read_text())["url"]
        token = (home / "data" / "token").read_text().strip()
        with httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60
        ) as client:
            yield client


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def ask(server: httpx.Client, operation: Any, mode: GenerationMode, data: st.DataObject) -> None:
    case = data.draw(operation.as_strategy(generation_mode=mode))
    if "waitSeconds" in (case.query or {}):
        case.query["waitSeconds"] = 0
    case.call_and_validate(
        base_url=str(server.base_url),
        headers={"Authorization": server.headers["Authorization"]},
        checks=CHECKS,
        timeout=20,
    )


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_answers_are_as_they_are_described_whatever_is_asked(server: httpx.Client, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(server.get("/openapi.json").json())
    asked = 0
    wrong: list[str] = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        # The same routes without a namespace differ in nothing else.
        if operation.path.endswith(ENDLESS) or (mode is GenerationMode.NEGATIVE and IS_SHORT.match(operation.path)):
            continue
        try:
            ask(server, operation, mode)
        except FailureGroup as error:
            wrong.append(f"{operation.label}: {error} {error.exceptions}")
        except Unsatisfiable:
            continue  # Nothing of it can be wrong.
        asked += 1
    assert (wrong, asked > 30) == ([], True)
