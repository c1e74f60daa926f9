"""A setting that would write down who asks, when, or what they write is named, and the door does not open."""

import copy
import logging
import logging.config
import os
import resource
import subprocess
import sys
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connection
from gunicorn.config import Config

from tipline import celery, memory, unlogged
from tipline.runner.postgres import SETTINGS
from tipline.runner.processes import HYGIENE

LOUD_SERVER = {
    "accesslog": "-",
    "loglevel": "warning",
    "capture_output": True,
    "logconfig": "/etc/log.conf",
    "logconfig_dict": {"version": 1},
    "syslog": True,
    "statsd_host": "127.0.0.1:8125",
    "forwarded_allow_ips": "*",
    "secure_scheme_headers": {"X-FORWARDED-PROTO": "https"},
    "proxy_protocol": True,
}
LOUD_DATABASE = {
    "log_statement": "all",
    "log_min_error_statement": "error",
    "log_min_duration_statement": "0",
    "log_duration": "on",
    "log_parameter_max_length_on_error": "-1",
    "log_error_verbosity": "verbose",
    "track_activities": "on",
}


@pytest.fixture
def server() -> Config:
    """gunicorn as tipline/gunicorn.py sets it up."""
    config = Config()
    for name, value in {"loglevel": "error", "forwarded_allow_ips": "", "secure_scheme_headers": {}}.items():
        config.set(name, value)
    return config


def test_the_servers_own_settings_are_quiet(server):
    assert unlogged.of_server(server) == []


@pytest.mark.parametrize(("name", "value"), LOUD_SERVER.items(), ids=list(LOUD_SERVER))
def test_a_setting_of_the_server_that_would_tell_is_named(server, name, value):
    server.set(name, value)

    assert f"gunicorn's {name}" in unlogged.of_server(server)


def test_what_gunicorn_does_by_default_would_not_be_served_with():
    assert {"gunicorn's loglevel", "gunicorn's forwarded_allow_ips"} <= set(unlogged.of_server(Config()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", True),
        ("ADMINS", [("Ada", "ada@example.org")]),
        ("USE_X_FORWARDED_HOST", True),
        ("SECURE_PROXY_SSL_HEADER", ("HTTP_X_FORWARDED_PROTO", "https")),
    ],
)
def test_a_setting_of_django_that_would_tell_is_named(name, value):
    given = SimpleNamespace(**({key: getattr(settings, key) for key in ("ADMINS", "MANAGERS")} | {name: value}))

    assert name in unlogged.of_django(given)


@pytest.mark.parametrize("door", ["public", "console", "pager"])
def test_what_is_shipped_is_quiet_at_every_door(door):
    # In a process of its own: pytest has handlers of its own on the loggers.
    said = _in_a_process("import django; django.setup(); from tipline import unlogged; print(unlogged.of_django())")

    assert said == "[]"


@pytest.mark.parametrize("handler", ["logging.FileHandler", "django.utils.log.AdminEmailHandler"])
def test_a_handler_that_keeps_or_mails_is_named(handler):
    logger = logging.getLogger("tipline.loud")
    kind = (
        logging.FileHandler
        if handler.endswith("FileHandler")
        else __import__("django.utils.log", fromlist=["AdminEmailHandler"]).AdminEmailHandler
    )
    added = kind("/dev/null") if kind is logging.FileHandler else kind()
    logger.addHandler(added)
    try:
        assert "LOGGING: a handler of the logger tipline.loud" in unlogged.of_django()
    finally:
        logger.removeHandler(added)
        added.close()


@pytest.mark.parametrize("name", ["django.request", "django.db.backends"])
def test_a_logger_that_is_handed_requests_and_leads_anywhere_is_named(name):
    logger = logging.getLogger(name)
    before = logger.propagate
    logger.propagate = True
    try:
        assert f"LOGGING: the logger {name}" in unlogged.of_django()
    finally:
        logger.propagate = before


@pytest.mark.parametrize("role", ["public", "console", "pager", "triage", "page", "watch", "custodian"])
def test_no_process_starts_beside_a_reporter_of_errors(role):
    environment = dict(os.environ) | {"TIPLINE_ROLE": role, "SENTRY_DSN": "https://key@reports.example/1"}
    run = [sys.executable, "-c", "import django; django.setup()"]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "nothing is served: the variable SENTRY_DSN" in done.stderr


