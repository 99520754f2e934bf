"""A supervisor with workers for the tests to signal: `python supervised.py MODE COUNT`.

It and its workers say on stdout, a line each, what happens to them.
"""

import asyncio
import logging
import os
import signal
import socket
import stat
import sys
import threading
import time

from jackfield._server import supervisor
from jackfield._server.server import Server
from jackfield._server.sockets import bind_workers
from jackfield._server.supervisor import Worker, run_workers
from jackfield._server.worker import ServingOptions, serve_until_signalled
from jackfield.errors import GatewayError
from jackfield.http import HttpRequest, HttpResponse

GRACE = 1.0
IMPORTED_BY = os.getpid()
FIRST = os.pipe()
os.write(FIRST[1], b"1")
os.close(FIRST[1])


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class PidGateway:
    """Answers with the worker's pid; /slow takes half of the grace, /never does not end."""

    async def handle(self, request: HttpRequest) -> HttpResponse:
        if request.path != "/":
            say("running", os.getpid())
            await asyncio.sleep(GRACE / 2 if request.path == "/slow" else 1000)
        return HttpResponse(200, [], b"%d" % os.getpid())

    handle_owned = handle

    def body_limit(self, method: str, path: str) -> int:
        return 0

    def refuse(self, error: GatewayError, path: str, request_id: str | None = None) -> HttpResponse:
        return HttpResponse(error.http_status, [], error.code.encode())


def serve(worker: Worker) -> None:
    async def run() -> None:
        async def reload() -> None:
            say("reloaded", os.getpid())

        def ready() -> None:
            say("ready", os.getpid())

        options = ServingOptions(
            sockets=worker.sockets, grace=GRACE, reload=reload, ready=ready, beat=worker.beat
        )
        await serve_until_signalled(Server(PidGateway()), options)
        say("drained", os.getpid())

    asyncio.run(run())


def accepts(number: int) -> bool:
    """Whether a descriptor is a socket at which clients can connect."""
    try:
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            return False
    except OSError:  # the list of descriptors has its own, which is closed by now
        return False
    with socket.socket(fileno=os.dup(number)) as each:
        return bool(each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def inspect(worker: Worker) -> None:
    listening = [each for each in os.listdir("/proc/self/fd") if accepts(int(each))]
    say("imported by", IMPORTED_BY, "listens at", len(listening))
    serve(worker)


def fail(worker: Worker) -> None:
    if worker.index == 0:
        sys.exit(7)
    serve(worker)


def crash(worker: Worker) -> None:
    worker.beat()
    say("ready", os.getpid())
    sys.exit(9)


def stubborn(worker: Worker) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    worker.beat()
    say("ready", os.getpid())
    time.sleep(1000)


def late(worker: Worker) -> None:
    """The first one never serves."""
    if not os.read(FIRST[0], 1):
        serve(worker)
    say("starting", os.getpid())
    time.sleep(1000)


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stdout, level=logging.INFO)
    if sys.argv[1] == "impatient":
        supervisor._SILENT_SECONDS = 1.0
    modes = {"serve": serve, "fail": fail, "crash": crash, "stubborn": stubborn, "late": late}
    target = modes.get(sys.argv[1], inspect)
    if sys.argv[1] == "threaded":
        threading.Thread(target=time.sleep, args=(1000,), name="an-intruder", daemon=True).start()
    count = int(sys.argv[2])
    listeners = bind_workers(["127.0.0.1:0"], count)
    say("port", listeners[0][0].getsockname()[1])
    sys.exit(run_workers(count, target, sockets=listeners, grace=GRACE))
