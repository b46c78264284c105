"""Which files count, and what differs from before."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ensue.model.errors import InvalidInput
from ensue.sources.file import listing
from ensue.sources.file.listing import Listing, Stamp
from ensue.sources.file.settings import FileSettings

stamps = st.builds(Stamp, st.integers(0, 5), st.integers(0, 5), st.integers(0, 2), st.integers(0, 5))
trees = st.dictionaries(st.sampled_from(["/a/x", "/a/y", "/a/b/z", "/c/x"]), stamps)


def settings(root: Path, **more: Any) -> FileSettings:
    return FileSettings.model_validate({"path": str(root), **more})


def scanned(root: Path, **more: Any) -> set[str]:
    return {os.path.relpath(path, root) for path in listing.scan(settings(root, **more)).files}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.csv", "b.tmp", "sub/c.csv", "sub/deep/d.csv", ".git/config", "sub/build/e.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({}, {"a.csv", "b.tmp", "sub/c.csv", "sub/deep/d.csv", ".git/config", "sub/build/e.csv"}),
        ({"recursive": False}, {"a.csv", "b.tmp"}),
        ({"patterns": ["*.csv"], "ignore": ["build"]}, {"a.csv", "sub/c.csv", "sub/deep/d.csv"}),
        ({"ignore": [".git", "*.tmp", "sub/*"]}, {"a.csv"}),
        ({"patterns": ["sub/*.csv"]}, {"sub/c.csv", "sub/deep/d.csv", "sub/build/e.csv"}),
    ],
)
def test_patterns_say_which_files_count(tree: Path, given_: dict[str, Any], expected: set[str]) -> None:
    assert scanned(tree, **given_) == expected


def test_a_file_may_be_watched_itself_and_links_to_directories_lead_nowhere(tree: Path) -> None:
    (tree / "loop").symlink_to(tree)
    (tree / "link.csv").symlink_to(tree / "a.csv")
    assert scanned(tree, patterns=["*.csv"], recursive=False) == {"a.csv", "link.csv"}
    assert list(listing.scan(settings(tree / "a.csv")).files) == [str(tree / "a.csv")]


def test_too_many_files_are_refused_with_what_to_do(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_FILES", 3)
    with pytest.raises(InvalidInput, match=r"more than 3 files .*patterns"):
        listing.scan(settings(tree))
    monkeypatch.setattr(listing, "MOST_ENTRIES", 2)
    with pytest.raises(InvalidInput, match="more than 2 files below"):
        listing.scan(settings(tree))


def test_what_cannot_be_seen_is_not_gone(tree: Path) -> None:
    before = listing.scan(settings(tree)).files
    gone = listing.scan(settings(tree / "none"))
    assert (gone.files, gone.unseen) == ({}, {str(tree / "none")})
    unseen = Listing(files={}, unseen={str(tree)})
    assert list(listing.differences(before, unseen)) == []
    assert listing.merged(before, unseen) == before


@given(trees, trees)
def test_what_is_told_leads_from_one_listing_to_the_other_and_is_told_once(
    before: dict[str, Stamp], after: dict[str, Stamp]
) -> None:
    found = Listing(files=after)
    told = list(listing.differences(before, found))
    assert {each.path for each in told if each.change == "created"} == after.keys() - before.keys()
    assert {each.path for each in told if each.change == "deleted"} == before.keys() - after.keys()
    changed = {path for path in before.keys() & after.keys() if before[path].content != after[path].content}
    assert {each.path for each in told if each.change == "changed"} == changed
    assert list(listing.differences(listing.merged(before, found), found)) == []
    assert len({each.id for each in told}) == len(told)


@given(stamps)
def test_a_stamp_survives_being_written(stamp: Stamp) -> None:
    assert listing.read_stamp(stamp.write()) == stamp


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({}, "either path or paths"),
        ({"path": "/srv/a", "paths": ["/srv/b"]}, "either path or paths"),
        ({"path": "inbox"}, "absolute"),
        ({"path": "/srv/../etc"}, "absolute and has no"),
        ({"path": "/"}, "whole file system"),
        ({"paths": ["/srv", "/srv/inbox"]}, "one is below another"),
        ({"path": "/srv", "debounce": "1m"}, "from 50ms to 10s"),
        ({"path": "/srv", "events": []}, "at least 1"),
        ({"path": "/srv", "events": ["renamed"]}, "created"),
    ],
)
def test_settings_that_mean_nothing_are_refused(given_: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FileSettings.model_validate(given_)
