"""The HTTP/1.1 server: limits, deadlines, draining, and worker processes under a supervisor."""

from jackfield._server.handler import Handler
from jackfield._server.limits import Limits
from jackfield._server.server import Server
from jackfield._server.sockets import bind_all, bind_workers, close_all
from jackfield._server.supervisor import Worker, run_workers
from jackfield._server.worker import ServingOptions, serve_until_signalled

__all__ = [
    "Handler",
    "Limits",
    "Server",
    "ServingOptions",
    "Worker",
    "bind_all",
    "bind_workers",
    "close_all",
    "run_workers",
    "serve_until_signalled",
]
