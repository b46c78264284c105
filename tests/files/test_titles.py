"""What workflow files of relay are called that say no name."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue import files
from ensue.files import titles
from ensue.files.titles import Claim
from ensue.model.trigger import Trigger
from ensue.model.values import NAME_PATTERN
from ensue.model.workflow import Workflow

STEP = "steps: [{name: a, image: busybox}]\n"
PUSHED = f"apiVersion: v1\n{STEP}triggers: [{{name: hook, source: {{type: push}}}}]\n"


def _nameless(*paths: str) -> dict[str, Claim]:
    return {path: Claim(frozenset({titles.base(path)}), is_nameless=True) for path in paths}


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/r/x.yaml", "/r/y.yaml"], {}),
        (["/r/a/x.yaml", "/r/b/x.yml"], {"/r/a/x.yaml": "a-x", "/r/b/x.yml": "b-x"}),
        (["/r/x.yaml", "/r/b/x.yaml"], {"/r/x.yaml": "r-x", "/r/b/x.yaml": "b-x"}),
        (["/r/a/c/x.yaml", "/r/b/c/x.yaml"], {"/r/a/c/x.yaml": "a-c-x", "/r/b/c/x.yaml": "b-c-x"}),
        (
            ["/r/a/x.yaml", "/r/b/a/x.yaml", "/r/c/x.yaml"],
            {"/r/a/x.yaml": "r-a-x", "/r/b/a/x.yaml": "b-a-x", "/r/c/x.yaml": "c-x"},
        ),
        (["/r/a/x.yaml", "/r/b/x.yaml", "/r/a-x.yaml"], {"/r/a/x.yaml": "r-a-x", "/r/b/x.yaml": "b-x"}),
        (["/r/A b/X.yaml", "/r/日/x.yaml"], {"/r/A b/X.yaml": "a-b-x", "/r/日/x.yaml": "r-x"}),
        (["/r/a/x.yaml", "/r/a/x.json", "/r/b/x.yaml"], {"/r/b/x.yaml": "b-x"}),
    ],
)
def test_files_of_one_base_name_are_called_with_their_directories(paths: list[str], names: dict[str, str]) -> None:
    for order in (paths, paths[::-1]):
        assert {file: one.name for file, one in titles.choose(_nameless(*order)).items()} == names


def test_a_base_name_that_another_says_is_taken() -> None:
    claims = {**_nameless("/r/b/x.yaml"), "/r/a.yaml": Claim(frozenset({"x"}))}
    assert titles.choose(claims) == {"/r/b/x.yaml": titles.Title("b-x", "/r/a.yaml")}


SEGMENTS = st.sampled_from(["a", "b", "a-b", "Ä", "-", "x" * 70, "y" * 70])


@given(st.lists(st.lists(SEGMENTS, min_size=2, max_size=4), max_size=8))
def test_no_two_files_are_called_the_same_by_their_directories(places: list[list[str]]) -> None:
    claims = _nameless(*(f"/{'/'.join(place)}.yaml" for place in places))
    chosen = [title.name for title in titles.choose(claims).values()]
    assert len(set(chosen)) == len(chosen)
    assert {titles.base(path) for path in claims}.isdisjoint(chosen)
    assert all(re.fullmatch(NAME_PATTERN, name) for name in chosen)


@given(st.lists(st.lists(SEGMENTS, min_size=2, max_size=4), min_size=1, max_size=6))
def test_a_file_is_known_again_by_what_it_was_called(places: list[list[str]]) -> None:
    claims = _nameless(*(f"/{'/'.join(place)}.yaml" for place in places))
    for path, title in titles.choose(claims).items():
        assert titles.recalled(path, [title.name]) == Claim(frozenset({title.name, titles.base(path)}), True)


def test_a_folder_with_two_files_of_one_base_name_is_taken_and_both_names_are_told(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.yaml").write_text(PUSHED)
    found = files.load([tmp_path])
    assert [document.title for document in found] == [
        "Workflow a-x", "Trigger a-x-hook", "Workflow b-x", "Trigger b-x-hook",
    ]  # fmt: skip
    assert all(document.is_valid for document in found)
    trigger = found[3].definition
    assert isinstance(trigger, Trigger)
    assert trigger.spec.actions[0].workflow == "b-x"
    assert [str(problem).replace(f"{tmp_path}/", "") for document in found for problem in document.problems] == [
        f"{own}/x.yaml:1:1: name: the name x is that of {other}/x.yaml, too: this workflow is called {own}-x "
        f"(`name: {own}-x` at its top keeps that name, and any other gives it another)"
        for own, other in ("ab", "ba")
    ]
    alone = files.load([tmp_path / "a" / "x.yaml"])
    assert [(document.title, document.problems) for document in alone] == [
        ("Workflow x", ()), ("Trigger x-hook", ()),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["x", "X"])
def test_who_says_the_name_has_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "x.yaml").write_text(f"name: {name}\n{STEP}")
    (tmp_path / "b" / "x.yaml").write_text(f"{STEP}---\nname: more\n{STEP}")
    found = files.load([tmp_path])
    assert [document.title for document in found] == ["Workflow b-x", "Workflow more", "Workflow x"]
    assert [len(document.problems) for document in found] == [1, 0, 0]


def test_a_native_workflow_keeps_its_name_from_a_file_that_has_none(tmp_path: Path) -> None:
    native = "apiVersion: ensue.dev/v1alpha1\nkind: Workflow\nmetadata: {name: x}\nspec: {steps: [{name: a, run: a}]}\n"
    (tmp_path / "w.yaml").write_text(native)
    (tmp_path / "x.yaml").write_text(STEP)
    found = files.load([tmp_path])
    assert [document.title for document in found] == ["Workflow x", f"Workflow {titles.slug(tmp_path.name)}-x"]
    (tmp_path / "w.yaml").write_text(native.replace("name: x", "name: x, namespace: other"))
    assert [document.title for document in files.load([tmp_path])] == ["Workflow x", "Workflow x"]


def test_scripts_of_files_that_are_called_otherwise_are_fetched_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        address = f"https://example.org/{name}.sh"
        (tmp_path / name / "x.yaml").write_text(STEP.replace("busybox", f"busybox, inputFile: '{address}'"))
    fetched: list[str] = []

    def fetch(address: str) -> str:
        fetched.append(address)
        return "true"

    found = [document.definition for document in files.load([tmp_path], fetch=fetch)]
    assert [one.spec.steps[0].input for one in found if isinstance(one, Workflow)] == [("true",), ("true",)]
    assert fetched == ["https://example.org/a.sh", "https://example.org/b.sh"]
