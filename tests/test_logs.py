"""One formatter for every process: an unlisted key and a marked text never come out."""

import ast
import json
import logging
import logging.config
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.conf import settings

from tipline import logs

ROOT = Path(__file__).parents[1]
MARKED = "The MARKED sergeant, 416 555 0199"
MARKS = ["MARKED", "sergeant", "0199"]


def line(name, message, *args, level=logging.ERROR, extra=None, exc_info=None):
    logger = logging.getLogger(name)
    record = logger.makeRecord(name, level, __file__, 7, message, args, exc_info, extra=extra)
    said = logs.AllowListed().format(record)
    assert "\n" not in said
    return said


def test_a_listed_event_says_its_listed_values():
    row = uuid.uuid4()

    said = json.loads(line("tipline.triage", "assess.failed %s %s", row, "ValueError"))

    assert said == {"level": "error", "event": "assess.failed", "row": str(row), "fault": "ValueError"}


def test_an_event_whose_name_is_made_of_two_parts_says_both():
    said = json.loads(line("tipline.x", "notification.%s %s %s %s", "unknown", uuid.UUID(int=1), "gateway", "http_500"))

    assert (said["event"], said["outcome"], said["provider"], said["detail"]) == (
        "notification",
        "unknown",
        "gateway",
        "http_500",
    )


@pytest.mark.parametrize("event", sorted(logs.EVENTS))
@pytest.mark.parametrize(
    "text", [MARKED, "ada@example.org", "+14165550199", "203.0.113.9", "x" * 400, "\n\x1b[31m", "é"]
)
def test_no_value_of_any_event_lets_a_text_through(event, text):
    message = " ".join([event, *("%s" for _ in logs.EVENTS[event])])

    said = json.loads(line("tipline.triage", message, *(text for _ in logs.EVENTS[event])))

    assert set(said) == {"level", "event", *logs.EVENTS[event]}
    assert all(said[key] == "withheld" for key in logs.EVENTS[event])


@pytest.mark.parametrize(
    ("name", "message", "args"),
    [
        ("tipline.triage", "something.new %s", (MARKED,)),
        ("tipline.triage", MARKED, ()),
        ("django.request", "Internal Server Error: %s", (MARKED,)),
        ("celery.app.trace", "Task failed: %(exc)s", ({"exc": MARKED},)),
        ("gunicorn.error", f"Error handling request /{MARKED}", ()),
        ("py.warnings", MARKED, ()),
        (MARKED, "assess.failed %s", (MARKED,)),
    ],
)
def test_of_what_is_not_listed_only_the_place_is_told(name, message, args):
    said = line(name, message, *args)

    assert not any(mark in said for mark in MARKS)
    assert json.loads(said)["where"] == "test_logs.py:7"


def test_keys_that_are_added_to_a_record_do_not_come_out():
    said = line("tipline.triage", "watch.unread", extra={"text": MARKED, "ip": "203.0.113.9", "sinfo": MARKED})

    assert json.loads(said) == {"level": "error", "event": "watch.unread"}


def test_of_an_exception_only_the_kind_is_told():
    try:
        raise ValueError(MARKED)
    except ValueError:
        said = line("django.request", "it broke", exc_info=sys.exc_info())

    assert json.loads(said)["fault"] == "ValueError"
    assert not any(mark in said for mark in MARKS)


def test_every_line_our_code_logs_is_an_event_of_the_table_with_as_many_values():
    found = set()
    for path in (path for room in ("tipline", "intake", "triage") for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if getattr(node.func.value, "id", "") not in {"log", "logger", "logging"} or node.func.attr == "getLogger":
                continue
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            message = node.args[0]
            assert isinstance(message, ast.Constant), where
            event = str(message.value).split(" ")[0]
            assert event in logs.EVENTS, where
            assert len(node.args) - 1 == len(logs.EVENTS[event]), where
            found.add(event)

    assert found == set(logs.EVENTS)


def test_every_handler_of_every_process_writes_in_this_form():
    configured = settings.LOGGING
    handlers = configured["handlers"].values()

    assert {handler["formatter"] for handler in handlers if "formatter" in handler} == {"listed"}
    assert {handler["class"] for handler in handlers} == {"logging.NullHandler", "logging.StreamHandler"}
    assert configured["formatters"] == {"listed": {"()": "tipline.logs.AllowListed"}}


def test_gunicorns_own_errors_take_this_form_too():
    logging.config.dictConfig(settings.LOGGING)
    found = logging.getLogger("gunicorn.error")

    assert [type(handler.formatter) for handler in found.handlers] == [logs.AllowListed]
    assert not found.propagate
    assert found.level == logging.ERROR


@pytest.mark.parametrize("where", ["main", "thread"])
def test_a_fault_nobody_caught_is_named_and_not_quoted(where):
    fault = f"raise ValueError({MARKED!r})"
    body = fault if where == "main" else f"threading.Thread(target=lambda: exec({fault!r})).start()"
    code = f"import threading\nfrom tipline import logs\nlogs.hush()\n{body}"

    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    said = json.loads(told.stderr)
    assert (said["event"], said["fault"]) == ("uncaught", "ValueError")
    assert not any(mark in told.stderr + told.stdout for mark in MARKS)


def test_what_start_up_misses_is_said_in_words(capsys):
    class ImproperlyConfigured(Exception):
        pass

    logs._uncaught(ImproperlyConfigured, ImproperlyConfigured("The secret TIPLINE_X is missing."), None)

    assert "TIPLINE_X is missing" in capsys.readouterr().err
