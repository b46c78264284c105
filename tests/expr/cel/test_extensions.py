"""The extensions as texts call them."""

import pytest

from ensue.expr import cel
from ensue.expr.interface import Code, Error, Mapped, Value
from ensue.model.values import Json
from tests.core.playing import NOW

SCOPE = Mapped(roots={"event": {"words": ["b", "a"], "n": 3, "pods": [{"name": "y"}, {"name": "x"}]}}, now=NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'a,b'.split(',').join('-').upperAscii()", "A-B"), ("strings.quote('a\"')", '"a\\""'),
        ("'%s has %d %.1f'.format([event.words, event.n, 2.25])", "[b, a] has 3 2.2"),
        ("event.words.sort()", ["a", "b"]), ("event.words.reverse()", ["a", "b"]), ("'ab'.reverse()", "ba"),
        ("event.pods.sortBy(pod, pod.name).map(pod, pod.name)", ["x", "y"]),
        ("event.pods.map(pod, pod.name).sortBy(name, -size(name))", ["y", "x"]),
        ("[1, [2]].flatten()", [1, 2]), ("[1, [2, [3]]].flatten(2)", [1, 2, 3]), ("lists.range(3).slice(1, 3)", [1, 2]),
        ("[1, 1u, 1.0, 2].distinct()", [1, 2]), ("event.words.first().value()", "b"), ("[].last().orValue('x')", "x"),
        ("[optional.of(1), optional.none()].unwrapOpt()", [1]), ("optional.unwrap([])", []),
        ("sets.contains(event.words, ['a'])", True), ("sets.equivalent([1, 1], [1u])", True),
        ("sets.intersects([1], [])", False),
        ("math.greatest(1, event.n, 2)", 3), ("math.least([3, 2.5])", 2.5), ("math.round(-2.5)", -3.0),
        ("math.bitShiftRight(-1, 1) == 9223372036854775807", True), ("math.isNaN(math.sqrt(-1.0))", True),
        ("base64.encode(b'hi') + string(base64.decode('aGk'))", "aGk=hi"),
    ],
)  # fmt: skip
def test_a_text_has_a_value(text: str, expected: Json) -> None:
    assert cel.compile(text).evaluate(SCOPE) == Value(expected)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("'abc'.charAt(9)", Code.VALUE), ("event.pods.sort()", Code.TYPE), ("[1, 'a'].sortBy(x, x)", Code.TYPE),
        ("[1].unwrapOpt()", Code.TYPE), ("'%d'.format(['a'])", Code.TYPE), ("math.greatest(event.words)", Code.TYPE),
        ("base64.decode('!')", Code.VALUE),
        ("lists.range(1000000).size() > 0", Code.LIMIT), ("'a'.@sortByAssociatedKeys([])", Code.SYNTAX),
    ],
)  # fmt: skip
def test_a_wrong_call_is_an_error_where_it_stands(text: str, code: Code) -> None:
    found = cel.compile(text).evaluate(SCOPE)
    assert isinstance(found, Error)
    assert found.code is code
    assert 0 <= found.position < len(text)


def test_an_error_of_an_extension_is_absorbed_as_any_other() -> None:
    assert cel.compile("'abc'.charAt(9) == 'x' || event.n == 3").evaluate(SCOPE) == Value(True)
