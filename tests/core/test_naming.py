"""Names for runs."""

import re

from hypothesis import given
from hypothesis import strategies as st

from ensue.core import naming
from ensue.model.values import NAME_PATTERN


@given(st.uuids(), st.from_regex(NAME_PATTERN, fullmatch=True), st.integers(5, 10))
def test_a_name_tells_the_workflow_and_is_a_name_itself(uid: object, workflow: str, length: int) -> None:
    workflow = workflow.strip()
    name = naming.run_name(workflow, str(uid), length)
    assert re.fullmatch(NAME_PATTERN, name)
    assert name.startswith(workflow[:50])


def test_a_longer_name_of_the_same_run_is_another_one() -> None:
    uid = "0190a0a0-0000-7000-8000-123456789abc"
    names = {naming.run_name("build", uid, length) for length in range(5, 11)}
    assert len(names) == 6
    assert naming.run_name("build", uid) == naming.run_name("build", uid)
