"""URLs as a request needs them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.clients import urls


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("http://a.example", "a.example", 80, "/", "a.example"),
        ("HTTPS://A.Example:443/x", "a.example", 443, "/x", "a.example"),
        ("http://a.example:8080/x?y=z#part", "a.example", 8080, "/x?y=z", "a.example:8080"),
        ("http://[::1]:81/", "::1", 81, "/", "[::1]:81"),
        (
            "https://bücher.example/ä?ö=ü",
            "xn--bcher-kva.example",
            443,
            "/%C3%A4?%C3%B6=%C3%BC",
            "xn--bcher-kva.example",
        ),
        ("http://a.example/%20?x=%26", "a.example", 80, "/%20?x=%26", "a.example"),
        ("http://１２７.0.0.1/", "127.0.0.1", 80, "/", "127.0.0.1"),
        ("http://a.example?x=1", "a.example", 80, "/?x=1", "a.example"),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int, path: str, authority: str) -> None:
    target = urls.parse(url)
    assert (target.host, target.port, target.path, target.authority) == (host, port, path, authority)


def test_a_user_in_a_url_is_decoded_and_never_shown() -> None:
    target = urls.parse("https://ann:p%40ss@a.example/x?token=t0psecret")
    assert target.user == ("ann", "p@ss")
    assert target.shown == "https://a.example/x"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example/x",
        "ftp://a.example",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "http://a.example:99999/",
        "http://a.example:x/",
        "http://a b.example/",
        "http://a.example/\r\nX: y",
        "http://a.example\\@b.example/",
        "http://[::1",
        "http://[zz]/",
        "http://exa%6dple/",
        "http://ex<ample/",
        f"http://{'é' * 80}.example/",
    ],
)
def test_what_is_no_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        urls.parse(url)
    assert not url or url not in str(caught.value)
    assert urls.shown(url) == "(an unreadable URL)"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b", "https://a.example/b"),
        ("c", "https://a.example/x/c"),
        ("//b.example/", "https://b.example/"),
        ("http://169.254.169.254/latest", "http://169.254.169.254/latest"),
        ("?q=1", "https://a.example/x/y"),
    ],
)
def test_a_redirect_is_relative_to_where_it_came_from(location: str, expected: str) -> None:
    assert urls.joined(urls.parse("https://a.example/x/y"), location).shown == expected


@given(st.text() | st.text().map("http://{}".format))
def test_nothing_but_a_value_error_comes_of_any_text(text: str) -> None:
    try:
        target = urls.parse(text)
    except ValueError:
        return
    assert target.path.isascii()
    assert target.authority.isascii()
    assert target.path.startswith("/")
