"""Starts one step: fork, become the step's user in a session of its own, exec. Standard library only.

The child waits at a gate until its start is on disk, so that nothing runs that nobody knows of.
"""

import ctypes
import errno
import fcntl
import os
import pwd
import resource
import signal
import struct
import sys
import termios

from ensue.engines import layout, terminal

PATH = f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{os.path.dirname(sys.executable)}"
"""With what stands beside the interpreter last, so that steps find `ensue step` wherever it is installed."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)
_Fields = dict[str, object]


class CannotStart(Exception):
    """The step can never start as ordered."""


class User:
    """Whom a step runs as; `is_other`: not who the supervisor is."""

    def __init__(self, name: str) -> None:
        entry = _entry(name)
        if entry is None and name and not _is_number(name):
            raise CannotStart(f"there is no user {name if name.isprintable() else repr(name)}")
        self.name = name or str(os.getuid())
        self.uid = entry.pw_uid if entry else int(name or os.getuid())
        self.gid = entry.pw_gid if entry else int(name or os.getgid())
        self.home = entry.pw_dir if entry else "/"
        self.groups = os.getgrouplist(entry.pw_name, entry.pw_gid) if entry else [self.gid]
        self.is_other = self.uid != os.getuid()
        if self.is_other and os.getuid() != 0:
            raise CannotStart(
                f"a step can run as user {name} only when Ensue is started as root (see ENSUE_STEP_USER); "
                f"it runs as uid {os.getuid()}"
            )


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name) if name and not _is_number(name) else pwd.getpwuid(int(name or os.getuid()))
    except (KeyError, ValueError):
        # ValueError: a zero byte, or a character that no name can have.
        return None


def _is_number(name: str) -> bool:
    """Whether it is a uid; the last one means nobody."""
    return name.isascii() and name.isdigit() and len(name) <= 10 and int(name) < 2**32 - 1


class Plan:
    """All that a child needs to become the step, made before the fork."""

    def __init__(self, order: _Fields, user: User, workspace: str, step_directory: str, mark: str) -> None:
        argv, env = order["argv"], order["env"]
        if not isinstance(argv, list) or not (argv or order.get("script")) or not isinstance(env, dict):
            raise CannotStart("the step has no command")
        self.user = user
        self.has_pty = bool(order.get("pty"))
        self.workdir = _workdir(workspace, str(order.get("workdir") or ""))
        self.env = _environment(env, user, workspace, step_directory, mark)
        self.argv = [str(part) for part in argv]
        if order.get("script"):
            path = os.path.join(step_directory, "script")
            write_for(user, path, str(order["script"]).encode("utf-8", "surrogateescape"))
            self.argv.insert(int(str(order.get("script_at", 0))), path)
        if any("\0" in text for text in (*self.argv, *self.env, *self.env.values())):
            raise CannotStart("an argument or environment variable holds a zero byte, which no program can receive")


def _workdir(workspace: str, relative: str) -> str:
    try:
        path = os.path.realpath(os.path.join(workspace, relative))
    except ValueError:
        raise CannotStart("the working directory holds a character that no path can have") from None
    if path != workspace and not path.startswith(workspace + "/"):
        raise CannotStart(f"the working directory {relative} is outside the run's workspace")
    if not os.path.isdir(path):
        raise CannotStart(f"there is no directory {relative} in the run's workspace")
    return path


def _environment(env: _Fields, user: User, workspace: str, step_directory: str, mark: str) -> dict[str, str]:
    return {
        "PATH": PATH,
        "HOME": user.home,
        **{str(name): str(value) for name, value in env.items()},
        "ENSUE_WORKSPACE": workspace,
        "ENSUE_OUTPUTS": os.path.join(step_directory, "outputs"),
        "ENSUE_ARTIFACTS": os.path.join(step_directory, "artifacts"),
        "ENSUE_PARAMETERS": os.path.join(step_directory, "parameters.json"),
        layout.MARK: mark,
    }


def write_for(user: User, path: str, data: bytes) -> None:
    """A file that only the step's user can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        if user.is_other:
            os.fchown(descriptor, user.uid, user.gid)


class Child:
    """A step behind its gate: `outputs` are (stream, descriptor); `errors` tells why exec failed, or ends."""

    def __init__(self, pid: int, gate: int, errors: int, stdin: int | None, outputs: list[tuple[int, int]]) -> None:
        self.pid = pid
        self.gate = gate
        self.errors = errors
        self.stdin = stdin
        self.outputs = outputs

    def open_gate(self) -> None:
        os.write(self.gate, b"!")
        os.close(self.gate)


