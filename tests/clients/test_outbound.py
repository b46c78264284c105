"""Outbound requests, against a real server: what is sent, what is refused, and what bounds hold."""

import asyncio
import gzip
import socket
import zlib
from datetime import timedelta
from typing import Any

import pytest

from ensue.clients.outbound import Outbound
from ensue.core.resending import Fault
from tests.clients import peer as peers
from tests.clients.peer import answer, peer
from tests.clients.sending import Resolver, answered, fault, request


async def test_a_request_arrives_as_it_was_meant_and_its_answer_comes_back(outbound: Outbound) -> None:
    async with peer(answer(201, b"done", X_One="1", x_one="2", Set_Cookie="session=secret")) as server:
        end = await answered(outbound, f"{server.url}/a%20b?c=d", method="PUT", body=b"data", headers={"x-a": "ü"})
    assert (end.status, end.body, end.is_cut) == (201, b"done", False)
    assert end.headers["x-one"] == "1, 2"
    assert "set-cookie" not in end.headers
    (got,) = server.received
    assert (got.method, got.path, got.body) == ("PUT", "/a%20b?c=d", b"data")
    assert got.headers["host"] == f"127.0.0.1:{server.port}"
    assert got.headers["x-a"] == "ü"
    assert got.headers["user-agent"].startswith("Ensue/")


@pytest.mark.parametrize(("method", "length"), [("POST", "0"), ("GET", None), ("DELETE", None)])
async def test_only_methods_that_have_a_body_say_that_it_is_empty(
    outbound: Outbound, method: str, length: str | None
) -> None:
    async with peer() as server:
        await answered(outbound, server.url, method=method)
    assert server.received[0].headers.get("content-length") == length


async def test_a_user_in_the_url_is_sent_as_basic_authorization(outbound: Outbound) -> None:
    async with peer() as server:
        await answered(outbound, server.url.replace("//", "//ann:p%40ss@"))
    assert server.received[0].headers["authorization"] == "Basic YW5uOnBAc3M="


async def test_connections_are_kept_and_not_shared_at_the_same_time(outbound: Outbound) -> None:
    async with peer() as server:
        await answered(outbound, server.url)
        await answered(outbound, server.url)
        assert server.connections == 1
        await asyncio.gather(*(answered(outbound, server.url) for _ in range(5)))
        assert (server.connections, len(server.received)) == (5, 7)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "0",
        "[::]",
        "１６９.254.169.254",
        "224.0.0.1",
    ],
)
async def test_forbidden_addresses_are_refused_however_they_are_written(outbound: Outbound, host: str) -> None:
    kind, message = await fault(outbound, f"http://{host}/latest/meta-data")
    assert kind is Fault.FORBIDDEN
    assert "must not be called from here" in message


async def test_a_name_that_resolves_to_a_forbidden_address_is_refused(outbound: Outbound, names: Resolver) -> None:
    names("metadata.test", ["169.254.169.254"])
    assert (await fault(outbound, "http://metadata.test/"))[0] is Fault.FORBIDDEN


async def test_of_the_addresses_of_a_name_only_allowed_ones_are_connected_to(
    outbound: Outbound, names: Resolver
) -> None:
    async with peer() as server:
        names("mixed.test", ["169.254.169.254", "127.0.0.1"])
        assert (await answered(outbound, f"http://mixed.test:{server.port}/")).status == 200
    assert server.received[0].headers["host"] == f"mixed.test:{server.port}"


async def test_a_second_answer_of_the_name_server_leads_nowhere_else(outbound: Outbound, names: Resolver) -> None:
    async with peer(answer(200, b"ours", Connection="close")) as server:
        names("rebind.test", ["127.0.0.1"], ["169.254.169.254"])
        assert (await answered(outbound, f"http://rebind.test:{server.port}/")).body == b"ours"
        assert (await fault(outbound, f"http://rebind.test:{server.port}/"))[0] is Fault.FORBIDDEN


async def test_the_next_address_is_tried_when_one_does_not_answer(outbound: Outbound, names: Resolver) -> None:
    async with peer() as server:
        names("two.test", ["127.0.0.2", "127.0.0.1"])
        assert (await answered(outbound, f"http://two.test:{server.port}/")).status == 200


async def test_the_server_does_not_call_itself(outbound: Outbound, names: Resolver) -> None:
    async with peer() as server:
        names("self.test", ["127.0.0.1"])
        outbound.avoid("127.0.0.1", server.port)
        for host in ("127.0.0.1", "localhost", "self.test", "2130706433", "[::ffff:127.0.0.1]"):
            kind, message = await fault(outbound, f"http://{host}:{server.port}/")
            assert (kind, "is this server itself" in message) == (Fault.FORBIDDEN, True)
    assert server.received == []


async def test_an_operator_can_close_private_networks() -> None:
    outbound = Outbound(public_only=True, certificates="")
    async with peer() as server:
        assert (await fault(outbound, server.url))[0] is Fault.FORBIDDEN
    await outbound.close()


@pytest.mark.parametrize("location", ["http://169.254.169.254/latest", "//2852039166/", "http://[fe80::1]/"])
async def test_a_redirect_to_a_forbidden_address_is_refused(outbound: Outbound, location: str) -> None:
    async with peer(answer(302, Location=location)) as server:
        assert (await fault(outbound, server.url, follows_redirects=True))[0] is Fault.FORBIDDEN


async def test_redirects_are_answers_unless_they_are_asked_for(outbound: Outbound) -> None:
    async with peer(answer(302, Location="/b"), answer(200, b"there")) as server:
        assert (await answered(outbound, server.url)).status == 302
        assert (await answered(outbound, server.url, follows_redirects=True)).body == b"there"


