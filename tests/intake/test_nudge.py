"""Waking the escalator after a tip is stored."""

import pytest
from django.db import OperationalError
from django.utils import timezone

from intake.channels import nonce
from intake.models import Tip
from tipline import prepared

pytestmark = pytest.mark.django_db


def test_a_connection_lost_after_the_commit_still_shows_the_receipt(street, seeds, monkeypatch):
    execute, lost = prepared.execute, []

    def lose_the_notice(statement, values):
        if b"pg_notify" in statement:
            lost.append(statement)
            raise OperationalError("gone")
        return execute(statement, values)

    monkeypatch.setattr(prepared, "execute", lose_the_notice)

    page = street.post("/", {"text": "He sells pills", "nonce": nonce.make(timezone.now(), "/")})

    assert lost
    assert page.status_code == 200
    assert Tip.objects.count() == 1
