"""What no workflow may say."""

import pytest
from pydantic import ValidationError

from ensue.model.values import Json
from ensue.model.workflow import Step


@pytest.mark.parametrize("given", [{"workdir": "a\0b"}, {"with": {"user": "a\0b"}}])
def test_names_of_the_system_hold_no_zero_byte(given: dict[str, Json]) -> None:
    with pytest.raises(ValidationError, match="cannot hold a zero byte"):
        Step.model_validate({"name": "a", "run": "x", **given})


@pytest.mark.parametrize("given", [{"workdir": "a/b"}, {"with": {"user": "nobody"}}, {"with": {"user": 7}}])
def test_other_names_are_taken_as_they_are(given: dict[str, Json]) -> None:
    step = Step.model_validate({"name": "a", "run": "x", **given})
    assert step.model_dump(by_alias=True, exclude_unset=True) == {"name": "a", "run": "x", **given}
