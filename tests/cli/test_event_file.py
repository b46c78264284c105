"""What is said of files that hold no CloudEvent."""

from pathlib import Path

import pytest

from ensue.cli import commands, event_file
from ensue.model.errors import InvalidDefinition, InvalidInput


def test_what_is_no_json_is_named_with_its_file_as_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"type":\n')
    with pytest.raises(InvalidDefinition) as caught:
        event_file.read(str(path))
    commands.report(caught.value)
    assert capsys.readouterr().err.startswith(f"error: {path}:")


def test_a_payload_alone_is_told_where_it_belongs() -> None:
    with pytest.raises(InvalidInput, match=r"push\.json is not a CloudEvent: it needs type and source") as caught:
        event_file.require_type({"repository": {"name": "r"}}, "push.json")
    assert caught.value.remedy.startswith("put the payload under data")
    event_file.require_type({"type": "a"}, "event.json")
