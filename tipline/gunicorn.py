"""How gunicorn serves a door. TIPLINE_ROLE says which door, TIPLINE_<DOOR>_BIND where."""

import contextlib
import gc
import os
import time
from pathlib import Path
from typing import Any

from gunicorn.http.wsgi import Response

from tipline import memory, tidying
from tipline.leavings import Leavings

role = os.environ["TIPLINE_ROLE"]

# Processes and threads of each door. Threads wait for PostgreSQL; processes use the cores.
_WORKERS, _THREADS = {"public": (2, 8), "console": (1, 8), "pager": (1, 4)}[role]

bind = [os.environ[f"TIPLINE_{role.upper()}_BIND"]]
worker_class = "tipline.gathering.GatheringWorker"
workers = int(os.environ.get("TIPLINE_WORKERS", _WORKERS))
threads = int(os.environ.get("TIPLINE_THREADS", _THREADS))
# Loaded once, then forked: half the memory and half the start. Nothing connects while loading.
preload_app = True
_memory = Path("/dev/shm")  # noqa: S108 (gunicorn makes unnamed files there)
worker_tmp_dir = str(_memory) if _memory.is_dir() else None  # heartbeats must not wait for a disk
umask = 0o077
proc_name = f"tipline-{role}"

timeout = 60  # seconds without a sign of life before a worker is replaced
graceful_timeout = 15  # below the supervisor's grace, so that requests in hand are answered
keepalive = 5
worker_connections = 450  # with what else is open, below the 1,024 files of an ordinary process
backlog = 512

limit_request_line = 4094 if role == "console" else 2048
limit_request_fields = 60
limit_request_field_size = 8190 if role == "console" else 4096

# Who asks is nobody's business here: no access log, no forwarded address believed, and only what
# stops the server is logged. "Invalid request from ip=…" is a warning: never raise this level.
accesslog = None
errorlog = "-"
loglevel = "error"
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Open no door that would write down who asks; the options of the command line and of the environment count too."""
    from tipline import unlogged

    found = [*unlogged.of_server(server.cfg), *unlogged.of_django(), *unlogged.of_reporters()]
    unlogged.refuse(found + unlogged.of_hygiene())


def post_worker_init(worker: Any) -> None:
    """Keep a worker's memory from being swapped out (a fork undoes what the master did); tidy after nonsense too."""
    memory.lock()
    answer_nonsense = worker.handle_error

    def handle_error(*given: Any) -> None:
        answer_nonsense(*given)
        tidying.soon()

    worker.handle_error = handle_error


def when_ready(server: Any) -> None:
    """Finish loading before the first fork, and set aside what will never be garbage.

    The collection after each request then looks at that request's leavings only (0.1 ms, not 1.5),
    and the forked workers go on sharing the rest.
    """
    from django.urls import get_resolver

    _ = get_resolver().url_patterns
    _parse_templates()
    if role == "public":
        _seal_once()
    gc.collect()
    gc.freeze()


def _parse_templates() -> None:
    from django.template import TemplateSyntaxError
    from django.template.loader import get_template
    from django.template.utils import get_app_template_dirs

    for directory in [Path(__file__).parents[1] / "templates", *get_app_template_dirs("templates")]:
        for file in directory.rglob("*.html"):
            with contextlib.suppress(TemplateSyntaxError):  # a page of another door, with that door's tags
                get_template(str(file.relative_to(directory)))


def _seal_once() -> None:
    """Load what sealing needs. A door that could not seal must not open either."""
    from uuid import UUID

    from tipline.kernel import wraps

    seed, holder = wraps.new_seed(), wraps.Holder(UUID(int=0), UUID(int=0), "start", UUID(int=0))
    wraps.unwrap(wraps.wrap(b"", public=wraps.public_key(seed), holder=holder), seed=seed, holder=holder)


_leavings = Leavings()


def pre_request(worker: Any, request: Any) -> None:
    """Count who is being served."""
    _leavings.came()


def post_request(worker: Any, request: Any, environ: Any, response: Any) -> None:
    """Let go of what requests left in memory: only the public door's are anybody's secret."""
    body = request.method not in {"GET", "HEAD"}
    if _leavings.went(body=body, now=time.monotonic()) and role == "public":
        gc.collect()
    # What this request still holds itself, and what one without a body left: a moment later, by somebody else.
    tidying.soon()


def _default_headers(self: Response) -> list[str]:
    return [line for line in _plain_default_headers(self) if not line.startswith("Server:")]


# gunicorn has no setting for it, and what we run is of use to an attacker alone.
with contextlib.suppress(AttributeError):
    _plain_default_headers = Response.default_headers
    Response.default_headers = _default_headers
