"""Database URLs: what becomes of them, and that no message shows a password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.model.errors import InvalidInput
from ensue.store import opening
from ensue.store.postgres import PostgresDriver
from ensue.store.statement import Sql
from tests.store.drivers import opened

SECRET = "hunter2secret"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:p@host/db", "postgresql://ann:***@host/db"),
        ("postgresql://ann:p/q@host/db", "postgresql://ann:***@host/db"),
        ("postgresql://ann:p@q@host/db", "postgresql://ann:***@host/db"),
        ("postgresql://ann:p#q@host/db", "postgresql://ann:***@host/db"),
        ("postgresql://ann:p?q@host/db", "postgresql://***"),
        ("postgresql://ann@host/db?password=p", "postgresql://ann@host/db"),
        ("postgresql://ann@host/db?password=p@q", "postgresql://***"),
        ("postgresql://host:5432,other:5433/db#f", "postgresql://host:5432,other:5433/db"),
        ("postgresql://ann:p", "postgresql://ann:***"),
        ("postgresql:///db?host=/run", "postgresql:///db"),
        ("mysql://ann:p@host/db", "mysql://ann:***@host/db"),
        ("ann:p@host/db", "ann:***@host/db"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_url_is_shown_without_password_and_parameters(url: str, shown: str) -> None:
    assert opening.hidden(url) == shown


@given(st.text(alphabet="/@?#:%[]&= x", max_size=4), st.text(alphabet="/@?#:%[]&= x", max_size=4))
def test_whatever_is_in_a_password_it_is_not_shown(before: str, after: str) -> None:
    password = f"{before}{SECRET}{after}"
    for url in (f"postgresql://ann:{password}@host/db", f"postgresql://ann@host/db?password={password}"):
        assert SECRET not in opening.hidden(url)
        assert SECRET not in refusal(url)


def refusal(url: str) -> str:
    try:
        opening.postgres_address(url)
    except InvalidInput as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("url", "address", "sizes"),
    [
        ("postgresql://a:b@h/d", "postgresql://a:b@h/d", {}),
        ("postgresql+asyncpg://h/d", "postgresql://h/d", {}),
        ("postgres://a:b@c@h/d", "postgres://a:b%40c@h/d", {}),
        ("postgresql:///d?host=/run", "postgresql:///d?host=%2Frun", {}),
        ("postgresql://[::1]:5432/d", "postgresql://[::1]:5432/d", {}),
        ("postgresql://h:1,g:2/d?pool_size=3&sslmode=require", "postgresql://h:1,g:2/d?sslmode=require",
         {"pool_size": 3}),
        ("postgresql://h/d?statement_cache=0", "postgresql://h/d", {"statement_cache": 0}),
    ],
)  # fmt: skip
def test_our_parameters_are_taken_out_of_a_url(url: str, address: str, sizes: dict[str, int]) -> None:
    assert opening.postgres_address(url) == (address, sizes)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:p/q@host/db", "postgresql://ann:1/2@host/db", "postgresql://ann:1?2@host/db",
        "postgresql://ann:1#2@host/db", "postgresql://ann:[@host/db", "postgresql://host:port/db",
    ],
)  # fmt: skip
def test_a_password_that_cannot_be_told_from_the_rest_is_to_be_encoded(url: str) -> None:
    with pytest.raises(InvalidInput, match="%2F"):
        opening.open_driver(url)


@pytest.mark.parametrize("url", ["mysql://ann:p/hunter2secret@host/db", "postgresql://a:hunter2secret@h/d?pool_size=x"])
def test_a_url_that_is_refused_does_not_show_its_password(url: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        opening.open_driver(url)
    assert SECRET not in str(raised.value)


async def test_a_password_with_encoded_signs_reaches_the_server(postgres_url: str) -> None:
    host = postgres_url.partition("@")[2]
    driver = opening.open_driver(f"postgresql://ensue:a%2Fb@c@{host}?pool_size=2")
    assert isinstance(driver, PostgresDriver)
    assert driver.url == f"postgresql://ensue:a%2Fb%40c@{host}"
    async with opened(driver):
        assert await driver.fetch(Sql("SELECT 1")()) == [(1,)]
