"""Addresses that the reference takes, and those that it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.metadata import uris

TAKEN = (
    "", "https://example.org", "https://example.org:8443/a%20b?c=d e&%zz#top", "//example.org/a", "///a", "/a:b",
    "a/b:c", "http://a]",
    "mailto:ann@example.org", "urn:isbn:0-306", "a+b.c-1:%zz", "HTTP://EXAMPLE.org", "http:", "http://", "http://a:/",
    "http://a:99999/", "http://user:pa%20ss@a/", "http://@a", "http://[::1]:80/", "http://[fe80::1%25eth0]/",
    "file:///a b",
    "ht tp", "http://b\u00fccher.example/", "http://%C3%BC.example", "?:", "#:", "*", "../up", "http://a/[x]",
)  # fmt: skip
REFUSED = (
    ("ht tp://[", "no scheme"),
    ("1a:b", "no scheme"),
    (":", "colon"),
    ("://a", "colon"),
    ("a b:c", "no scheme"),
    ("http://[::1", "no address"),
    ("http://[]", "no address"),
    ("http://[fe80::1%eth0]", "no address"),
    ("http://[1.2.3.4]", "no address"),
    ("http://[::1]80", "no port"),
    ("http://a:b/", "no port"),
    ("http://a:1x", "no port"),
    ("http://a:-1", "no port"),
    ("http://a b/", "no host has"),
    ("http://a%20b/", "no host has"),
    ("http://a[b", "no host has"),
    ("http://a\\b", "no host has"),
    ("http://a b@c", "no user"),
    ("http://%zz@c", "no user"),
    ("http://a/%zz", "hexadecimal"),
    ("%", "hexadecimal"),
    ("/a#%1", "hexadecimal"),
    ("a\tb", "control"),
    ("http://a/\x7f", "control"),
)


@pytest.mark.parametrize("uri", TAKEN)
def test_what_can_be_parsed_is_an_address(uri: str) -> None:
    assert uris.fault(uri) == ""


@pytest.mark.parametrize(("uri", "why"), REFUSED)
def test_what_cannot_is_none_and_says_why(uri: str, why: str) -> None:
    assert why in uris.fault(uri)


@given(st.text(alphabet="aZ9:/@[]%25?# .-e\u00e9\t", max_size=30))
def test_any_text_is_an_address_or_has_a_fault(text: str) -> None:
    fault = uris.fault(f"http://{text}")
    assert fault == "" or "\n" not in fault
