"""Trees have positions, and what is no expression is refused where it goes wrong."""

import pytest

from ensue.expr import cel
from ensue.expr.cel import parsing, syntax
from ensue.expr.interface import LIMITS, Code, Error


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("", "expected a value, but the text ends", 0),
        ("1 +", "expected a value, but the text ends", 3),
        ("a b", "expected an operator or the end, but found b", 2),
        ("a.", "expected the name of a field, but the text ends", 2),
        ("a.in", "expected the name of a field, but found in", 2),
        ("a[1", 'expected "]", but the text ends', 3),
        ("f(1,)", "expected a value, but found )", 4),
        ("(1", 'expected ")", but the text ends', 2),
        ("{1 2}", 'expected ":", but found 2', 3),
        ("a ? b", 'expected ":", but the text ends', 5),
        ("a & b", "unexpected '&'; logical operators are && and ||", 2),
        ("a = b", "unexpected '='; equality is ==", 2),
        ("a == 'b", "the string does not end", 5),
        ("'a\nb'", "the string does not end", 0),
        ("'\\q'", "unknown escape \\q; a backslash is \\\\", 1),
        ("'ab\\ud800'", "\\ud800 is no Unicode character", 3),
        ("'\\U00110000'", "\\U00110000 is no Unicode character", 1),
        ("b'\\u0041'", "\\u0041 cannot stand in bytes", 2),
        ("a\ud800", "half a surrogate pair is no Unicode character", 1),
        ("a\x00", "unexpected '\\x00'", 1),
        ("while", "while is a reserved word", 0),
        ("Some.Message{a: 1}", "messages, as in Name{…}, are not known here", 0),
        ("has(a)", "has takes one field, as in has(event.data.ref)", 0),
        ("l.all(1, true)", "all takes the name of a variable here, as in list.all(x, …)", 6),
        ("l.all(x, x, true)", "all needs two different variables", 9),
        ("cel.bind(a.b, 1, 2)", "bind takes the name of a variable here, as in cel.bind(x, …)", 9),
    ],
)
def test_what_is_no_expression_is_refused(text: str, message: str, position: int) -> None:
    assert cel.compile(text).error == Error(message, position, Code.SYNTAX)


@pytest.mark.parametrize("text", ["9223372036854775808", "18446744073709551616u", "-1u", "1" * 10_000, "0x" + "f" * 17])
def test_a_number_beyond_64_bits_is_refused(text: str) -> None:
    error = cel.compile(text).error
    assert error is not None
    assert error.message.startswith("the number does not fit into 64 bits")


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("x.startWith('a')", "unknown function: startWith; did you mean startsWith?", 2),
        ("x.exist(y, true)", "unknown function: exist; did you mean exists?", 2),
        ("startsWith(x, 'a')", "unknown function: startsWith; write it as x.startsWith(…)", 0),
        ("x.timestamp()", "unknown function: timestamp; write it as timestamp(x)", 2),
        ("math.gretest(1)", "unknown function: gretest; did you mean math.greatest?", 5),
        ("f()", "unknown function: f", 0),
    ],
)
def test_an_unknown_function_is_named(text: str, message: str, position: int) -> None:
    assert cel.compile(text).error == Error(message, position, Code.REFERENCE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x.startsWith()", "startsWith takes 1 argument, not 0"),
        ("x.substring()", "substring takes 1 or 2 arguments, not 0"),
        ("math.greatest()", "math.greatest takes at least 1 argument, not 0"),
    ],
)
def test_a_wrong_number_of_arguments_is_named(text: str, message: str) -> None:
    assert cel.compile(text).error == Error(message, 0, Code.TYPE)


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("x.map(y)", "map takes 2 or 3 arguments, not 1", 2),
        ("x.filter(y, z, true)", "filter takes 2 arguments, not 3", 2),
        ("x.sortBy()", "sortBy takes 2 arguments, not 0", 2),
        ("cel.bind(y, 1)", "bind takes 3 arguments, not 2", 4),
    ],
)
def test_a_wrong_number_of_arguments_of_a_macro_is_named(text: str, message: str, position: int) -> None:
    assert cel.compile(text).error == Error(message, position, Code.SYNTAX)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a && (b || c)", ["a", "b || c"]),
        ("(a + b) * c == d", ["(a + b) * c", "d"]),
        ("(a).b == -c.d", ["(a).b", "-c.d"]),
        ("!a.b(c) || a ? b : c", ["!a.b(c) || a", "b", "c"]),
        ("l.all(x, x > 1)", ["l", "x > 1"]),
        ("a[?b.c]", ["a", "b.c"]),
        ("a && b && c", ["a", "b", "c"]),
        ("1 - 2 - 3", ["1 - 2", "3"]),
        ("1 + 2 * -3", ["1", "2 * -3"]),
        ("[a, ?b]", ["a", "b"]),
        ("{'k': v}", ["'k'", "v"]),
        ("a // b\n == 1", ["a", "1"]),
    ],
)
def test_nodes_know_their_text(text: str, parts: list[str]) -> None:
    tree = parsing.parse(text, LIMITS)
    assert text[tree.position : tree.end] == text
    assert [text[child.position : child.end] for child in syntax.children(tree)] == parts


@pytest.mark.parametrize(
    "opening", ["(", "[", "{1:", "f(", "!", "-", "a?b:", "a.f(", "a[", "1+(", "[1].map(x,", "a&&!("]
)
def test_nesting_is_bounded(opening: str) -> None:
    error = cel.compile(opening * 10_000 + "a").error
    assert error is not None
    assert (error.message, error.code) == ("nested deeper than 200", Code.LIMIT)


@pytest.mark.parametrize("link", [".b", "[0]", "+1", ".f()", " == a", ".?b"])
def test_a_chain_without_brackets_is_bounded(link: str) -> None:
    error = cel.compile("a" + link * 10_000).error
    assert error is not None
    assert (error.message, error.code) == ("nested deeper than 200", Code.LIMIT)


def test_a_long_chain_is_not_deep() -> None:
    assert cel.compile(" && ".join(["true"] * 5_000)).error is None
    assert cel.compile(" || ".join(["a.b == 1"] * 5_000)).error is None
