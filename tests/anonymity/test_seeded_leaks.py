"""Ten leaks, each put in on purpose: the search or the check of the configuration must see every one.

All of it runs after the house was searched and found clean (the fixture `walked` does that first).
"""

import json
import smtplib
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import redis
from kombu import Connection

from tests.anonymity import places, timing
from tests.anonymity.conftest import Walked
from tests.anonymity.marks import mark, sentence
from tests.anonymity.walker import Walker
from tests.story.house import until
from tipline.runner import ports
from tipline.runner.processes import SMTP_DOOR, Process
from triage.console.labels import CATEGORIES

pytestmark = pytest.mark.system

LEAKS = Path(__file__).parent / "leaks"
SECOND_DOOR = 7  # above the house's first port


@pytest.fixture(scope="module")
def leaky(walked: Walked) -> Iterator[Walker]:
    """Somebody who has sent a marked tip through a door with leaks in it."""
    port = walked.house.port + SECOND_DOOR
    told = {"TIPLINE_PUBLIC_BIND": f"127.0.0.1:{port}", "TIPLINE_WORKERS": "1"}
    told |= {"PYTHONPATH": str(LEAKS), "LEAKS": "log,file,report,metric,cookie"}
    with walked.house.beside("public", **told):
        until(lambda: ports.healthy(port, Process("leaky", "public", (), door=0)), 60)
        walker = Walker(port)
        walker.get(f"/?{mark('query')}=9")
        walker.send({"text": sentence("leaked", "They hide it in the cellar")})
        yield walker


def test_1_an_access_log_keeps_the_door_shut_and_is_named(walked: Walked):
    assert "gunicorn's accesslog" in _refusal(walked, GUNICORN_CMD_ARGS="--access-logfile -")


def test_2_a_log_line_with_the_query_of_the_path_is_found(walked: Walked, leaky: Walker):
    assert _found(walked, "logs", "GET /?")


def test_3_a_task_with_text_as_its_argument_is_found(walked: Walked):
    with Connection(walked.house.places.broker_url) as broker, broker.SimpleQueue("careless") as queue:
        queue.put({"task": "triage.tasks.assess", "args": [sentence("argument", "She told me where")]})
        try:
            assert _found(walked, "broker", "qzvexil")
        finally:
            queue.clear()


def test_4_a_session_is_found_by_its_cookie_and_by_its_row(walked: Walked, leaky: Walker):
    cookies = [value for name, value in leaky.get().headers if name == "Set-Cookie"]
    assert cookies
    # The door as it is shipped sets none, and a session's row would be in the dump.
    assert [name for name, _ in walked.walker.get().headers if name == "Set-Cookie"] == []
    with walked.house.connect() as connection:
        row = ("0" * 32, json.dumps({"came": mark("session")}))
        connection.execute("INSERT INTO django_session VALUES (%s, %s, now())", row)
        try:
            assert _found(walked, "dump", "qzvexil")
        finally:
            connection.execute("DELETE FROM django_session WHERE session_key = %s", row[:1])


def test_5_a_moment_of_creation_on_a_tip_is_found(walked: Walked):
    with walked.house.connect() as connection:
        connection.execute("ALTER TABLE intake_tip ADD COLUMN created_at timestamptz DEFAULT clock_timestamp()")
        try:
            assert timing.unlisted(walked.house) == ["intake_tip.created_at"]
        finally:
            connection.execute("ALTER TABLE intake_tip DROP COLUMN created_at")


def test_5b_a_column_that_says_more_than_its_grain_is_found(walked: Walked):
    with walked.house.connect() as connection:
        connection.execute("UPDATE intake_submissionkey SET drop_after = clock_timestamp() + '1 hour'")
        found = timing.finer_than_listed(walked.house)
        connection.execute("DELETE FROM intake_submissionkey")

    assert [each for each in found if each.startswith("intake_submissionkey.drop_after")]


def test_6_the_body_in_an_error_report_is_found_and_a_reporter_keeps_the_door_shut(walked: Walked, leaky: Walker):
    assert _found(walked, "logs", "qzvexilleaked")
    assert "SENTRY_DSN" in _refusal(walked, SENTRY_DSN="https://key@reports.example/1")


def test_7_a_key_in_redis_with_text_is_found(walked: Walked):
    hand = redis.Redis(unix_socket_path=str(walked.house.places.redis_socket))
    hand.set(f"seen:{mark('key')}", "1")
    try:
        assert _found(walked, "broker", "the key of Redis")
    finally:
        hand.delete(f"seen:{mark('key')}")
        hand.close()


def test_8_a_mail_with_a_category_is_found(walked: Walked):
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "TL page 27", "pages@tipline.invalid", "coordinator@example.org"
    mail.set_content(f"A new tip: {next(iter(CATEGORIES.values()))}. {mark('mail')}")
    with smtplib.SMTP("127.0.0.1", walked.house.port + SMTP_DOOR, timeout=10) as server:
        server.send_message(mail)

    until(lambda: _found(walked, "messages", "message"))
    sent = b"\n".join(content for _, content in places.messages(walked.house)).decode().lower()
    assert str(next(iter(CATEGORIES.values()))).lower() in sent


def test_9_a_file_with_the_referrer_is_found(walked: Walked, leaky: Walker):
    assert _found(walked, "files", "came-from.txt")


def test_10_a_database_that_logs_statements_is_shut_out_and_named(walked: Walked):
    house, port = walked.house, walked.house.port + SECOND_DOOR + 1
    told = {"TIPLINE_PUBLIC_BIND": f"127.0.0.1:{port}", "TIPLINE_WORKERS": "1"}
    try:
        with house.connect() as connection:
            connection.execute("ALTER SYSTEM SET log_statement = 'all'")
            connection.execute("SELECT pg_reload_conf()")
        with house.beside("public", **told):
            until(lambda: ports.healthy(port, Process("loud", "public", (), door=0)), 60)
            there = Walker(port)
            refused = there.post("/", {"nonce": there.get().nonce, "text": "Something nobody may log"})
            assert refused.status == 503
            until(lambda: "PostgreSQL's log_statement" in house.said)
    finally:
        with house.connect() as connection:
            connection.execute("ALTER SYSTEM RESET log_statement")
            connection.execute("SELECT pg_reload_conf()")


def test_11_a_label_of_a_metric_is_found(walked: Walked, leaky: Walker):
    def told() -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{leaky.port}/metrics", timeout=10) as answer:
            return answer.read()

    leaky.get()
    assert walked.search.find(told(), "metrics")


def test_the_door_that_was_not_changed_serves_all_the_while(walked: Walked):
    assert walked.walker.get().status == 200


def _found(walked: Walked, place: str, where: str) -> bool:
    """Whether the search of a place finds a mark at, or beside, these words."""
    hits = places.search(getattr(places, place)(walked.house), walked.search)
    return any(where in str(hit) for hit in hits)


def _refusal(walked: Walked, **told: str) -> str:
    """What a public door says that is started with this, and does not serve."""
    before = len(walked.house.said)
    port = walked.house.port + SECOND_DOOR + 2
    environment = {"TIPLINE_PUBLIC_BIND": f"127.0.0.1:{port}", "TIPLINE_WORKERS": "1"} | told
    with walked.house.beside("public", **environment) as door:
        status = until(door.poll, 60)
    assert status
    said = walked.house.said[before:]
    assert "nothing is served" in said, said
    return said
