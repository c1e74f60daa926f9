"""No tip can be placed more narrowly than promised, by any column, file, log line, id or number of a transaction."""

import re
import time
import uuid
from datetime import date

import pytest

from tests.anonymity import places, timing
from tests.anonymity.conftest import Walked
from tests.anonymity.grains import GRAINS
from tests.story.house import ROOT, until

pytestmark = pytest.mark.system

CLOCK = re.compile(rb"\b(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?\b|\b20\d\d-\d\d-\d\d\b|\b1[789]\d{8}(?:\.\d+)?\b")


def test_every_column_that_tells_a_time_is_listed_with_its_grain(walked: Walked):
    assert timing.unlisted(walked.house) == []


def test_no_value_says_more_than_its_column_may(walked: Walked):
    ended = walked.house.ask("SELECT count(*) FROM triage_escalation WHERE state = 'ended'")

    assert ended[0][0] >= 1
    assert timing.finer_than_listed(walked.house) == []


def test_no_id_says_when_it_was_made(walked: Walked):
    columns = walked.house.ask(
        "SELECT table_name, quote_ident(column_name) FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'uuid'"
    )
    ids = [
        each
        for table, column in columns
        for (each,) in walked.house.ask(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")
    ]

    assert len(ids) > 50
    assert {each.version for each in ids} <= {4, None}
    assert [each for each in ids if isinstance(each, uuid.UUID) and each.version in {1, 6, 7}] == []


def test_no_table_about_tips_counts_upwards(walked: Walked):
    counting = walked.house.ask(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND (is_identity = 'YES' OR column_default LIKE 'nextval%%')"
    )

    # An id that counts would put the rows of one table in order, and in time with those that carry one.
    assert {table for (table,) in counting if table.startswith(("intake_", "triage_"))} <= {
        "triage_user_groups",
        "triage_user_user_permissions",
    }


def test_the_log_has_no_time_of_day(walked: Walked):
    said = walked.house.log.read_bytes()
    after = said[said.index(b"Ready after") :]

    assert CLOCK.search(b"INFO 14:03:22 something")
    assert CLOCK.findall(after) == []


def test_no_file_is_stamped_for_one_tip(walked: Walked):
    """Which files a single tip touches: those of the database, which everything touches all the time."""
    house = walked.house
    # Heartbeats alone stamp the same files each second, so a stamp names no tip.
    since = time.time()
    before = _stamps(walked)
    walked.walker.send({"text": "Somebody left a bicycle behind the library"})
    for _ in range(3):
        house.ask("SELECT pg_sleep(1)")
    with house.connect() as connection:
        connection.execute("CHECKPOINT")
    touched = {name for name, stamp in _stamps(walked).items() if stamp >= since and before.get(name) != stamp}

    own = {name for name in touched if not name.startswith(("state/postgres/", "state/redis/"))}
    assert touched
    # The log of scripts/up, and the state of the minute in memory.
    assert {name for name in own if not name.startswith("run/")} == set()


def test_pages_of_the_database_say_no_more_than_the_documents(walked: Walked):
    """The residue: numbers of transactions put rows in order. They are listed, and are all there is."""
    house = walked.house
    assert house.ask("SHOW track_commit_timestamp") == [("off",)]
    assert house.ask("SHOW archive_mode") == [("off",)]
    said = (ROOT / "docs" / "threat-model.md").read_text()
    for residue in (
        "the order in which rows were written",
        "write-ahead log until it is recycled",
        "while a page is open",
    ):
        assert residue in " ".join(said.split()), residue


def test_after_a_night_the_numbers_of_transactions_tell_no_tip_from_another(walked: Walked):
    """What the nightly mixing leaves, on the tables of a house in which everything happened at its own time."""
    until(lambda: walked.house.ask("SELECT triage_mix_rows(1000)") >= [(8,)], 30)
    numbers = walked.house.ask(
        "SELECT xmin::text FROM intake_tip UNION SELECT xmin::text FROM intake_wrap"
        " UNION SELECT xmin::text FROM intake_receipt UNION SELECT xmin::text FROM triage_assessment"
        " UNION SELECT xmin::text FROM triage_case"
    )

    assert len(numbers) == 1


def test_a_week_is_all_that_stands_in_clear_of_when_a_tip_came(walked: Walked):
    weeks = walked.house.ask("SELECT DISTINCT week FROM intake_tip")

    assert weeks
    assert all(isinstance(week, date) and week.weekday() == 0 for (week,) in weeks)
    assert set(GRAINS["intake_tip"]) == {"week", "identity_removed_on"}


def test_what_a_monitor_is_told_has_no_time_of_a_tip(walked: Walked):
    assert [where for where, content in places.metrics(walked.house) if CLOCK.search(content.split(b"[(")[0])] == []


def _stamps(walked: Walked) -> dict[str, float]:
    found = {}
    for root, name in ((walked.house.places.state, "state"), (walked.house.places.run, "run")):
        for path in root.rglob("*"):
            try:
                found[f"{name}/{path.relative_to(root)}"] = path.stat().st_mtime
            except FileNotFoundError:
                continue
    return found
