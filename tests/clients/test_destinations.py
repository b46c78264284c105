"""Which addresses may be connected to."""

import socket
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.clients import destinations
from ensue.clients.destinations import Place, Rules

NEVER = [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "febf::1",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "239.255.255.250",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "::169.254.169.254",
    "2002:a9fe:a9fe::1",
    "64:ff9b::a9fe:a9fe",
    "2001:0:a9fe:a9fe:0:0:0:0",
]
PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd00::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:1.1.1.1"]


@pytest.mark.parametrize("text", NEVER)
def test_some_addresses_are_never_connected_to(text: str) -> None:
    assert Rules().refusal(ip_address(text), 80)
    assert Rules(public_only=True).refusal(ip_address(text), 80)


@pytest.mark.parametrize("text", PRIVATE)
def test_private_networks_are_open_unless_the_operator_closes_them(text: str) -> None:
    assert Rules().refusal(ip_address(text), 80) == ""
    assert Rules(public_only=True).refusal(ip_address(text), 80) == "is not public"


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_open(text: str) -> None:
    assert Rules(public_only=True).refusal(ip_address(text), 80) == ""


@pytest.mark.parametrize(
    ("listening", "address", "port", "is_refused"),
    [
        ("127.0.0.1", "127.0.0.1", 8080, True),
        ("127.0.0.1", "::ffff:127.0.0.1", 8080, True),
        ("127.0.0.1", "127.0.0.1", 8081, False),
        ("127.0.0.1", "127.0.0.2", 8080, False),
        ("0.0.0.0", "127.0.0.1", 8080, True),
        ("0.0.0.0", "127.0.0.2", 8080, True),
        ("::", "::ffff:127.0.0.2", 8080, True),
        ("::", "127.0.0.1", 8080, True),
        ("0.0.0.0", "198.51.100.7", 8080, False),
        ("10.1.1.1", "10.1.1.1", 8080, True),
    ],
)
def test_the_server_does_not_call_itself(listening: str, address: str, port: int, is_refused: bool) -> None:
    rules = Rules(own=[Place(ip_address(listening), 8080)])
    assert (rules.refusal(ip_address(address), port) == "is this server itself") is is_refused


def test_addresses_of_this_machine_are_known_as_such() -> None:
    assert destinations.is_of_this_machine(ip_address("127.0.0.1"))
    assert not destinations.is_of_this_machine(ip_address("192.0.2.1"))
    if socket.has_ipv6:
        assert not destinations.is_of_this_machine(ip_address("2001:db8::1"))


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_however_it_is_written_in_ipv6(address: object) -> None:
    inner = ip_address(str(address))
    mapped = ip_address(f"::ffff:{address}")
    for rules in (Rules(), Rules(public_only=True)):
        assert rules.refusal(mapped, 80) == rules.refusal(inner, 80)
        if rules.refusal(inner, 80):
            assert rules.refusal(ip_address(f"64:ff9b::{address}"), 80)