@pytest.mark.parametrize(
    ("status", "method", "becomes", "body"),
    [
        (301, "POST", "GET", b""),
        (302, "POST", "GET", b""),
        (303, "POST", "GET", b""),
        (303, "PUT", "GET", b""),
        (303, "HEAD", "HEAD", b""),
        (302, "PUT", "PUT", b"data"),
        (307, "POST", "POST", b"data"),
        (308, "POST", "POST", b"data"),
    ],
)
async def test_a_redirect_changes_the_method_as_browsers_have_it(
    outbound: Outbound, status: int, method: str, becomes: str, body: bytes
) -> None:
    sent = b"" if method == "HEAD" else b"data"
    given = {"method": method, "body": sent, "headers": {"content-type": "a/b"}, "follows_redirects": True}
    async with peer(answer(status, Location="/b"), answer()) as server:
        await answered(outbound, server.url, **given)
    got = server.received[1]
    assert (got.method, got.path, got.body) == (becomes, "/b", body)
    assert ("content-type" in got.headers) is (becomes == method)


async def test_headers_that_may_be_secret_do_not_follow_to_another_origin(outbound: Outbound) -> None:
    headers = {"authorization": "Bearer x", "x-api-key": "y", "cookie": "z", "accept": "a/b"}
    async with peer() as other, peer(answer(307, Location="/b"), answer(307, Location=f"{other.url}/c")) as first:
        await answered(outbound, first.url, headers=headers, follows_redirects=True)
    assert {name: first.received[1].headers.get(name) for name in headers} == headers
    assert {name for name in headers if name in other.received[0].headers} == {"accept"}


async def test_redirects_that_go_in_circles_end(outbound: Outbound) -> None:
    async with peer(answer(302, Location="/")) as server:
        kind, message = await fault(outbound, server.url, follows_redirects=True)
    assert (kind, message) == (Fault.UNREADABLE, "redirected more than 5 times")
    assert len(server.received) == 6


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://", "http://a b/"])
async def test_a_redirect_to_what_is_no_url_is_no_answer(outbound: Outbound, location: str) -> None:
    async with peer(answer(302, Location=location)) as server:
        assert (await fault(outbound, server.url, follows_redirects=True))[0] is Fault.UNREADABLE


async def test_a_body_is_read_up_to_its_limit(outbound: Outbound) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + bytes(4096) + b"\r\n")
            await writer.drain()

    async with peer(endless) as server:
        end = await answered(outbound, server.url)
    assert (end.is_cut, len(end.body)) == (True, 10_000)


async def test_a_compressed_body_is_bounded_by_what_it_becomes(outbound: Outbound) -> None:
    bomb = zlib.compressobj(9, wbits=31)
    body = b"".join(bomb.compress(bytes(2**20)) for _ in range(50)) + bomb.flush()
    fine = gzip.compress(b"hello")
    async with peer(answer(200, fine, Content_Encoding="gzip"), answer(200, body, Content_Encoding="gzip")) as server:
        assert (await answered(outbound, server.url)).body == b"hello"
        end = await answered(outbound, server.url)
    assert (end.is_cut, len(end.body)) == (True, 10_000)


async def test_an_encoding_that_nobody_asked_for_is_no_answer(outbound: Outbound) -> None:
    async with peer(answer(200, b"x", Content_Encoding="br")) as server:
        assert (await fault(outbound, server.url))[0] is Fault.UNREADABLE


async def test_a_slow_answer_ends_at_its_time(outbound: Outbound) -> None:
    async def dripping(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)

    for act in (dripping, peers.silence):
        async with peer(act) as server:
            kind, message = await fault(outbound, server.url, timeout=timedelta(seconds=0.2))
            assert (kind, message) == (Fault.TIMED_OUT, "no whole answer within 200ms")


async def test_a_request_that_is_cancelled_lets_go_of_its_connection(outbound: Outbound) -> None:
    closed = asyncio.Event()

    async def watching(writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            closed.set()

    async with peer(watching) as server:
        task = asyncio.create_task(outbound.send(request(server.url)))
        await server.is_asked()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(10):
            await closed.wait()


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (peers.hang_up, Fault.BROKEN),
        (b"no HTTP at all\r\n\r\n", Fault.BROKEN),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Fault.TIMED_OUT),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", Fault.BROKEN),
    ],
)
async def test_what_is_no_whole_answer_is_a_fault(outbound: Outbound, act: peers.Act, expected: Fault) -> None:
    limit = timedelta(seconds=0.5 if expected is Fault.TIMED_OUT else 30)
    async with peer(act) as server:
        assert (await fault(outbound, server.url, timeout=limit))[0] is expected


async def test_a_server_that_is_not_there_is_told_from_one_that_breaks_off(outbound: Outbound) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        kind, message = await fault(outbound, f"http://127.0.0.1:{port}/")
    assert (kind, message) == (Fault.UNCONNECTED, f"no connection to 127.0.0.1:{port}: Connection refused")


async def test_a_name_that_nobody_knows_is_no_connection(outbound: Outbound, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*given: Any, **more: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    kind, message = await fault(outbound, "http://nowhere.test/")
    assert (kind, message) == (Fault.UNCONNECTED, "no connection to nowhere.test: Name or service not known")


@pytest.mark.parametrize(
    ("url", "headers"), [("ftp://a.example", {}), ("http://a b/", {}), ("http://127.0.0.1:9/", {"x": "a\nb"})]
)
async def test_what_cannot_be_sent_is_not_sent(outbound: Outbound, url: str, headers: dict[str, str]) -> None:
    async with peer() as server:
        url = url.replace(":9/", f":{server.port}/")
        assert (await fault(outbound, url, headers=headers))[0] is Fault.INVALID
    assert server.received == []
