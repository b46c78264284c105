"""Who may send: documented vectors, and every way in which a signature can be wrong."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.clients import standard_webhooks
from ensue.sources import webhook
from ensue.sources.webhook import Reason, Refused, Request, Trusted
from tests.sources.webhook import sending
from tests.sources.webhook.sending import ago, refused, request, secret_of, settings, signed

HELLO = b"Hello, World!"
SCHEMES = (*sending.PLAIN, *sending.TIMED)
SIGNATURES = {
    "github": "x-hub-signature-256",
    "gitea": "x-gitea-signature",
    "bitbucket": "x-hub-signature",
    "slack": "x-slack-signature",
    "stripe": "stripe-signature",
    "standard-webhooks": "webhook-signature",
    "gitlab": "webhook-signature",
}
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


def check(type_: str, headers: dict[str, str], body: bytes = HELLO, *secrets: bytes, **given: Any) -> Reason | None:
    """Why it is refused; None when it is not."""
    values = secrets or (secret_of(type_),)
    result = webhook.verify(settings(type_, **given), values, request(body, headers))
    return None if isinstance(result, Trusted) else result.reason


@pytest.mark.parametrize(
    ("type_", "secret", "body", "headers", "at"),
    [
        (
            "github",
            b"It's a Secret to Everybody",
            HELLO,
            {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
            0,
        ),
        (
            "bitbucket",
            b"It's a Secret to Everybody",
            b"Hello World!",
            {"x-hub-signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"},
            0,
        ),
        (
            "slack",
            b"8f742231b10e8888abcd99yyyzzz85a5",
            SLACK_BODY,
            {
                "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
                "x-slack-request-timestamp": "1531420618",
            },
            1531420618,
        ),
        (
            "standard-webhooks",
            b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            b'{"test": 2432232314}',
            {
                "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
                "webhook-timestamp": "1614265330",
                "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            },
            1614265330,
        ),
    ],
)
def test_the_examples_that_senders_publish_are_accepted(
    type_: str, secret: bytes, body: bytes, headers: dict[str, str], at: int
) -> None:
    sent = Request(headers=headers, body=body, received_at=datetime.fromtimestamp(at, UTC))
    assert webhook.verify(settings(type_), [secret], sent) == Trusted()


@pytest.mark.parametrize("type_", SCHEMES)
def test_a_signature_as_documented_is_accepted(type_: str) -> None:
    assert check(type_, signed(type_, HELLO)) is None


@pytest.mark.parametrize("type_", SCHEMES)
@given(body=st.binary(max_size=64), at=st.integers(0, 63), bit=st.integers(0, 7))
def test_a_body_changed_in_any_bit_is_refused(type_: str, body: bytes, at: int, bit: int) -> None:
    changed = bytearray(body or b"\0")
    changed[at % len(changed)] ^= 1 << bit
    assert check(type_, signed(type_, body), body) is None
    assert check(type_, signed(type_, body), bytes(changed)) is Reason.WRONG


@pytest.mark.parametrize("type_", SCHEMES)
def test_another_secret_is_wrong(type_: str) -> None:
    other = b"whsec_" + base64.b64encode(b"another") if type_ in ("gitlab", "standard-webhooks") else b"another"
    assert check(type_, signed(type_, HELLO, secret=other)) is Reason.WRONG


@pytest.mark.parametrize("type_", SCHEMES)
def test_any_of_several_secrets_may_match(type_: str) -> None:
    own = secret_of(type_)
    other = b"whsec_" + base64.b64encode(b"another") if own is sending.WHSEC else b"another"
    for secrets in ((own, other), (other, own), (b"", own)):
        assert check(type_, signed(type_, HELLO), HELLO, *secrets) is None


@pytest.mark.parametrize("type_", [*SCHEMES, "bearer", "basic", "token", "hmac"])
@pytest.mark.parametrize("secrets", [(), (b"",), (b"", b"")])
def test_without_a_secret_nothing_is_accepted(type_: str, secrets: tuple[bytes, ...]) -> None:
    more: dict[str, Any] = {"basic": {"_username": "u"}, "token": {"_header": "x-t"}, "hmac": {"_header": "x-s"}}
    headers = {**signed("github", HELLO, secret=b""), "x-t": "", "x-s": "", "authorization": "Bearer "}
    result = webhook.verify(settings(type_, **more.get(type_, {})), secrets, request(HELLO, headers))
    assert refused(result).reason is Reason.KEYLESS


@pytest.mark.parametrize("type_", SCHEMES)
def test_a_request_without_a_signature_misses_it(type_: str) -> None:
    headers = signed(type_, HELLO)
    for name in headers:
        assert check(type_, {key: value for key, value in headers.items() if key != name}) is Reason.MISSING
        assert check(type_, {**headers, name: ""}) is Reason.MISSING


@pytest.mark.parametrize("type_", SCHEMES)
@pytest.mark.parametrize(
    "value",
    ["sha256=", "sha1=aa", "zz", "sha256=zz", "v0=", "v0=x", "v0=é", "v1,", "v1,*", "v2,aaaa", "t=1", "t=x,v1=aa",
     "t=1,t=2,v1=aa", "t=1,v1=", "t=1,v0=aa", "sha256=ab, sha256=cd", "\x00", "ÿ", "sha256=０１"],
)  # fmt: skip
def test_a_malformed_signature_is_refused_whatever_it_looks_like(type_: str, value: str) -> None:
    reason = check(type_, {**signed(type_, HELLO), SIGNATURES[type_]: value})
    assert reason in (Reason.MALFORMED, Reason.MISSING, Reason.WRONG)


@pytest.mark.parametrize(
    ("type_", "value"),
    [("github", "757107ea"), ("github", "sha256=xyz"), ("github", "sha256=abc"), ("gitea", "sha256=ab"),
     ("bitbucket", "sha1=ab"), ("slack", "v1=ab"), ("stripe", "t=x,v1=ab"), ("stripe", "t=1,t=2,v1=ab"),
     ("standard-webhooks", "v1a,abcd"),
     ("standard-webhooks", "v1,abc"), ("gitlab", "nothing")],
)  # fmt: skip
def test_what_is_no_signature_is_called_malformed(type_: str, value: str) -> None:
    assert check(type_, {**signed(type_, HELLO), SIGNATURES[type_]: value}) is Reason.MALFORMED


@pytest.mark.parametrize("type_", sending.TIMED)
@pytest.mark.parametrize(
    ("age", "reason"),
    [(0, None), (300, None), (-300, None), (301, Reason.OLD), (-301, Reason.EARLY), (1e9, Reason.OLD),
     (-1e9, Reason.EARLY)],
)  # fmt: skip
def test_a_signature_holds_for_five_minutes_in_either_direction(type_: str, age: float, reason: Reason | None) -> None:
    assert check(type_, signed(type_, HELLO, ago(age))) is reason


@pytest.mark.parametrize("type_", sending.TIMED)
def test_the_tolerance_can_be_set(type_: str) -> None:
    assert check(type_, signed(type_, HELLO, ago(50)), _tolerance="1m") is None
    assert check(type_, signed(type_, HELLO, ago(70)), _tolerance="1m") is Reason.OLD


@pytest.mark.parametrize("type_", ["slack", "standard-webhooks", "gitlab"])
@pytest.mark.parametrize("stamp", ["", "now", "-1", "1e9", "01773476825", "1773476825.5", "9" * 40, "١٧٧", " 1"])
def test_a_timestamp_is_a_plain_number_of_seconds(type_: str, stamp: str) -> None:
    name = "x-slack-request-timestamp" if type_ == "slack" else "webhook-timestamp"
    wanted = Reason.MALFORMED if stamp else Reason.MISSING
    assert check(type_, {**signed(type_, HELLO), name: stamp}) is wanted


def test_the_largest_timestamps_overflow_nothing() -> None:
    headers = signed("stripe", HELLO)
    later = headers["stripe-signature"].replace(str(int(sending.NOW.timestamp())), "9" * 12)
    assert check("stripe", {"stripe-signature": later}) is Reason.WRONG
    content = b"9" * 12 + b"." + HELLO
    signature = hmac.new(sending.SECRET, content, hashlib.sha256).hexdigest()
    assert check("stripe", {"stripe-signature": f"t={'9' * 12},v1={signature}"}) is Reason.EARLY


@pytest.mark.parametrize("type_", sending.TIMED)
def test_a_time_that_was_not_signed_does_not_count(type_: str) -> None:
    old, fresh = signed(type_, HELLO, ago(999)), signed(type_, HELLO)
    if type_ == "stripe":
        signature = old["stripe-signature"].partition(",")[2]
        forged = {"stripe-signature": fresh["stripe-signature"].partition(",")[0] + "," + signature}
    else:
        forged = {**fresh, SIGNATURES[type_]: old[SIGNATURES[type_]]}
    assert check(type_, forged) is Reason.WRONG


def test_stripe_may_sign_with_two_secrets_at_once() -> None:
    one = signed("stripe", HELLO)["stripe-signature"]
    other = signed("stripe", HELLO, secret=b"other")["stripe-signature"].partition(",")[2]
    assert check("stripe", {"stripe-signature": one.replace(",", f",{other},v0=nothing,")}) is None


def test_standard_webhooks_may_carry_several_signatures() -> None:
    headers = signed("standard-webhooks", HELLO)
    several = "v1a,abc v1,AAAA " + headers["webhook-signature"]
    assert check("standard-webhooks", {**headers, "webhook-signature": several}) is None


def test_a_standard_webhooks_secret_that_is_no_base64_is_of_no_use() -> None:
    assert check("standard-webhooks", signed("standard-webhooks", HELLO), HELLO, b"whsec_!") is Reason.KEYLESS


@pytest.mark.parametrize("secret", [sending.WHSEC, base64.b64encode(sending.KEY), b"text", b"c2VjcmV0"])
def test_what_ensue_itself_signs_is_accepted(secret: bytes) -> None:
    headers = standard_webhooks.headers(secret.decode(), "msg_1", sending.NOW, HELLO)
    assert check("standard-webhooks", headers, HELLO, secret) is None
    assert check("standard-webhooks", headers, HELLO + b"!", secret) is Reason.WRONG


def test_a_standard_webhooks_secret_without_its_prefix_may_be_base64() -> None:
    assert check("standard-webhooks", signed("standard-webhooks", HELLO), HELLO, base64.b64encode(sending.KEY)) is None


def test_an_id_cannot_take_over_the_place_of_the_time() -> None:
    """`a.5` + `7` + `x` and `a` + `5` + `7.x` would be signed alike."""
    headers = {**signed("standard-webhooks", HELLO), "webhook-id": "a.5"}
    assert check("standard-webhooks", headers) is Reason.MALFORMED


@pytest.mark.parametrize(
    ("headers", "secrets", "reason"),
    [
        ({"x-gitlab-token": "tök".encode().decode("latin-1")}, ("tök".encode(),), None),
        ({"x-gitlab-token": "token"}, (b"other", b"token"), None),
        ({"x-gitlab-token": "Token"}, (b"token",), Reason.WRONG),
        ({"x-gitlab-token": "token "}, (b"token",), Reason.WRONG),
        ({}, (b"token",), Reason.MISSING),
        # A signing token proves itself by signing only.
        ({"x-gitlab-token": sending.WHSEC.decode()}, (sending.WHSEC,), Reason.MISSING),
        ({"x-gitlab-token": sending.WHSEC.decode()}, (sending.WHSEC, b"token"), Reason.WRONG),
        ({**signed("gitlab", HELLO), "x-gitlab-token": "token"}, (sending.WHSEC, b"token"), None),
        ({**signed("gitlab", HELLO, ago(999)), "x-gitlab-token": "no"}, (sending.WHSEC, b"token"), Reason.WRONG),
        (signed("gitlab", HELLO, ago(999)), (sending.WHSEC, b"token"), Reason.OLD),
        (signed("gitlab", HELLO), (b"token",), Reason.MISSING),
    ],
)
def test_gitlab_sends_a_token_or_signs(
    headers: dict[str, str], secrets: tuple[bytes, ...], reason: Reason | None
) -> None:
    assert check("gitlab", headers, HELLO, *secrets) is reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [("Bearer token", None), ("bearer  token ", None), ("BEARER token", None), ("Bearer other", Reason.WRONG),
     ("Bearer", Reason.MALFORMED), ("Bearer ", Reason.MALFORMED), ("token", Reason.MALFORMED),
     ("Basic token", Reason.MALFORMED), ("", Reason.MISSING), ("Bearer token, Bearer token", Reason.WRONG),
     ("Bearer \udcff", Reason.WRONG), ("Bearer ☃", Reason.WRONG)],
)  # fmt: skip
def test_a_bearer_token_is_compared(value: str, reason: Reason | None) -> None:
    assert check("bearer", {"authorization": value}, HELLO, b"former", b"token") is reason


@pytest.mark.parametrize(
    ("pair", "reason"),
    [(b"ann:pass:word", None), (b"ann:wrong", Reason.WRONG), (b"bob:pass:word", Reason.WRONG),
     (b":pass:word", Reason.WRONG), (b"ann:", Reason.WRONG), (b"ann", Reason.MALFORMED), (b"", Reason.MALFORMED)],
)  # fmt: skip
def test_basic_needs_the_name_and_the_password(pair: bytes, reason: Reason | None) -> None:
    headers = {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
    assert check("basic", headers, HELLO, b"pass:word", _username="ann") is reason


@pytest.mark.parametrize("value", ["Basic *", "Basic é", "Basic YQ", "Basic"])
def test_basic_that_is_no_base64_is_malformed(value: str) -> None:
    assert check("basic", {"authorization": value}, HELLO, b"p", _username="ann") is Reason.MALFORMED


@pytest.mark.parametrize(
    ("query", "reason"),
    [({"key": "token"}, None), ({"key": "other"}, Reason.WRONG), ({}, Reason.MISSING),
     ({"key": "\ud800"}, Reason.WRONG)],
)  # fmt: skip
def test_a_token_may_be_in_the_address(query: dict[str, str], reason: Reason | None) -> None:
    result = webhook.verify(settings("token", _query="key"), [b"token"], request(query=query))
    assert getattr(result, "reason", None) is reason


def test_a_token_may_be_in_a_header_of_any_name() -> None:
    assert check("token", {"x-own": "token"}, HELLO, b"token", _header="X-Own") is None
    assert check("token", {"x-other": "token"}, HELLO, b"token", _header="X-Own") is Reason.MISSING


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("prefix", ["", "sig="])
def test_a_signature_of_ones_own_is_described_by_the_settings(algorithm: str, encoding: str, prefix: str) -> None:
    digest = hmac.new(b"key", HELLO, algorithm).digest()
    signature = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    how = {"_header": "X-Sig", "_algorithm": algorithm, "_encoding": encoding, "_prefix": prefix}
    assert check("hmac", {"x-sig": prefix + signature}, HELLO, b"key", **how) is None
    assert check("hmac", {"x-sig": prefix + signature}, HELLO + b"!", b"key", **how) is Reason.WRONG


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [(str(int(sending.NOW.timestamp())), None), ("2026-03-14T09:27:05+01:00", None),
     ("2026-03-14T08:00:00Z", Reason.OLD), ("2026-03-14T09:27:05", Reason.MALFORMED),
     ("{body}", Reason.MALFORMED), ("", Reason.MISSING)],
)  # fmt: skip
def test_a_signature_of_ones_own_may_cover_time_and_id(stamp: str, reason: Reason | None) -> None:
    how = {
        "_header": "x-sig",
        "_content": "{id}:{timestamp}:{body}",
        "_timestampHeader": "X-Time",
        "_idHeader": "X-Id",
    }
    identity = "{timestamp}{body}"
    signature = hmac.new(b"key", f"{identity}:{stamp}:".encode() + HELLO, hashlib.sha256).hexdigest()
    headers = {"x-sig": signature, "x-time": stamp, "x-id": identity}
    assert check("hmac", headers, HELLO, b"key", **how) is reason


def test_what_stands_around_the_body_is_taken_as_it_is() -> None:
    signature = hmac.new(b"key", b"body" + HELLO + b"{foo}", hashlib.sha256).hexdigest()
    assert check("hmac", {"x-sig": signature}, HELLO, b"key", _header="x-sig", _content="body{body}{foo}") is None


def test_without_verification_anybody_may_send() -> None:
    assert webhook.verify(settings("none"), [], request()) == Trusted()


def test_the_sender_of_a_bad_signature_learns_nothing_and_the_owner_does() -> None:
    result = refused(webhook.verify(settings("github"), [sending.SECRET], request()))
    assert (result.status, result.told) == (401, "the request is not authenticated")
    assert result.message == "the header x-hub-signature-256 is missing"


@given(st.dictionaries(st.sampled_from([*SIGNATURES.values(), "authorization", "webhook-id", "webhook-timestamp",
    "x-slack-request-timestamp", "x-gitlab-token", "x-own"]), st.text(max_size=40)), st.sampled_from(
    [*SCHEMES, "bearer", "basic", "token", "hmac"]))  # fmt: skip
def test_hostile_headers_are_refused_and_break_nothing(headers: dict[str, str], type_: str) -> None:
    more: dict[str, Any] = {"basic": {"_username": "u"}, "token": {"_header": "x-own"}, "hmac": {"_header": "x-own"}}
    result = webhook.verify(settings(type_, **more.get(type_, {})), [secret_of(type_)], request(HELLO, headers))
    assert isinstance(result, Refused)
    assert result.status == 401


def test_a_repeated_body_is_known_by_what_was_signed() -> None:
    one, again, other = request(HELLO), request(HELLO, {"x-github-delivery": "new"}), request(HELLO + b" ")
    assert webhook.fingerprint(one) == webhook.fingerprint(again) == hashlib.sha256(HELLO).hexdigest()
    assert webhook.fingerprint(other) != webhook.fingerprint(one)
    assert (webhook.REPEATED.status, webhook.REPEATED.reason) == (401, Reason.REPEATED)
