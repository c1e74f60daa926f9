"""What a thief with a dump can say about when a tip came: columns, and the order that rows were written in."""

from datetime import UTC, date, datetime, time, timedelta

from tests.anonymity.grains import GRAINS, OF_TIPS, WHILE_PAGING, on_grain
from tests.story.house import House

_COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND (data_type LIKE 'timestamp%%' OR data_type IN ('date', 'time', 'interval'))
ORDER BY 1, 2
"""


def unlisted(house: House) -> list[str]:
    """Every column of a time that tests/anonymity/grains.py does not know."""
    return [f"{table}.{column}" for table, column in house.ask(_COLUMNS) if column not in GRAINS.get(table, {})]


def finer_than_listed(house: House) -> list[str]:
    """Every value about a tip that says more than its column may. Pages that are over say the hour at most."""
    found = []
    there = {(table, column) for table, column in house.ask(_COLUMNS)}
    for table, columns in OF_TIPS.items():
        for column, grain in columns.items():
            if (table, column) not in there:
                continue
            if grain == WHILE_PAGING:
                found += [f"{table}.{column}: {value}" for value in _of_pages_that_are_over(house, table, column)]
            elif isinstance(grain, timedelta):
                values = house.ask(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")
                found += [f"{table}.{column}: {value}" for (value,) in values if not on_grain(_moment(value), grain)]
    return found


def _of_pages_that_are_over(house: House, table: str, column: str) -> list[datetime]:
    page = "page.id" if table == "triage_escalation" else "row.escalation_id"
    values = house.ask(
        f"SELECT row.{column} FROM {table} row JOIN triage_escalation page ON page.id = "
        f"{'row.id' if table == 'triage_escalation' else 'row.escalation_id'}"
        f" WHERE page.state = 'ended' AND row.{column} IS NOT NULL AND {page} IS NOT NULL"
    )
    return [value for (value,) in values if not on_grain(value, timedelta(hours=1))]


def _moment(value: date) -> datetime:
    return value.astimezone(UTC) if isinstance(value, datetime) else datetime.combine(value, time(), UTC)