def test_what_sends_errors_to_somebody_else_is_named():
    assert unlogged.of_reporters({}, {"sentry_sdk", "django"}) == ["the module sentry_sdk"]
    assert unlogged.of_reporters({"SENTRY_DSN": "https://x@example.org/1"}, []) == ["the variable SENTRY_DSN"]
    assert unlogged.of_reporters({"PATH": "/bin"}, {"django", "gunicorn"}) == []


def test_freed_memory_that_is_not_overwritten_is_named():
    assert unlogged.of_hygiene(HYGIENE) == []
    assert unlogged.of_hygiene({}) != []
    assert unlogged.of_hygiene(HYGIENE | {"PYTHONMALLOC": "pymalloc"}) == ["PYTHONMALLOC (it must be malloc)"]


def test_the_task_queue_keeps_no_argument_and_no_result():
    loud = SimpleNamespace(**copy.copy(dict(celery.app.conf.items())))
    assert unlogged.of_celery(celery.app.conf) == []
    loud = dict(celery.app.conf.items()) | {"worker_send_task_events": True, "result_backend": "redis://x"}

    assert unlogged.of_celery(loud) == ["Celery's worker_send_task_events", "Celery's result_backend"]


def test_what_is_found_ends_the_process_and_is_named():
    with pytest.raises(SystemExit, match="nothing is served: DEBUG, gunicorn's accesslog"):
        unlogged.refuse(["DEBUG", "gunicorn's accesslog"])

    unlogged.refuse([])


@pytest.mark.django_db
def test_the_database_that_scripts_up_starts_is_quiet():
    assert unlogged.of_database() == []


@pytest.mark.parametrize(("name", "value"), LOUD_DATABASE.items(), ids=list(LOUD_DATABASE))
def test_a_database_that_would_tell_is_named_and_shut_out(name, value, monkeypatch):
    # Only a superuser may set these: here the answer is put in PostgreSQL's mouth, tests/anonymity does it for real.
    answers = {key: good[0] for key, good in unlogged._DATABASE.items() if good} | {name: value}

    class Cursor:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def execute(self, *_):
            pass

        def fetchall(self):
            return [(key, answers.get(key)) for key in unlogged._DATABASE]

    closed = []
    monkeypatch.setattr(unlogged.connection, "cursor", Cursor, raising=False)
    with pytest.raises(unlogged.WouldBeKnown, match=f"PostgreSQL's {name}"):
        unlogged._look(connection=SimpleNamespace(close=lambda: closed.append(True)))

    assert closed == [True]


def test_every_setting_that_is_asked_for_is_one_that_is_shipped():
    shipped = {name: value for name, value in SETTINGS.items() if name in unlogged._DATABASE}

    assert len(shipped) >= 7
    assert all(value in unlogged._DATABASE[name] for name, value in shipped.items())


def test_no_process_that_serves_can_leave_a_core_file():
    said = _in_a_process("import django; django.setup(); from tipline import memory; print(memory.dumpable())")

    assert said == "False"
    assert resource.getrlimit(resource.RLIMIT_CORE) is not None


@pytest.mark.parametrize("role", ["public", "custodian"])
def test_a_process_says_by_its_name_what_it_is(role):
    program = "import django; django.setup(); print(open('/proc/self/comm').read())"

    assert _in_a_process(program, role) == f"tipline-{role}"[: memory.LONGEST_NAME]


def test_memory_is_locked_where_the_machine_swaps_and_may_be(monkeypatch):
    monkeypatch.setattr(memory, "swapping", lambda: False)
    assert memory.lock()

    monkeypatch.setattr(memory, "swapping", lambda: True)
    monkeypatch.setattr(memory.resource, "getrlimit", lambda _: (65536, 65536))
    monkeypatch.setattr(memory.os, "geteuid", lambda: 1000)
    assert not memory.lock()


def _in_a_process(program: str, role: str = "public") -> str:
    environment = dict(os.environ) | {"TIPLINE_ROLE": role, "DJANGO_SETTINGS_MODULE": "tipline.settings"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_look_is_taken_whenever_the_public_door_meets_its_database():
    said = _in_a_process(
        "import django; django.setup()\n"
        "from django.db.backends.signals import connection_created\n"
        "print(len(connection_created.receivers))"
    )

    assert int(said) >= 1
    assert connection is not None
