"""JSON beside definitions that is none."""

from pathlib import Path

import pytest

from ensue import files


@pytest.mark.parametrize(
    ("text", "is_passed_over"),
    [
        ('{"type": "com.example.paid", "data": {"kind": "card"}}', True),
        ('[{"type": "a"}]', True),
        ("17", True),
        ('{"metadata": {"name": "a"}}', False),
        ('{"kind": "Workflow"}', False),
        ('{"steps": [17]}', False),
        ('{"type": ', False),
        ("[" * 100_000, False),
        ("", False),
    ],
)
def test_events_beside_definitions_are_passed_over_unless_named(
    tmp_path: Path, text: str, is_passed_over: bool
) -> None:
    (tmp_path / "event.json").write_text(text)
    assert (files.load([tmp_path]) == ()) is is_passed_over
    assert files.load([tmp_path / "event.json"])[0].problems
