"""After the story nothing that lies on this machine has a word of it, in any form."""

import base64
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.story.house import House
from tests.story.searching import forms, needles, search
from tests.story.telling import FOLLOW_UP, NAME, NOTE, REACH, REPLY, TIP, WHY, Story
from triage.console.labels import CATEGORIES

pytestmark = [pytest.mark.browser, pytest.mark.system]

WORDS = needles(TIP, FOLLOW_UP, REPLY, NAME, REACH, WHY, NOTE)
# "Other" is no finding about anybody, and too short a word to mean one.
CODES = [code for code in CATEGORIES if code != "other"]
# Of a whole cluster's files, with a dictionary and a catalogue in them, only what says something by itself.
TELLING = ["uncle's gun", "gun to school", "he is loading", "Which entrance", NAME, REACH, "Kowalczyk", "school_threat"]
CONTROL = "heliotrope"


@pytest.fixture
def planted(house: House) -> Iterator[None]:
    """The control, in every form, in a table of its own: as text where it is text, and as a binary field."""
    with house.connect() as connection:
        connection.execute("CREATE TABLE planted (written text, stored bytea)")
        for form in forms(CONTROL).values():
            written = form.decode() if b"\0" not in form else None
            connection.execute("INSERT INTO planted VALUES (%s, %s)", (written, form))
        yield
        connection.execute("DROP TABLE planted")


@pytest.mark.parametrize("around", ["", "x", "xy", "xyz"])
def test_the_search_finds_a_word_inside_base64_wherever_it_begins(around):
    hidden = base64.b64encode(f"{around}{CONTROL}{around} and more".encode())

    assert search(hidden, [CONTROL])
    assert not search(hidden, ["hellebore"])


def test_the_search_finds_a_planted_word_in_every_form(story: Story, house: House, planted: None):
    found = search(_rows(house.dump()), [CONTROL])

    assert [form for form in forms(CONTROL) if f"{CONTROL!r} in {form}" not in found] == []
    assert _found_in(_changed_files(house, story), [CONTROL])


def test_the_dump_has_no_word_of_tip_follow_up_reply_or_submitter_details(story: Story, house: House):
    dump = house.dump()

    assert len(re.findall(rb"^COPY ", dump, re.MULTILINE)) > 15
    assert search(_rows(dump), WORDS) == []


def test_the_dump_has_no_category_and_no_language(story: Story, house: House):
    assert "School threat" in story.categories
    rows = _rows(house.dump(), but=OF_NO_TIP)

    assert rows.count(b"\n") > 40
    assert search(rows, [*CODES, *map(str, CATEGORIES.values()), "english", "language"]) == []
    assert [row for row in rows.splitlines() if {b"en", b'"en"'} & set(row.split(b"\t"))] == []


def test_no_log_has_a_word_of_it(story: Story, house: House):
    assert "Ready after" in house.said
    # The first sign-in's code is made of dictionary words, "preschool" among them.
    said = re.sub(r"one-time code: .*", "", house.said)
    assert search(said.encode(), [*WORDS, *CODES]) == []


def test_redis_has_no_word_of_it(story: Story, house: House):
    files = [path for path in house.places.redis.rglob("*") if path.is_file()]
    content = b"\n".join(path.read_bytes() for path in files)

    # The broker did carry something, or this would prove nothing.
    assert b"triage" in content
    assert search(content, [*WORDS, *CODES]) == []


def test_no_file_of_the_installation_has_a_word_of_it(story: Story, house: House):
    files = _changed_files(house, story)

    # The rows themselves, and the log of what was written to them.
    assert any(path.is_relative_to(house.places.postgres / "base") for path in files)
    assert any(path.is_relative_to(house.places.postgres / "pg_wal") for path in files)
    assert _found_in(files, TELLING) == {}


# The names of migrations, and what a program says of itself: the languages of its form among it.
OF_NO_TIP = (b"django_migrations", b"intake_program")


def _rows(dump: bytes, *, but: tuple[bytes, ...] = ()) -> bytes:
    """The rows of a dump, but of some tables, without the lines that name tables and columns."""
    blocks = re.findall(rb"^COPY public\.(\w+) [^\n]*\n(.*?)^\\\.$", dump, re.MULTILINE | re.DOTALL)
    assert {name for name, _ in blocks} >= set(but)
    return b"".join(rows for name, rows in blocks if name not in but)


def _changed_files(house: House, story: Story) -> list[Path]:
    """Everything on disk and in memory written since the story began that is not a secret or a page of ours."""
    with house.connect() as connection:
        connection.execute("CHECKPOINT")
    places = house.places
    found = []
    for path in [*places.state.rglob("*"), *places.run.rglob("*")]:
        apart = path.is_relative_to(places.secrets) or path.is_relative_to(places.static)
        with suppress(FileNotFoundError):
            if not apart and path.is_file() and path.stat().st_mtime >= story.began:
                found.append(path)
    return found


def _found_in(files: list[Path], words: Iterable[str]) -> dict[str, list[str]]:
    found = {}
    for path in files:
        content = path.read_bytes().rstrip(b"\0")
        if hits := [f"{word!r} in {name}" for word in words for name, form in forms(word).items() if form in content]:
            found[str(path)] = hits
    return found
