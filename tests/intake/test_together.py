"""Rows of several tables in one statement."""

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from intake import together
from intake.models import Due, Tip, Wrap, WrapPurpose

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(program):
    tip = Tip(program=program, week=date(2026, 3, 2), sealed=b"\x00\xffblob", sealed_identity=b"")
    wraps = [
        Wrap(program=program, tip=tip, purpose=purpose, key_id=program.pk, sealed=purpose.encode())
        for purpose in (WrapPurpose.CONTENT, WrapPurpose.IDENTITY)
    ]
    return [Due(program=program, tip=tip, danger=True), tip, *wraps]


def test_what_is_stored_together_is_what_saving_each_would_have_stored(rows):
    together.insert(rows)

    _due, tip, *wraps = rows
    assert Tip.objects.values().get() == {f.attname: getattr(tip, f.attname) for f in Tip._meta.concrete_fields}
    assert Due.objects.get().danger
    assert {bytes(wrap.sealed) for wrap in Wrap.objects.filter(tip=tip)} == {bytes(wrap.sealed) for wrap in wraps}


def test_one_broken_rule_stores_nothing_of_all_rows(rows):
    rows[-1].purpose = "nobody"

    with pytest.raises(IntegrityError), transaction.atomic():
        together.insert(rows)

    assert not Tip.objects.exists()
    assert not Due.objects.exists()


def test_a_row_may_point_to_one_that_comes_after_it_but_not_to_none(rows):
    due, tip, *wraps = rows
    together.insert([due, *wraps])

    with pytest.raises(IntegrityError), transaction.atomic():
        connection.check_constraints()

    together.insert([tip])
    connection.check_constraints()
    assert Due.objects.get().tip == tip
