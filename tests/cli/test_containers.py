"""Steps with an image, from the command line to a real engine."""

import hashlib
import json

from tests import containers
from tests.cli.conftest import Cli, document

MIXED = f"""
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {{name: mixed}}
spec:
  parameters: [{{name: who, default: Ann}}]
  defaults: {{engine: process}}
  steps:
    - name: prepare
      run: echo "from the process" > note
    - name: work
      dependsOn: [prepare]
      image: {containers.IMAGE}
      env: {{WHO: "${{parameters.who}}"}}
      with: {{pull: never}}
      run: |
        cat note
        echo "hello $WHO in $(busybox | head -1 | cut -d' ' -f1)"
        echo "greeting=hello $WHO" >> "$ENSUE_OUTPUTS"
        echo changed > note
    - name: check
      env: {{GREETING: "${{outputs.work.greeting}}"}}
      run: echo "$GREETING; $(cat note)"
"""


def test_steps_in_processes_and_containers_share_a_run(cli: Cli, docker: containers.ContainerEngine) -> None:
    done = cli("run", cli.file("mixed.yaml", MIXED), "-o", "json", env={"ENSUE_CONTAINER_HOST": docker.address})
    assert document(done)["status"]["state"] == "Succeeded"  # type: ignore[index]
    lines = [line.split(" | ")[1] for line in done.stderr.splitlines() if " | " in line]
    assert lines == ["from the process", "hello Ann in BusyBox", "hello Ann; changed"]
    assert not docker.names(f"dev.ensue.data={cli.temporary}")


def test_an_image_that_cannot_be_had_is_no_failure_of_the_step(cli: Cli, docker: containers.ContainerEngine) -> None:
    missing = MIXED.replace(containers.IMAGE, "localhost/no-such-image:1")
    done = cli("run", cli.file("a.yaml", missing), code=1, env={"ENSUE_CONTAINER_HOST": docker.address})
    assert "work      Failed (ImageUnavailable)" in done.stderr
    assert "there is no image localhost/no-such-image:1" in done.stderr


TITLES = f"""
apiVersion: v1
name: titles
steps:
- name: Deploy it!
  image: {containers.IMAGE}
  input: ['echo "$ENSUE_STEP"; echo x=41 >> "$ENSUE_OUTPUTS"']
- name: a.b/c
  image: {containers.IMAGE}
  env: {{GOT: "${{outputs.'Deploy it!'.x}}"}}
  when: "${{steps.'Deploy it!'.succeeded}}"
  input: ['echo "$GOT"; wget -qO- "$METADATA_API_URL/outputs/Deploy%20it!/x"']
"""


def test_steps_of_any_title_run_in_containers(cli: Cli, docker: containers.ContainerEngine) -> None:
    done = cli("run", cli.file("a.yaml", TITLES), env={"ENSUE_CONTAINER_HOST": docker.address})
    lines = [line.partition("| ")[::2] for line in done.stdout.splitlines()]
    assert lines[:2] == [("Deploy it! ", "Deploy it!"), ("a.b/c      ", "41")]
    assert '"task_name":"Deploy it!"' in lines[2][1]
    assert not docker.names(f"dev.ensue.data={cli.temporary}")


ASKING = f"""
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {{name: asking}}
spec:
  steps:
    - name: ask
      image: {containers.IMAGE}
      spec: {{greeting: hello}}
      run: wget -qO- "$METADATA_API_URL/spec?q=greeting"
"""


def test_a_step_in_a_container_reaches_the_metadata_api(cli: Cli, container_engine: containers.ContainerEngine) -> None:
    """Podman's gateway is an address of this machine only while a container of it runs."""
    done = cli("run", cli.file("a.yaml", ASKING), env={"ENSUE_CONTAINER_HOST": container_engine.address})
    assert '"value":"hello"' in done.stdout


def test_doctor_says_which_engine_answers(cli: Cli, docker: containers.ContainerEngine) -> None:
    found = cli("doctor", env={"ENSUE_CONTAINER_HOST": docker.address})
    assert "containers Docker 20.10" in found.stdout
    assert docker.address in found.stdout
    gone = cli("doctor", code=1, env={"ENSUE_CONTAINER_HOST": "unix:///nowhere.sock"})
    assert "unix:///nowhere.sock does not answer" in gone.stdout


NAMED = f"""
apiVersion: v1
kind: Workflow
steps:
- name: counts
  image: {containers.IMAGE}
  input: ["#!/bin/awk -f", "BEGIN {{ print 6 * 7 }}"]
"""


def test_a_script_in_a_container_is_run_by_what_it_names(cli: Cli, docker: containers.ContainerEngine) -> None:
    done = cli("run", cli.file("w.yaml", NAMED), env={"ENSUE_CONTAINER_HOST": docker.address})
    assert done.stdout == "counts | 42\n"


PROXIED = f"""
apiVersion: ensue.dev/v1alpha1
kind: Workflow
metadata: {{name: proxied}}
spec:
  steps:
    - name: say
      image: {containers.IMAGE}
      with: {{pull: never}}
      env: {{NO_PROXY: own}}
      run: echo "$HTTP_PROXY $http_proxy $NO_PROXY $no_proxy"
"""


def test_dockers_context_and_proxies_count(cli: Cli, docker: containers.ContainerEngine) -> None:
    meta = cli.home / "docker/contexts/meta" / hashlib.sha256(b"there").hexdigest() / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": "there", "Endpoints": {"docker": {"Host": docker.address}}}))
    proxies = {"default": {"httpProxy": "http://p:1", "noProxy": "a,b"}}
    (cli.home / "docker" / "config.json").write_text(json.dumps({"proxies": proxies}))
    environment = {"ENSUE_CONTAINER_CONTEXT": "there", "ENSUE_CONTAINER_CONFIG": str(cli.home / "docker")}
    done = cli("run", cli.file("a.yaml", PROXIED), env=environment)
    assert done.stdout.endswith("http://p:1 http://p:1 own a,b\n")


def test_an_address_that_cannot_be_used_is_said_at_once(cli: Cli) -> None:
    pipe = cli("run", cli.file("a.yaml", PROXIED), code=2, env={"ENSUE_CONTAINER_HOST": "npipe:////./pipe/docker"})
    assert "a pipe of Windows" in pipe.stderr
    context = cli("doctor", code=1, env={"ENSUE_CONTAINER_CONTEXT": "nowhere"})
    assert "Docker has no context nowhere" in context.stdout
