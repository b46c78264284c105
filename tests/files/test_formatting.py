"""fmt changes white space only, never what is loaded, and is done after one pass."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ensue import files
from ensue.model.errors import InvalidDefinition

PLAIN = [
    "a",
    "10",
    "010",
    "~",
    "''",
    '"x  y"',
    "'it''s'",
    "on",
    "1_000",
    "a b",
    "${x}",
    "a #c",
    "!!str 5",
    "[a,   b]",
    "{c: 1}",
]
KEYS = ["a", "b", '"c d"', "e-f", "on", "'x'"]
TEXTS = ["x", "y  ", "", "  # z", "- q", "k: v"]


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Valid YAML in any layout: odd indentation, comments, blank lines, block scalars, texts over lines."""
    lines: list[str] = ["---"] if draw(st.booleans()) else []
    _collection(draw, lines, draw(st.integers(0, 3)), depth=0)
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n\n", "\n# end"]))


def _collection(draw: st.DrawFn, lines: list[str], column: int, depth: int, first: str = "") -> None:
    """A mapping or a list at a column; `first` is what stands before its first entry on the same line."""
    is_list = draw(st.booleans())
    for number, key in enumerate(draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True))):
        prefix = first if number == 0 and first else " " * column
        if not (number == 0 and first):
            lines += draw(st.lists(st.sampled_from(["", "# full", "   # odd", " " * column + "# here"]), max_size=2))
        if is_list:
            _item(draw, lines, f"{prefix}-", column, depth)
        else:
            _value(draw, lines, f"{prefix}{key}{draw(st.sampled_from(['', '', ' ']))}:", column, depth)


def _item(draw: st.DrawFn, lines: list[str], head: str, column: int, depth: int) -> None:
    if depth < 3 and draw(st.booleans()):
        blanks = " " * draw(st.integers(1, 4))
        _collection(draw, lines, column + 1 + len(blanks), depth + 1, head + blanks)
    else:
        _value(draw, lines, head, column, depth)


def _value(draw: st.DrawFn, lines: list[str], head: str, column: int, depth: int) -> None:
    deeper = column + draw(st.integers(1, 5))
    tail = draw(st.sampled_from(["", "", "   # why", "  "]))
    match draw(st.integers(0, 5 if depth < 3 else 3)):
        case 0:
            lines.append(f"{head}{' ' * draw(st.integers(1, 4))}{draw(st.sampled_from(PLAIN))}{tail}")
        case 1:
            header = draw(st.sampled_from(["|", ">", "|-", "|+", ">2", "|1-", ">+"]))
            inside = column + int(header[1]) if header[1:2].isdecimal() else deeper
            lines.append(f"{head} {header}{tail}")
            lines += [" " * inside + text for text in ["first", *draw(st.lists(st.sampled_from(TEXTS), max_size=4))]]
        case 2:
            start, end = draw(
                st.sampled_from(
                    [("'q", "r'"), ('"q \\', 'r"'), ("[a,", "b]"), ("{k: v,", "w: {x: y}}"), ("one", "two")]
                )
            )
            lines += [f"{head}  {start}", " " * deeper + end]
        case 3:
            lines.append(f"{head}{tail}")
        case _:
            lines.append(f"{head}{tail}")
            _collection(draw, lines, deeper, depth + 1)


@settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_every_valid_layout_is_made_even_in_one_pass(text: str) -> None:
    # format itself refuses a result that means something else: not raising is the point.
    once = files.format(text, "x.yaml")
    assert files.format(once, "x.yaml") == once
    assert "".join(once.split()) == "".join(text.split())


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="ab:-#|>'\"[]{},&*! \n0", max_size=60))
def test_any_text_is_made_even_or_refused(text: str) -> None:
    try:
        once = files.format(text, "x.yaml")
    except InvalidDefinition:
        return
    assert files.format(once, "x.yaml") == once


UNEVEN = """\


# head
apiVersion:   ensue.dev/v1alpha1
kind : Workflow
metadata: {name: build,
     labels: {a:  "1"}}   # names


spec:
    parameters:
    # before a
    - {name: a}
    -   name:   b
        default:  010
    #  before steps
    steps:
       -  name: x
          run: |
               echo
                 more

          env: &e
              A: 'x
                 y'
       -  name: y
          env: *e
          input: [
             "a",
             # in flow
             "b"
          ]
          command: >2-
             indented
  # odd
"""
EVEN = """\
# head
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {name: build,
     labels: {a:  "1"}}   # names

spec:
  parameters:
    # before a
    - {name: a}
    - name: b
      default: 010
  #  before steps
  steps:
    - name: x
      run: |
        echo
          more

      env: &e
        A: 'x
          y'
    - name: y
      env: *e
      input: [
         "a",
         # in flow
         "b"
      ]
      command: >2-
         indented
# odd
"""


def test_indentation_and_spacing_become_even_and_all_else_stays() -> None:
    assert files.format(UNEVEN, "x.yaml") == EVEN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("# only a comment", "# only a comment\n"),
        ("a: 1", "a: 1\n"),
        ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
        ("a: |\n  x", "a: |\n  x"),
        ("a: |+\n  x\n\n\nb: 1\n", "a: |+\n  x\n\n\nb: 1\n"),
        ("a: 1\n\n\n\nb: 1\n\n\n", "a: 1\n\nb: 1\n"),
        ("a: 1\n---\n\n\nb: 1\n", "a: 1\n---\n\nb: 1\n"),
        ("a:\n- b\n-  - c\n   - d\n", "a:\n  - b\n  - - c\n    - d\n"),
        ("a:    # why\n      b:   c   # so\n", "a:    # why\n  b: c   # so\n"),
        ("a: !!str   5\n", "a: !!str   5\n"),
    ],
)
def test_small_texts_are_laid_out_so(text: str, expected: str) -> None:
    assert files.format(text, "x.yaml") == expected


def test_json_is_indented_by_two_and_numbers_stay_as_written() -> None:
    text = '{"a":[1.50,1E3,{}],\n"b" : "\\u00e9\\n" ,"c":[]}'
    even = '{\n  "a": [\n    1.50,\n    1E3,\n    {}\n  ],\n  "b": "\\u00e9\\n",\n  "c": []\n}\n'
    assert files.format(text, "x.json") == even
    assert files.format(even, "x.json") == even


@pytest.mark.parametrize("text", ["a: [", "? a\n: b\n", "a: \u2028 b\n", "\tx: 1\n"])
def test_what_cannot_be_laid_out_safely_is_refused(text: str) -> None:
    with pytest.raises(InvalidDefinition):
        files.format(text, "x.yaml")
