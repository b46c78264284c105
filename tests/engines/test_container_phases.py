"""What is peculiar to containers: images, users, networks, volumes, what precedes and follows, and engines that go."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ensue.model.run import Reason, State
from ensue.ports.engine import Image, Limits, Mount, StepOrder
from tests import containers
from tests.engines import suite
from tests.engines.boxes import ContainerBench


@pytest.fixture
async def bench(docker: containers.ContainerEngine, tmp_path: Path) -> AsyncIterator[ContainerBench]:
    bench = ContainerBench(docker, tmp_path)
    yield bench
    await bench.close()


def on(image: Image, script: str, **rest: object) -> StepOrder:
    order = suite.shell(script, **rest)
    assert order.command is not None
    return replace(order, command=replace(order.command, image=image))


async def test_an_image_runs_its_own_command_where_it_says(bench: ContainerBench) -> None:
    name = "localhost/ensue-test/tool:1"
    archive = containers.busybox_archive(app__tool='#!/bin/sh\necho "$PWD $*"\n')
    bench.real.make_image(name, archive, 'ENTRYPOINT ["/app/tool"]', 'CMD ["default"]', "WORKDIR /app", "USER app")
    for arguments, printed in (((), "/app default\n"), (("a", "b"), "/app a b\n")):
        image = Image(reference=name, runs_own_command=True, stays_in_image=True)
        order = suite.order(*arguments, step=f"s{len(arguments)}", env={})
        assert order.command is not None
        outcome, log = await suite.run(bench.engine, replace(order, command=replace(order.command, image=image)))
        assert (outcome.state, log) == (State.SUCCEEDED, printed)
    outcome, log = await suite.run(bench.engine, on(Image(reference=name), "id -un; echo a=b > $ENSUE_OUTPUTS"))
    assert (log, outcome.outputs) == ("app\n", {"a": "b"})


async def test_setup_precedes_and_teardown_follows_even_a_failure(bench: ContainerBench) -> None:
    image = Image(
        setup="echo made > /data/it; echo TOKEN=abc >> $ENSUE_ENV; echo setting up",
        teardown="echo tearing down $TOKEN; cat /data/it; rm /data/it",
        mounts=(Mount("scratch", "/data"),),
    )
    outcome, log = await suite.run(bench.engine, on(image, "cat /data/it; echo $TOKEN; exit 3"))
    assert (outcome.state, outcome.exit_code) == (State.FAILED, 3)
    assert log == "setting up\nmade\nabc\ntearing down abc\nmade\n"


async def test_a_setup_that_fails_keeps_the_step_from_beginning(bench: ContainerBench) -> None:
    image = Image(setup="echo no; exit 4", teardown="echo after all")
    outcome, log = await suite.run(bench.engine, on(image, "echo never"))
    assert (outcome.state, outcome.message) == (State.FAILED, "setup: exit code 4")
    assert log == "no\nafter all\n"


async def test_a_teardown_follows_a_stop_as_well(bench: ContainerBench) -> None:
    handle = await bench.engine.start(on(Image(teardown="echo cleaned"), "echo on; sleep 300"))
    await suite.soon(anext(bench.engine.tail(handle)))
    await bench.engine.stop(handle, timedelta(seconds=5))
    assert (await suite.soon(bench.engine.wait(handle))).state is State.CANCELLED
    assert suite.text(await suite.read(bench.engine, handle)) == "on\ncleaned\n"
    await bench.engine.destroy(handle)


async def test_network_and_bounds_are_the_containers(bench: ContainerBench) -> None:
    image = Image(network="none", cpus=0.5, pids=20)
    script = "ip link | grep -c ^[0-9]; cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max"
    _, log = await suite.run(bench.engine, on(image, script))
    assert log.split()[-1] == "20"


@pytest.mark.parametrize("policy", ["never", "ifNotPresent", "always"])
async def test_an_image_that_is_not_there_is_told_apart(bench: ContainerBench, policy: str) -> None:
    image = Image(reference="127.0.0.1:1/nothing:1", pull=policy)
    outcome = await suite.outcome_of(bench.engine, on(image, "true"))
    assert (outcome.state, outcome.reason) == (State.FAILED, Reason.IMAGE)
    assert "127.0.0.1:1/nothing:1" in outcome.message
    assert outcome.can_retry is (policy != "never")


@pytest.mark.parametrize(("policy", "message"), [("never", "is for linux/amd64"), ("ifNotPresent", "cannot be pulled")])
async def test_an_image_of_another_platform_is_not_taken(bench: ContainerBench, policy: str, message: str) -> None:
    image = Image(reference=containers.IMAGE, pull=policy, platform="linux/arm64")
    outcome = await suite.outcome_of(bench.engine, on(image, "true"))
    assert (outcome.state, outcome.reason) == (State.FAILED, Reason.IMAGE)
    assert message in outcome.message


async def test_a_later_server_takes_up_what_runs(bench: ContainerBench) -> None:
    script = "echo first; while ! test -e go; do sleep 0.05; done; echo second; echo a=b > $ENSUE_OUTPUTS; exit 2"
    handle = await bench.engine.start(suite.shell(script))
    await suite.soon(anext(bench.engine.tail(handle)))
    await bench.engine.close()
    bench.engine = bench.another()
    assert await bench.engine.adopt(handle)
    (bench.data / "workspaces" / suite.RUN / "go").touch()
    outcome = await suite.soon(bench.engine.wait(handle))
    assert (outcome.exit_code, outcome.outputs) == (2, {"a": "b"})
    assert suite.text(await suite.read(bench.engine, handle, 6)) == "second\n"
    await bench.engine.destroy(handle)


async def test_time_that_passed_without_a_server_counts(bench: ContainerBench) -> None:
    limits = Limits(timeout=timedelta(milliseconds=300), grace=timedelta(0))
    handle = await bench.engine.start(bench.hangs(limits))
    await bench.engine.close()
    await asyncio.sleep(0.5)
    bench.engine = bench.another()
    assert await bench.engine.adopt(handle)
    assert (await suite.soon(bench.engine.wait(handle))).reason is Reason.TIMEOUT
    await bench.engine.destroy(handle)


async def test_containers_of_nobody_are_swept_also_without_their_directory(bench: ContainerBench) -> None:
    handle = await bench.engine.start(bench.hangs())
    await bench.engine.close()
    await asyncio.to_thread(shutil.rmtree, bench.data / "containers")
    bench.engine = bench.another()
    assert await bench.engine.sweep([]) == 1
    assert not bench.real.names(f"dev.ensue.data={bench.data}")
    assert not await bench.engine.adopt(handle)


async def test_an_engine_that_is_not_there_is_no_failure_of_the_step(bench: ContainerBench) -> None:
    from ensue.model.errors import Unavailable

    absent = bench.another(address=f"unix://{bench.data}/nothing.sock")
    with pytest.raises(Unavailable, match=r"nothing\.sock does not answer"):
        await absent.start(bench.hangs())
    assert await absent.sweep([]) >= 0
    await absent.close()


async def test_a_container_that_somebody_removed_is_lost(bench: ContainerBench) -> None:
    handle = await bench.engine.start(bench.hangs())
    (name,) = bench.real.names(f"dev.ensue.data={bench.data}")
    with bench.real.client() as client:
        client.delete(f"/containers/{name}", params={"force": "1"}).raise_for_status()
    assert (await suite.soon(bench.engine.wait(handle))).is_lost
    await bench.engine.destroy(handle)
