"""What is asked often is planned once, and what is asked otherwise is not remembered."""

import pytest
from django.db import IntegrityError, connection

from tipline import prepared

pytestmark = pytest.mark.django_db(transaction=True)


def remembered() -> list[str]:
    """Return the statements PostgreSQL keeps for this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [text for (text,) in cursor.fetchall()]


def test_a_statement_run_twice_is_planned_once():
    asked = b"SELECT %(number)s::int + 1, %(text)s::text"

    found = [prepared.execute(asked, {"number": number, "text": "a"}) for number in (1, 2)]

    assert found == [[(2, "a")], [(3, "a")]]
    assert [text for text in remembered() if "+ 1" in text] == ["SELECT $1::int + 1, $2::text"]


def test_the_driver_remembers_no_values():
    prepared.execute(b"SELECT 1 WHERE %s::text = 'a'", ["never kept"])
    with connection.cursor() as cursor:
        for _ in range(3):
            cursor.execute("SELECT %s", ["never kept either"])

    manager = connection.connection._prepared
    assert "never kept" not in repr(vars(manager))
    assert len(remembered()) == 1


def test_a_refusal_is_djangos_own_and_the_connection_goes_on():
    with pytest.raises(IntegrityError):
        prepared.execute(b"INSERT INTO django_content_type (app_label, model) VALUES (%s, %s)", [None, "x"])

    assert prepared.execute(b"SELECT %s::int", [1]) == [(1,)]
