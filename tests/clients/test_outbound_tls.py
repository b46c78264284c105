"""TLS of outbound requests: names are verified although addresses are connected to."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ensue.clients.outbound import Outbound
from ensue.core.resending import Fault
from ensue.model.errors import Fail
from tests.clients.peer import answer, peer
from tests.clients.sending import Resolver, answered, fault, request


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """A server of the name service.test, and the certificate to trust it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "service.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("service.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "server.pem"
    path.write_bytes(pem + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, pem.decode()


async def test_tls_is_about_the_name_although_the_address_is_connected_to(
    names: Resolver, certificate: tuple[ssl.SSLContext, str]
) -> None:
    context, pem = certificate
    asked: list[str | None] = []
    context.sni_callback = lambda connection, name, tls: asked.append(name)
    names("service.test", ["127.0.0.1"])
    names("other.test", ["127.0.0.1"])
    outbound = Outbound(public_only=False, certificates=pem)
    async with peer(tls=context) as server:
        assert (await answered(outbound, f"https://service.test:{server.port}/")).status == 200
        assert asked == ["service.test"]
        kind, message = await fault(outbound, f"https://other.test:{server.port}/")
        assert kind is Fault.UNTRUSTED
        assert "certificate does not hold" in message
    await outbound.close()


@pytest.mark.parametrize("text", ["no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "ü"])
async def test_certificates_that_cannot_be_read_are_named(text: str) -> None:
    outbound = Outbound(public_only=False, certificates=text)
    with pytest.raises(Fail, match="K_CA_CERTS is PEM"):
        await outbound.send(request("https://127.0.0.1:9/"))


async def test_an_unknown_authority_is_not_trusted(
    outbound: Outbound, names: Resolver, certificate: tuple[ssl.SSLContext, str]
) -> None:
    names("service.test", ["127.0.0.1"])
    async with peer(tls=certificate[0]) as server:
        assert (await fault(outbound, f"https://service.test:{server.port}/"))[0] is Fault.UNTRUSTED


async def test_a_redirect_does_not_leave_tls(names: Resolver, certificate: tuple[ssl.SSLContext, str]) -> None:
    context, pem = certificate
    names("service.test", ["127.0.0.1"])
    outbound = Outbound(public_only=False, certificates=pem)
    async with peer(answer(302, Location="http://127.0.0.1:1/x?token=1"), tls=context) as server:
        kind, message = await fault(outbound, f"https://service.test:{server.port}/", follows_redirects=True)
    assert (kind, message) == (Fault.FORBIDDEN, "redirected from https to http://127.0.0.1:1/x")
    await outbound.close()
