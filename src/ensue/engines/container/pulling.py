"""Brings the image of a step here, as its policy says, and tells why it cannot be had."""

from ensue.clients.containers import logins
from ensue.clients.containers.api import Api, Refused
from ensue.clients.containers.shapes import Image
from ensue.engines.container.engine import Options
from ensue.ports import engine as ports

PULL_SECONDS = 1800.0
"""Without a word from the engine."""

_NEVER = (
    "not found",
    "manifest unknown",
    "does not exist",
    "invalid reference",
    "no match for platform",
    "name unknown",
)
_SYSTEMS = frozenset({"linux", "windows", "darwin", "freebsd"})
_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "armhf": "arm"}
_USUAL_VARIANTS = frozenset({("amd64", "v1"), ("arm64", "v8")})
"""Which an image may leave unsaid."""
_UNKNOWN_USER = ("unauthorized", "no basic auth", "authentication required", "denied", "forbidden")


class ImageAbsent(Exception):
    """The image of the step cannot be had."""

    def __init__(self, message: str, *, can_retry: bool) -> None:
        self.message = message
        self.can_retry = can_retry
        super().__init__(message)


async def bring(api: Api, wanted: ports.Image, options: Options) -> Image:
    """The image, pulled when that is asked for. Raises ImageAbsent, Unavailable."""
    reference = tagged(wanted.reference or options.image)
    policy = wanted.pull or options.pull
    found = None if policy == "always" else await api.image(reference)
    if found is not None and is_for(found.platform, wanted.platform):
        return found
    if policy == "never":
        if found is not None:
            message = f"the image {reference} is for {found.platform}, not {wanted.platform}, and the step says"
            raise ImageAbsent(f"{message} `pull: never`", can_retry=False)
        raise ImageAbsent(f"there is no image {reference}, and the step says `pull: never`", can_retry=False)
    try:
        auth = _auth(wanted.login) or await logins.find(options.config, reference)
        await api.pull(reference, auth=auth, platform=wanted.platform, seconds=PULL_SECONDS)
    except Refused as error:
        raise _absent(reference, error.message) from None
    except logins.HelperFailed as error:
        raise ImageAbsent(f"the image {reference} cannot be pulled: {error}", can_retry=True) from None
    if (found := await api.image(reference)) is None:
        raise ImageAbsent(f"the image {reference} was pulled and is not there", can_retry=True)
    return found


def is_for(platform: str, wanted: str) -> bool:
    """Whether an image of this platform is what a step asks for: `os/architecture/variant`, of which the step may leave
    out the first and the last. One that does not say which it is for is."""
    if not platform or not wanted:
        return True
    has, wants = _parts(platform), _parts(wanted)
    return all(not mine or not other or mine == other for mine, other in zip(has, wants, strict=True))


def _parts(platform: str) -> tuple[str, str, str]:
    names = platform.lower().split("/")
    if names[0] not in _SYSTEMS:
        names.insert(0, "")
    system, architecture, variant = [*names, "", ""][:3]
    architecture = _ARCHITECTURES.get(architecture, architecture)
    return system, architecture, "" if (architecture, variant) in _USUAL_VARIANTS else variant


def tagged(reference: str) -> str:
    """With a tag: without one an engine would pull them all."""
    name = reference.rpartition("/")[2]
    return reference if "@" in name or ":" in name else f"{reference}:latest"


def _auth(login: ports.Login | None) -> dict[str, str]:
    return {} if login is None else {"username": login.username, "password": login.password}


def _absent(reference: str, why: str) -> ImageAbsent:
    said = why.lower()
    if any(words in said for words in _UNKNOWN_USER):
        remedy = "give the step a `login`, or the server's configuration of Docker an entry"
        return ImageAbsent(f"the registry refuses the image {reference}: {why} ({remedy})", can_retry=False)
    if any(words in said for words in _NEVER):
        return ImageAbsent(f"there is no image {reference}: {why}", can_retry=False)
    return ImageAbsent(f"the image {reference} cannot be pulled: {why}", can_retry=True)
