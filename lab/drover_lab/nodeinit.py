#!/usr/bin/python3
"""Process 1 of a node: `nodeinit.py DIRECTORY`, in fresh mount, uts, ipc and pid namespaces.

Makes the node's private view of the file system, then starts and reaps daemons on request. DIRECTORY/init.json says
what to mount and what to start. Over the socket DIRECTORY/init.sock comes a request, one JSON line, and gets one back:
{"op": "spawn", "name", "argv", "uid", "gid", "groups", "env", "respawn"}, {"op": "kill", "name", "signal"} or
{"op": "list"}. When this process dies, the kernel kills all others of the node: a power failure.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import sys
import time
from pathlib import Path

MS_BIND, MS_REC = 4096, 16384
RESPAWN_SECONDS = 0.2
libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str, flags: int) -> None:
    if libc.mount(source.encode(), target.encode(), kind.encode(), flags, None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {source} on {target}: {os.strerror(ctypes.get_errno())}")


class Daemon:
    """One started program and what became of it."""

    def __init__(self, order: dict) -> None:
        self.order = order
        self.pid = 0
        self.exit: int | None = None  # as os.waitstatus_to_exitcode: negative is a signal
        self.starts = 0
        self.due = 0.0  # when to start it again

    def start(self) -> str:
        """Returns once the program runs, with "", or with the reason why it does not."""
        told, tell = os.pipe()  # closed by a successful exec
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._become(self.order)
            except BaseException as e:  # the child must never return into the loop of its parent
                os.write(tell, f"{self.order['argv'][0]}: {e}".encode())
            os._exit(127)
        os.close(tell)
        with os.fdopen(told) as reason:
            failure = reason.read()
        self.exit = None
        self.starts += 1
        self.due = 0.0
        return failure

    def _become(self, o: dict) -> None:
        log = os.open(o["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, which an exec would pass on
        if o.get("uid") or o.get("gid"):
            os.setgroups(o.get("groups", []))
            os.setgid(o.get("gid", o["uid"]))
            os.setuid(o["uid"])
        os.execvpe(o["argv"][0], o["argv"], os.environ | o.get("env", {}))

    def describe(self) -> dict:
        return {"pid": self.pid, "exit": self.exit, "starts": self.starts, "argv": self.order["argv"]}


class Init:
    """The node's daemons by name, and the loop that serves requests and reaps."""

    def __init__(self, directory: Path) -> None:
        self.daemons: dict[str, Daemon] = {}
        self.selector = selectors.DefaultSelector()
        # A path through a descriptor: the directory itself disappears under the private /run.
        self.directory = f"/proc/self/fd/{os.open(directory, os.O_RDONLY | os.O_DIRECTORY)}"
        self.order = json.loads(Path(self.directory, "init.json").read_text())

    def mount_all(self) -> None:
        mount("proc", "/proc", "proc", 0)
        socket.sethostname(self.order["hostname"])
        for source, target in self.order["binds"]:
            mount(source, target, "none", MS_BIND | MS_REC)

    def listen(self) -> socket.socket:
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = f"{self.directory}/init.sock"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        server.bind(path)
        server.listen(16)
        return server

    def op_spawn(self, request: dict) -> dict:
        old = self.daemons.get(request["name"])
        if old is not None and old.exit is None:
            return {"error": f"{request['name']} runs already (pid {old.pid})"}
        request["log"] = f"{self.directory}/log/{request['name']}.log"
        daemon = Daemon(request)
        self.daemons[request["name"]] = daemon
        failure = daemon.start()
        return {"error": failure} if failure else daemon.describe()

    def op_kill(self, request: dict) -> dict:
        daemon = self.daemons.get(request["name"])
        if daemon is None:
            return {"error": f"no daemon {request['name']} was started here"}
        daemon.order["respawn"] = False
        if daemon.exit is None:
            os.kill(daemon.pid, request["signal"])
        return daemon.describe()

    def op_list(self, _request: dict) -> dict:
        return {name: d.describe() for name, d in self.daemons.items()}

    OPERATIONS = {"spawn": op_spawn, "kill": op_kill, "list": op_list}

    def serve(self, server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError, ValueError):
            connection.settimeout(2)
            request = json.loads(connection.makefile().readline())
            operation = self.OPERATIONS.get(request.get("op"))
            answer = operation(self, request) if operation else {"error": "unknown operation"}
            connection.sendall(json.dumps(answer).encode() + b"\n")

    def reap(self) -> None:
        """Collect the dead, ours and orphans alike, and start again what shall always run."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                for daemon in self.daemons.values():
                    if daemon.pid == pid and daemon.exit is None:
                        daemon.exit = os.waitstatus_to_exitcode(status)
                        daemon.due = time.monotonic() + RESPAWN_SECONDS
        for daemon in self.daemons.values():
            if daemon.exit is not None and daemon.order.get("respawn") and time.monotonic() >= daemon.due:
                daemon.start()

    def loop(self, server: socket.socket) -> None:
        wake, wake_in = socket.socketpair()
        for s in (wake, wake_in):
            s.setblocking(False)
        signal.set_wakeup_fd(wake_in.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector.register(server, selectors.EVENT_READ)
        self.selector.register(wake, selectors.EVENT_READ)
        for order in self.order["daemons"]:
            if "error" in (answer := self.op_spawn(order)):
                print(f"nodeinit: {answer['error']}", file=sys.stderr, flush=True)
        while True:
            waiting = any(d.exit is not None and d.order.get("respawn") for d in self.daemons.values())
            for key, _ in self.selector.select(RESPAWN_SECONDS if waiting else None):
                if key.fileobj is server:
                    self.serve(server)
                else:
                    wake.recv(4096)
            self.reap()


def main() -> None:
    init = Init(Path(sys.argv[1]))
    init.mount_all()
    init.loop(init.listen())


if __name__ == "__main__":
    main()
