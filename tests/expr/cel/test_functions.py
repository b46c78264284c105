"""How functions are declared and found."""

import pytest

from ensue.expr.cel import environment, functions, values
from ensue.expr.cel.failure import Failure
from ensue.expr.cel.meter import Meter
from ensue.expr.interface import LIMITS

LIBRARY = functions.Library("test")


@LIBRARY.function("double", args=("int|uint",), returns="int")
def double_number(number: int) -> int:
    return number * 2


@LIBRARY.function("double", args=("string",), returns="string", metered=True)
def double_text(meter: Meter, text: str) -> str:
    meter.grow(len(text) * 2)
    return text * 2


@LIBRARY.function("count", receiver="list", args=("dyn",), returns="int", variadic=True)
def count(items: list[object], *others: object) -> int:
    return len(items) + len(others)


KNOWN = functions.Functions([LIBRARY])


@pytest.mark.parametrize(
    ("name", "is_method", "arguments", "expected"),
    [
        ("double", False, (2,), 4),
        ("double", False, (values.Uint(2),), 4),
        ("double", False, ("ab",), "abab"),
        ("count", True, ([1], 2), 2),
        ("count", True, ([1], 2, 3, None), 4),
    ],
)
def test_the_overload_for_the_types_is_called(
    name: str, is_method: bool, arguments: tuple[object, ...], expected: object
) -> None:
    function = KNOWN.find(name, is_method=is_method)
    assert function is not None
    assert function.find(arguments).call(Meter(LIMITS), arguments) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("double", (True,), "no such overload: double(bool)"),
        ("double", (1, 2), "no such overload: double(int, int)"),
        ("double", ([],), "no such overload: double(list)"),
    ],
)
def test_no_overload_is_a_failure(name: str, arguments: tuple[object, ...], message: str) -> None:
    function = KNOWN.find(name, is_method=False)
    assert function is not None
    with pytest.raises(Failure) as caught:
        function.find(arguments)
    assert caught.value.message == message


def test_styles_are_told_apart() -> None:
    assert KNOWN.find("double", is_method=True) is None
    assert KNOWN.find("count", is_method=False) is None
    assert KNOWN.names(is_method=False) == ["double"]


def test_an_unknown_kind_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ValueError, match="unknown kind strin"):
        functions.Library("broken").function("f", args=("strin",))


@pytest.mark.parametrize(
    ("declared", "kind", "expected"),
    [
        ("int", "int", True), ("int", "dyn", True), ("dyn", "int", True), ("int|uint", "uint", True),
        ("int", "uint", False), ("int", "int|string", True), ("bytes", "int|string", False), ("a|b", "b|c", True),
    ],
)  # fmt: skip
def test_kinds_fit(declared: str, kind: str, expected: bool) -> None:
    assert functions.fits(declared, kind) is expected


@pytest.mark.parametrize(
    "name", ["size", "timestamp", "math.greatest", "sets.contains", "base64.encode", "optional.of"]
)
def test_the_environment_has_the_global_functions(name: str) -> None:
    assert environment.FUNCTIONS.find(name, is_method=False) is not None


@pytest.mark.parametrize("name", ["size", "format", "split", "getHours", "matches", "orValue", "sort", "first"])
def test_the_environment_has_the_methods(name: str) -> None:
    assert environment.FUNCTIONS.find(name, is_method=True) is not None
