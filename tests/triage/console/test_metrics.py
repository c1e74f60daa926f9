"""`/metrics`: for who has the token, and nothing in it that leads to a tip or a person."""

import re

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils import timezone

from triage.models import Heartbeat, Measure
from triage.watching import beats, measures

pytestmark = pytest.mark.django_db


@pytest.fixture
def scrape(settings):
    settings.METRICS_TOKEN = "t" * 64

    def _scrape(token="t" * 64):
        return Client().get("/metrics", headers={"Authorization": f"Bearer {token}"}, secure=True)

    return _scrape


@pytest.fixture
def filled():
    """A value of every number there is."""
    now = timezone.now()
    for name, metric in measures.METRICS.items():
        labels = "|".join("sms" for _ in metric.labels)
        if metric.kind == measures.Kind.HISTOGRAM:
            for bound in (*measures.BUCKETS[name], measures.BEYOND):
                Measure.objects.create(name=name, labels=str(bound), value=2, held=3)
        else:
            Measure.objects.create(name=name, labels=labels, value=7, held=3)
    for name in (*beats.PROCESSES, beats.EPOCH_KEY, beats.BACKUP, beats.CANARY):
        beats.beat(name, now)


def test_without_the_token_nothing_is_told(scrape, filled):
    for answer in (
        Client().get("/metrics", secure=True),
        scrape("wrong"),
        scrape(""),
        scrape("é"),
        Client().get("/metrics?token=" + "t" * 64, secure=True),
        Client().get("/metrics", headers={"Authorization": "t" * 64}, secure=True),
    ):
        assert answer.status_code == 401
        assert answer.content == b""


def test_the_doors_of_the_street_and_of_the_providers_have_no_such_page():
    for door in ("tipline.urls_public", "tipline.urls_pager"):
        for address in ("/metrics", "/metrics/"):
            with pytest.raises(Resolver404):
                resolve(address, door)


def test_every_number_is_printed_under_its_name(scrape, filled):
    answer = scrape()

    said = set(re.findall(r"^(\w+)[{ ]", answer.content.decode(), re.M))
    assert answer.status_code == 200
    assert said == measures.names()


def test_buckets_are_summed_up_and_what_is_held_is_not_told(scrape, filled):
    page = scrape().content.decode()

    assert f'{measures.ACCEPT}_bucket{{le="1"}} 2.0' in page
    assert f'{measures.ACCEPT}_bucket{{le="+Inf"}} 16.0' in page
    assert "3.0" not in page
    assert "_sum" not in page


def test_a_row_that_is_in_no_table_of_names_is_not_printed(scrape):
    Measure.objects.create(name="tipline_something_else", labels="MARKED-TEXT", value=1)
    Heartbeat.objects.create(name="MARKED-NAME", beat_at=timezone.now())

    page = scrape().content.decode()

    assert "MARKED" not in page
    assert "something_else" not in page


def test_labels_hold_only_words_of_ours(scrape, filled):
    known = {"sms", *beats.PROCESSES, *(str(bound) for bounds in measures.BUCKETS.values() for bound in bounds), "+Inf"}

    values = set(re.findall(r'="([^"]*)"', scrape().content.decode()))

    assert values <= known


def test_it_costs_no_session_and_three_queries(scrape, filled, django_assert_num_queries):
    with django_assert_num_queries(3):
        answer = scrape()

    assert not answer.cookies


@pytest.mark.django_db(transaction=True)
def test_the_consoles_own_role_may_read_it(scrape, filled, settings):
    call_command("grant_roles")
    owner = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    connection.close()
    password = (settings.SECRETS_DIR / "db_console").read_text().strip()
    connection.settings_dict.update(USER="tipline_console", PASSWORD=password)
    try:
        assert scrape().status_code == 200
    finally:
        connection.close()
        connection.settings_dict.update(owner)
