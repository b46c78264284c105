"""Which addresses may be connected to: never link-local ones, those of cloud metadata, nor the server itself."""

import socket
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

METADATA = frozenset(
    map(
        ip_address,
        (
            "100.100.100.200",  # Alibaba Cloud
            "168.63.129.16",  # Azure
            "192.0.0.192",  # Oracle Cloud
            "fd00:ec2::254",  # AWS
            "fd20:ce::254",  # Google Cloud
        ),
    )
)
"""Where clouds tell a machine its credentials, outside of the link-local networks."""
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_THIS_NETWORK = IPv4Network("0.0.0.0/8")


@dataclass(frozen=True, slots=True)
class Place:
    """An address and port that the server listens on; an unspecified address is all of the machine's."""

    address: Address
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    own: Collection[Place] = ()
    public_only: bool = False
    """Private networks and this machine are refused too."""

    def refusal(self, address: Address, port: int) -> str:
        """Why nobody may connect there; empty if they may."""
        return next((why for each in _meanings(address) if (why := self._refusal(each, port))), "")

    def _refusal(self, address: Address, port: int) -> str:
        if address.is_link_local:
            return "is link-local"
        if address in METADATA:
            return "is a cloud's metadata service"
        if address.is_unspecified or (isinstance(address, IPv4Address) and address in _THIS_NETWORK):
            return "is no host's address"
        if address.is_multicast or (isinstance(address, IPv4Address) and address.is_reserved):
            return "is not one host's address"
        if any(place.port == port and _is_at(address, place.address) for place in self.own):
            return "is this server itself"
        if self.public_only and not address.is_global:
            return "is not public"
        return ""


def _meanings(address: Address) -> list[Address]:
    """The address, and the IPv4 address that a router or the kernel takes out of it."""
    if isinstance(address, IPv4Address):
        return [address]
    number = int(address)
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    inner: list[Address] = [address]
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner += address.teredo
    if address in _NAT64 or (address in _COMPATIBLE and number > 1):
        inner.append(IPv4Address(number & 0xFFFFFFFF))
    return inner


def _is_at(address: Address, listening: Address) -> bool:
    return is_of_this_machine(address) if listening.is_unspecified else address == listening


def is_of_this_machine(address: Address) -> bool:
    """Only an own address can be bound."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
