"""What a container runs: the matrix of relay's entrypoint, and Kubernetes' rule for all others."""

import pytest

from ensue.engines.container import allowing, commands, pulling
from ensue.model.errors import Fail
from ensue.ports.engine import Mount

BUSYBOX: tuple[tuple[str, ...], tuple[str, ...]] = ((), ("sh",))
NGINX = (("/docker-entrypoint.sh",), ("nginx", "-g", "daemon off;"))
ECHO: tuple[tuple[str, ...], tuple[str, ...]] = (("/http-echo",), ())


@pytest.mark.parametrize(
    ("image", "arguments", "keeps", "argv"),
    [
        (BUSYBOX, (), True, ("sh",)),
        (BUSYBOX, ("echo", "hello"), True, ("sh", "echo", "hello")),
        (BUSYBOX, (), False, ("sh",)),
        (BUSYBOX, ("echo", "hello"), False, ("echo", "hello")),
        (NGINX, (), True, ("/docker-entrypoint.sh", "nginx", "-g", "daemon off;")),
        (NGINX, ("nginx", "-t"), True, ("/docker-entrypoint.sh", "nginx", "-t")),
        (NGINX, (), False, ("/docker-entrypoint.sh", "nginx", "-g", "daemon off;")),
        (NGINX, ("nginx", "-t"), False, ("/docker-entrypoint.sh", "nginx", "-t")),
        (ECHO, (), True, ("/http-echo",)),
        (ECHO, ("-text", "hi"), True, ("/http-echo", "-text", "hi")),
        (ECHO, ("-text", "hi"), False, ("/http-echo", "-text", "hi")),
        (((), ()), ("run",), True, ("run",)),
    ],
)
def test_the_image_says_what_runs(
    image: tuple[tuple[str, ...], tuple[str, ...]], arguments: tuple[str, ...], keeps: bool, argv: tuple[str, ...]
) -> None:
    assert commands.resolve(*image, arguments, keeps_arguments=keeps) == argv


def test_an_image_that_says_nothing_needs_a_command() -> None:
    with pytest.raises(Fail, match="neither entrypoint nor command"):
        commands.resolve((), (), (), keeps_arguments=True)


def test_a_volume_belongs_to_its_namespace_unless_it_is_allowed_for_all() -> None:
    wanted = [Mount("cache", "/cache"), Mount("models", "/models", True)]
    found = allowing.mounts(wanted, ["models"], "team")
    assert found == (Mount("ensue-team.cache", "/cache"), Mount("models", "/models", True))


@pytest.mark.parametrize(
    ("name", "is_allowed"),
    [
        ("/srv/cache", True),
        ("/srv/cache/", True),
        ("/srv/cache/a/..", True),
        ("/srv/cache/a", False),
        ("/srv/cache/link/etc", False),
        ("/srv/cache/../secret", False),
        ("/srv", False),
        ("/srv/cachet", False),
        ("/", False),
    ],
)
def test_a_directory_is_mounted_only_if_it_is_one_of_those_allowed(name: str, is_allowed: bool) -> None:
    if is_allowed:
        assert allowing.mounts([Mount(name, "/x")], ["/srv/cache/"], "team") == (Mount("/srv/cache", "/x"),)
    else:
        with pytest.raises(Fail, match="ENSUE_CONTAINER_MOUNTS"):
            allowing.mounts([Mount(name, "/x")], ["/srv/cache"], "team")


def test_other_networks_than_the_default_have_to_be_allowed() -> None:
    assert [allowing.network(name, ["build"]) for name in ("", "none", "default", "build")] == ["", "none", "", "build"]
    with pytest.raises(Fail, match="ENSUE_CONTAINER_NETWORKS"):
        allowing.network("host", ["build"])


@pytest.mark.parametrize(
    ("platform", "wanted", "is_it"),
    [
        ("linux/amd64", "", True),
        ("", "linux/arm64", True),
        ("linux/amd64", "linux/amd64", True),
        ("linux/amd64", "linux/x86_64", True),
        ("linux/amd64", "amd64", True),
        ("linux/amd64", "linux", True),
        ("linux/amd64", "linux/arm64", False),
        ("linux/amd64", "arm64", False),
        ("linux/amd64", "windows/amd64", False),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm64", "linux/aarch64/v8", True),
        ("linux/arm64/v8", "arm64", True),
        ("linux/arm/v7", "linux/arm", True),
        ("linux/arm/v6", "linux/arm/v7", False),
    ],
)
def test_an_image_is_for_a_platform(platform: str, wanted: str, is_it: bool) -> None:
    assert pulling.is_for(platform, wanted) is is_it
