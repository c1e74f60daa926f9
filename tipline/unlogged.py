"""What would write down who asked, when, or what they wrote: a door that finds any of it refuses to serve.

Every finding names the setting. The same checks are the doctor's, for what only an operator can see.
"""

import logging
import logging.handlers
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created

from tipline.logs import AllowListed

log = logging.getLogger("tipline.unlogged")

# What gunicorn must be told; anything else writes, sends or believes an address.
_SERVER: dict[str, tuple[object, ...]] = {
    "accesslog": (None,),
    "loglevel": ("error", "critical"),
    "capture_output": (False,),
    "logconfig": (None,),
    "logconfig_dict": ({},),
    "logconfig_json": (None,),
    "syslog": (False,),
    "statsd_host": (None,),
    "spew": (False,),
    "forwarded_allow_ips": ("", []),
    "secure_scheme_headers": ({},),
    "proxy_protocol": (False, "off"),
}
# What Django must be set to.
_DJANGO: dict[str, tuple[object, ...]] = {
    "DEBUG": (False,),
    "ADMINS": ([], ()),
    "MANAGERS": ([], ()),
    "USE_X_FORWARDED_HOST": (False,),
    "USE_X_FORWARDED_PORT": (False,),
    "SECURE_PROXY_SSL_HEADER": (None,),
}
# Loggers that are handed whole requests, and so must lead nowhere.
_OF_REQUESTS = ("django.request", "django.security", "django.server", "django.db.backends")
_SENDING = (
    logging.FileHandler,
    logging.handlers.SocketHandler,
    logging.handlers.SysLogHandler,
    logging.handlers.SMTPHandler,
    logging.handlers.HTTPHandler,
)
# What sends errors with the values around them to somebody else's server.
REPORTERS = (
    "sentry_sdk", "raven", "rollbar", "bugsnag", "newrelic", "ddtrace", "elasticapm", "opentelemetry.sdk", "airbrake",
    "honeybadger", "scout_apm", "appsignal", "logtail", "statsd", "datadog",
)  # fmt: skip
_REPORTING = ("SENTRY_", "OTEL_", "NEW_RELIC_", "DD_", "ROLLBAR_", "BUGSNAG_", "ELASTIC_APM_", "HONEYBADGER_")
# What PostgreSQL must say of itself, in this very session.
_DATABASE: dict[str, tuple[str, ...]] = {
    "log_statement": ("none",),
    "log_min_error_statement": ("panic", "fatal"),
    "log_min_duration_statement": ("-1",),
    "log_min_duration_sample": ("-1",),
    "log_transaction_sample_rate": ("0",),
    "log_duration": ("off",),
    "log_connections": ("off", ""),
    "log_disconnections": ("off",),
    "log_hostname": ("off",),
    "log_parameter_max_length": ("0",),
    "log_parameter_max_length_on_error": ("0",),
    "log_error_verbosity": ("terse",),
    "debug_print_parse": ("off",),
    "debug_print_rewritten": ("off",),
    "debug_print_plan": ("off",),
    "track_activities": ("off",),
    "track_commit_timestamp": ("off",),
    # Modules that keep the text of statements; None is a module that is not there.
    "auto_explain.log_min_duration": ("-1",),
    "pg_stat_statements.track": ("none",),
    "pgaudit.log": ("none",),
    "pg_stat_monitor.pgsm_max": (),
}
_TUNABLES = ("glibc.malloc.tcache_count=0", "glibc.malloc.perturb=")


class WouldBeKnown(OperationalError):
    """A setting would write down who asks or what they write: nothing is sent to a database that has it."""


def of_server(config: Any) -> list[str]:
    """What in gunicorn's configuration would name who asks."""
    found = []
    for name, allowed in _SERVER.items():
        value = getattr(config, name, allowed[0])
        if value not in allowed and not (name in {"logconfig_dict", "secure_scheme_headers"} and not value):
            found.append(f"gunicorn's {name}")
    if config.logger_class.__module__ != "gunicorn.glogging":
        found.append("gunicorn's logger_class")
    return found


def of_django(config: Any = settings) -> list[str]:
    """What in Django's settings, in its loggers and beside them would."""
    found = [name for name, allowed in _DJANGO.items() if getattr(config, name, allowed[0]) not in allowed]
    for name in _OF_REQUESTS:
        logger = logging.getLogger(name)
        if logger.propagate or any(not isinstance(each, logging.NullHandler) for each in logger.handlers):
            found.append(f"LOGGING: the logger {name}")
    for logger in _loggers():
        if any(isinstance(each, _SENDING) or "AdminEmail" in type(each).__name__ for each in logger.handlers):
            found.append(f"LOGGING: a handler of the logger {logger.name}")
    for handler in logging.getLogger().handlers:
        if not isinstance(handler.formatter, AllowListed):
            found.append("LOGGING: the formatter of the root logger")
    return found


def of_reporters(environment: Mapping[str, str] = os.environ, modules: Iterable[str] = sys.modules) -> list[str]:
    """What would send errors, with what stands around them, to somebody else."""
    loaded = set(modules)
    found = [f"the module {name}" for name in REPORTERS if name in loaded]
    return found + [f"the variable {name}" for name in environment if name.startswith(_REPORTING)]


def of_hygiene(environment: Mapping[str, str] = os.environ) -> list[str]:
    """What is missing for freed memory to be overwritten, where the C library can do that."""
    found = [] if environment.get("PYTHONMALLOC") == "malloc" else ["PYTHONMALLOC (it must be malloc)"]
    tunables = environment.get("GLIBC_TUNABLES", "")
    if platform.libc_ver()[0] == "glibc" and not all(each in tunables for each in _TUNABLES):
        found.append(f"GLIBC_TUNABLES (it must have {' and '.join(_TUNABLES)}165)")
    return found


def of_celery(config: Any) -> list[str]:
    """What of Celery's settings would keep arguments, results or times."""
    told = {
        "task_ignore_result": True,
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "result_backend": None,
    }
    return [f"Celery's {name}" for name, wanted in told.items() if config[name] != wanted]


def of_database() -> list[str]:
    """What in this session's PostgreSQL would. Raises DatabaseError while it is away."""
    with connection.cursor() as cursor:
        # Not through the cursor's own logging, and in one round trip.
        cursor.execute("SELECT name, current_setting(name, true) FROM unnest(%s::text[]) AS name", [list(_DATABASE)])
        values = dict(cursor.fetchall())
    return [f"PostgreSQL's {name}" for name, good in _DATABASE.items() if values[name] not in (None, *good)]


def refuse(found: Iterable[str]) -> None:
    """End this process if there is anything, naming it."""
    if named := ", ".join(found):
        sys.exit(f"This would write down who asks or what they write, so nothing is served: {named}")


def guard_database() -> None:
    """Look at every database this process meets before anything is sent to it."""
    connection_created.connect(_look, dispatch_uid="tipline.unlogged")


def _look(*, connection: Any, **_: object) -> None:
    if found := of_database():
        # Left open it would be used.
        connection.close()
        log.error("unlogged.database %s", ", ".join(found))
        raise WouldBeKnown(", ".join(found))


def _loggers() -> list[logging.Logger]:
    known = logging.Logger.manager.loggerDict.values()
    return [logging.getLogger(), *(each for each in known if isinstance(each, logging.Logger))]
