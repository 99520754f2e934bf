"""The HTTP/1.1 server: limits, deadlines, draining, and worker processes under a supervisor."""