class _Ends:
    """The two sides of everything that connects a child with the supervisor."""

    def __init__(self, plan: Plan, has_stdin: bool) -> None:
        self.opened: list[int] = []
        try:
            self.gate_read, self.gate_write = self._keep(os.pipe())
            self.errors_read, self.errors_write = self._keep(os.pipe())
            if plan.has_pty:
                self._open_pty(plan.user)
            else:
                self._open_pipes(has_stdin)
        except OSError:
            self.close(self.opened)
            raise

    def _keep(self, pair: tuple[int, int]) -> tuple[int, int]:
        self.opened.extend(pair)
        return pair

    def _open_pty(self, user: User) -> None:
        master, slave = self._keep(os.openpty())
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", terminal.ROWS, terminal.COLUMNS, 0, 0))
        settings = termios.tcgetattr(slave)
        # Nobody types here, so nothing is shown twice.
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        if user.is_other:
            os.fchown(slave, user.uid, -1)
        self.child = (slave, slave, slave)
        self.stdin: int | None = os.dup(master)
        self.outputs = [(0, master)]
        self.opened.append(self.stdin)

    def _open_pipes(self, has_stdin: bool) -> None:
        out_read, out_write = self._keep(os.pipe())
        err_read, err_write = self._keep(os.pipe())
        self.stdin = None
        if has_stdin:
            read, self.stdin = self._keep(os.pipe())
        else:
            read = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            self.opened.append(read)
        self.child = (read, out_write, err_write)
        self.outputs = [(0, out_read), (1, err_read)]

    def theirs(self) -> list[int]:
        return [self.gate_read, self.errors_write, *set(self.child)]

    def close(self, descriptors: list[int]) -> None:
        for descriptor in descriptors:
            os.close(descriptor)


def spawn(plan: Plan, has_stdin: bool, files: tuple[int, int]) -> Child:
    """Fork; the child stands behind the gate. `files`: the limit of open files the step gets."""
    ends = _Ends(plan, has_stdin)
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        ends.close(ends.opened)
        raise
    if pid == 0:
        try:
            _become(plan, ends, files, parent)
        finally:
            os._exit(127)
    ends.close(ends.theirs())
    for _, descriptor in ends.outputs:
        os.set_blocking(descriptor, False)
    if ends.stdin is not None:
        os.set_blocking(ends.stdin, False)
    return Child(pid, ends.gate_write, ends.errors_read, ends.stdin, ends.outputs)


def _become(plan: Plan, ends: _Ends, files: tuple[int, int], parent: int) -> None:
    phase = "prepare"
    try:
        os.close(ends.gate_write)
        if os.read(ends.gate_read, 1) != b"!":
            os._exit(127)
        os.setsid()
        _reset_signals()
        if plan.has_pty:
            fcntl.ioctl(ends.child[0], termios.TIOCSCTTY, 0)
        for target, descriptor in enumerate(_above_standard(ends.child)):
            os.dup2(descriptor, target, inheritable=True)
        resource.setrlimit(resource.RLIMIT_NOFILE, files)
        os.umask(0o022)
        phase = "user"
        if plan.user.is_other:
            os.setgroups(plan.user.groups)
            os.setgid(plan.user.gid)
            os.setuid(plan.user.uid)
        # After the change of user, which clears it.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(127)
        phase = "workdir"
        os.chdir(plan.workdir)
        phase = "exec"
        os.execvpe(plan.argv[0], plan.argv, plan.env)  # noqa: S606
    except OSError as error:
        os.write(ends.errors_write, f"{phase}:{error.errno}".encode())
    except BaseException as error:
        # In the child, between fork and exec: its parent reads why.
        os.write(ends.errors_write, f"{phase}:{type(error).__name__}".encode())


def _above_standard(descriptors: tuple[int, ...]) -> list[int]:
    return [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3) for descriptor in descriptors]


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def become_subreaper() -> None:
    """Orphans below this process come to it, not to init."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def explain(report: str, plan: Plan) -> str:
    """What the child wrote on its error pipe, for people."""
    phase, _, code = report.partition(":")
    number = int(code) if code.isdigit() else 0
    reason = os.strerror(number) if number else code
    if phase == "workdir":
        return (
            f"user {plan.user.name} cannot enter {plan.workdir}: {reason} "
            "(the data directory and those above it must be searchable for the step's user)"
        )
    if phase == "user":
        return f"cannot become user {plan.user.name}: {reason}"
    if phase == "exec":
        program = plan.argv[0]
        hints = {
            errno.ENOENT: f"there is no program {program} (or not the interpreter it names)",
            errno.ENOEXEC: f"{program} is no program: it has no #! line",
            errno.EACCES: f"{program} may not be executed by user {plan.user.name}",
            errno.E2BIG: "arguments and environment are too long",
        }
        return hints.get(number, f"cannot execute {program}: {reason}")
    return f"cannot prepare the step: {reason}"
