"""What follows from reading files again."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ensue.core import following
from ensue.core.following import Found, Held, Key, Plan, Reading
from ensue.model.errors import Problem

GRACE = 2.0
BROKEN = (Problem(message="broken"),)
A: Key = ("default", "Workflow", "a")
B: Key = ("default", "Workflow", "b")
T: Key = ("default", "Trigger", "t")
S: Key = ("default", "Source", "s")


def doc(key: Key, file: str = "/x.yaml", digest: str = "1", **given: Any) -> Found:
    return Found(key=key, file=file, line=1, digest=digest, **given)


def step(held: Any, *found: Found, now: float = 0.0, **blind: Any) -> Plan:
    return following.plan(held, Reading(found=found, **blind), now, GRACE)


def settled(*found: Found) -> Any:
    return step({}, *found).held


def keys(plan: Plan) -> list[Key]:
    return [one.key for one in plan.put]


def test_what_is_new_is_applied_once_and_what_it_refers_to_first() -> None:
    first = step({}, doc(T), doc(A), doc(S))
    assert keys(first) == [A, S, T]
    again = step(first.held, doc(T), doc(A), doc(S))
    assert (again.put, again.delete, again.held) == ((), (), first.held)


def test_what_is_edited_is_applied() -> None:
    assert keys(step(settled(doc(A), doc(B)), doc(A, digest="2"), doc(B))) == [A]


def test_what_vanished_goes_after_the_grace_and_what_refers_to_others_first() -> None:
    first = step(settled(doc(A), doc(T)), now=10.0)
    assert (first.delete, first.again_at) == ((), 12.0)
    assert step(first.held, now=11.9).delete == ()
    last = step(first.held, now=12.0)
    assert (last.delete, dict(last.held), last.again_at) == ((T, A), {}, None)


def test_what_moves_to_another_file_stays_whatever_comes_first() -> None:
    gone = step(settled(doc(A)), now=10.0)
    moved = step(gone.held, doc(A, "/y.yaml"), now=11.0)
    assert (moved.put, moved.delete, moved.held[A].file, moved.held[A].gone_since) == ((), (), "/y.yaml", None)
    both = step(settled(doc(A)), doc(A, "/a.yaml"), doc(A))
    assert (both.held[A].file, both.put) == ("/x.yaml", ())
    assert step(both.held, doc(A, "/a.yaml")).held[A] == Held(file="/a.yaml", line=1, digest="1")


def test_what_is_renamed_goes_before_the_new_one_comes() -> None:
    plan = step(settled(doc(A), doc(T)), doc(B), doc(T))
    assert (plan.delete, keys(plan), set(plan.held)) == ((A,), [B], {B, T})


def test_a_broken_document_leaves_the_last_good_version() -> None:
    broken = step(settled(doc(A)), doc(A, digest="", problems=BROKEN))
    assert (broken.put, broken.delete, broken.held[A].digest, broken.held[A].problems) == ((), (), "1", BROKEN)
    mended = step(broken.held, doc(A))
    assert (mended.put, mended.held[A].problems) == ((), ())
    assert keys(step(broken.held, doc(A, digest="2"))) == [A]


def test_a_document_that_was_never_good_is_known_and_not_applied() -> None:
    plan = step({}, doc(A, digest="", problems=BROKEN))
    assert (plan.put, plan.held[A].problems) == ((), BROKEN)
    assert keys(step(plan.held, doc(A))) == [A]


@pytest.mark.parametrize("path", ["/d/x.yaml", "/d", "/d/e"])
def test_what_cannot_be_read_hides_nothing(path: str) -> None:
    held = settled(doc(A, "/d/x.yaml"))
    plan = step(held, blind={path: BROKEN}, now=99.0)
    is_hidden = path != "/d/e"
    assert (plan.held[A].problems, plan.held[A].gone_since) == ((BROKEN, None) if is_hidden else ((), 99.0))


def test_of_two_files_with_one_name_the_one_that_had_it_counts_and_both_are_named() -> None:
    plan = step(settled(doc(A)), doc(A, "/a.yaml", "2"), doc(A))
    (problem,) = plan.held[A].problems
    assert (plan.put, problem.file, "/x.yaml:1" in problem.message) == ((), "/a.yaml", True)
    first = step({}, doc(A, "/a.yaml", "", problems=BROKEN), doc(A))
    assert first.put == (doc(A),)


def test_what_was_refused_is_tried_again() -> None:
    held = settled(doc(A))
    held = {A: following.refused(held[A], BROKEN[0])}
    assert held[A].problems == BROKEN
    again = step(held, doc(A))
    assert (keys(again), again.held[A].problems) == ([A], ())


def test_only_problems_that_changed_are_told() -> None:
    before = step({}, doc(A), doc(B, digest="", problems=BROKEN)).held
    assert list(following.changes({}, before)) == [(B, BROKEN)]
    assert list(following.changes(before, before)) == []
    mended = step(before, doc(A, digest="", problems=BROKEN), doc(B)).held
    assert dict(following.changes(before, mended)) == {A: BROKEN, B: ()}


FILES = ("/a.yaml", "/b.yaml", "/d/c.yaml")
NAMES = (A, B, T)
DOCUMENTS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "1", "2"]))


@dataclass
class Disk:
    """Files with good and broken documents; None: cannot be read."""

    files: dict[str, dict[Key, str] | None] = field(default_factory=dict)

    def read(self) -> Reading:
        found = [
            doc(key, file, digest, problems=() if digest else BROKEN)
            for file, documents in sorted(self.files.items())
            for key, digest in (documents or {}).items()
        ]
        blind = {file: BROKEN for file, documents in self.files.items() if documents is None}
        return Reading(found=tuple(found), blind=blind)


class Following(RuleBasedStateMachine):
    """A disk that changes, and a store that follows; the store counts how often something was made anew."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = Disk()
        self.held: Any = {}
        self.store: dict[Key, str] = {}
        self.now = 0.0

    @rule(
        file=st.sampled_from(FILES), documents=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "1", "2"]))
    )
    def write(self, file: str, documents: dict[Key, str]) -> None:
        self.disk.files[file] = documents
        self.follow()

    @rule(file=st.sampled_from(FILES))
    def garble(self, file: str) -> None:
        self.disk.files[file] = None
        self.follow()

    @rule(file=st.sampled_from(FILES))
    def remove(self, file: str) -> None:
        self.disk.files.pop(file, None)
        self.follow()

    @rule(one=st.sampled_from(FILES), other=st.sampled_from(FILES))
    def move(self, one: str, other: str) -> None:
        if one in self.disk.files:
            before = dict(self.store)
            self.disk.files[other] = self.disk.files.pop(one)
            self.follow()
            assert before.keys() <= self.store.keys()

    @rule(seconds=st.sampled_from([0.5, GRACE]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.follow()

    @rule()
    def restart(self) -> None:
        """What was held is read from rows, which know nothing of digests."""
        self.held = {key: Held(file=held.file, line=held.line) for key, held in self.held.items()}
        self.follow(grace=0.0)

    @rule(key=st.sampled_from(NAMES))
    def refuse(self, key: Key) -> None:
        if key in self.held:
            self.held = {**self.held, key: following.refused(self.held[key], BROKEN[0])}
            self.follow()

    def follow(self, grace: float = GRACE) -> None:
        reading = self.disk.read()
        plan = following.plan(self.held, reading, self.now, grace)
        for key in plan.delete:
            assert key not in {one.key for one in reading.found}
            self.store.pop(key, None)
        for one in plan.put:
            assert one in reading.found
            self.store[one.key] = one.digest
        self.held = plan.held
        again = following.plan(self.held, reading, self.now, grace)
        assert (again.put, again.delete, again.held) == ((), (), self.held)

    @invariant()
    def what_a_file_has_is_there(self) -> None:
        for one in self.disk.read().found:
            assert one.key in self.held
            if not self.held[one.key].problems:
                assert self.store[one.key] == self.held[one.key].digest

    @invariant()
    def what_is_there_is_known_and_its_file_read_or_blind_or_just_gone(self) -> None:
        assert self.store.keys() <= self.held.keys()
        for key, held in self.held.items():
            documents = self.disk.files.get(held.file, {})
            has_it = documents is None or key in documents
            assert has_it == (held.gone_since is None)
            if documents is None:
                assert held.problems

    @invariant()
    def a_good_document_alone_is_applied_as_it_is(self) -> None:
        found = self.disk.read().found
        for one in found:
            if one.digest and [other.key for other in found].count(one.key) == 1:
                assert self.store[one.key] == one.digest
                assert self.held[one.key].problems == ()


TestFollowing = Following.TestCase
