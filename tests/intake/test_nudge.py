"""Waking the escalator after a tip is stored."""

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from intake.channels import nonce
from intake.models import Tip

pytestmark = pytest.mark.django_db


def test_a_connection_lost_after_the_commit_still_shows_the_receipt(street, seeds, monkeypatch):
    execute = connection.cursor().cursor.__class__.execute

    def lose_the_notify(cursor, query, *args, **kwargs):
        if "NOTIFY" in str(query):
            raise OperationalError("gone")
        return execute(cursor, query, *args, **kwargs)

    monkeypatch.setattr(connection.cursor().cursor.__class__, "execute", lose_the_notify)

    page = street.post("/", {"text": "He sells pills", "nonce": nonce.make(timezone.now())})

    assert page.status_code == 200
    assert Tip.objects.count() == 1
