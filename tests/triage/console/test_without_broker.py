"""The console talks to PostgreSQL and to nothing else: a paged person signs in and takes a tip while Redis is down."""

import socket

import pytest
from django.test import Client

from tipline.celery import app
from triage.models import Case

pytestmark = pytest.mark.django_db


class Touched(BaseException):
    """Something but PostgreSQL was talked to. No handler of ours or of a library swallows it."""


@pytest.fixture
def alone(monkeypatch):
    """Nothing in Python may connect anywhere; libpq, which is not Python, still does."""

    def refuse(*_):
        raise Touched

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def _version():
    return Case.objects.get().version


def test_a_whole_night_touches_no_broker(ada, urgent, sign_in, alone):
    adas, tip = sign_in(ada), f"/tips/{urgent.pk}"
    pages = [adas.get("/"), adas.get("/rows/"), adas.get(f"{tip}/"), adas.get("/cover/"), adas.get("/you/")]
    steps = [
        adas.post(f"{tip}/take/"),
        adas.post(f"{tip}/pass-on/"),
        adas.post(f"{tip}/take/"),
        adas.post(f"{tip}/open/"),
        adas.post(f"{tip}/correct/", {"urgency": "priority", "categories": ["weapons"], "version": _version()}),
        adas.post(f"{tip}/reply/", {"text": "Which entrance?", "after": 0}),
        adas.post(f"{tip}/close/", {"reason": "resolved", "version": _version()}),
        adas.post(f"{tip}/reopen/", {"version": _version(), "why": "More came"}),
        adas.post("/lock/"),
        adas.post("/unlock/", {"unlock_with": ada.phrase}),
        adas.post("/sign-out/"),
    ]

    assert [page.status_code for page in pages] == [200, 200, 200, 204, 200]
    assert [step.status_code for step in steps] == [302] * len(steps)


def test_a_refused_sign_in_touches_none_either(ada, alone):
    answer = Client().post("/sign-in/", {"username": "ada", "pass_phrase": "wrong words"}, secure=True)

    assert answer.status_code == 422


def test_the_trap_would_catch_a_task_being_sent(alone, settings):
    with pytest.raises(Touched):
        app.connection_for_write().ensure_connection(max_retries=1, timeout=1)
