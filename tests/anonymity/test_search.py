"""After everything was sent, read and answered, no place on the machine has a mark of it; and each search can find."""

import base64
import zlib

import pytest
import redis

from tests.anonymity import memory, places
from tests.anonymity.conftest import PLACES, Walked
from tests.anonymity.marks import ACCENTED, PLAIN, SOURCES, Search, mark
from tests.story.house import NAMES
from tests.story.searching import forms
from triage.console.labels import CATEGORIES

pytestmark = pytest.mark.system

BLIND = "this user may not read the memory of other processes (root with CAP_SYS_PTRACE may)"
MOST_FRAGMENTS = 4
"""Beginnings of words that may be left in one process: docs/threat-model.md, "What is left behind all the same"."""
CODES = [code for code in CATEGORIES if code != "other"]


@pytest.mark.parametrize("name", PLACES)
def test_no_mark_is_left(walked: Walked, name: str):
    assert walked.searched[name] > 0
    assert [str(hit) for hit in walked.found[name]] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_mark_is_left_in_memory(walked: Walked, name: str):
    if not memory.readable():
        pytest.skip(BLIND)
    print(f"\n{name}: {walked.searched[name] >> 20} MB of memory searched")

    assert walked.searched[name] > 1 << 20
    assert [str(hit) for hit in walked.found[name] if not hit.fragment] == []
    # Beginnings of single words stay on the stacks of threads until something else stands there.
    assert len(walked.found[name]) <= MOST_FRAGMENTS


@pytest.mark.parametrize("word", [PLAIN, ACCENTED])
def test_the_search_finds_every_form(word: str):
    search = Search()
    missed = [name for name, form in forms(word).items() if not search.find(b"\x07\x93" + form + b"\x11", "here")]

    assert missed == []
    assert search.find(f"somebody at {SOURCES[0]} asked".encode(), "here")
    assert not search.find(b"somebody at 127.0.0.771 asked, and qzvexi", "here")


@pytest.mark.parametrize("shift", range(4))
def test_the_search_finds_a_mark_inside_base64_wherever_it_begins(shift: int):
    hidden = base64.b64encode(b"x" * shift + mark("text").encode() + b" and more")

    assert Search().find(hidden, "here")


def test_a_control_in_the_database_is_found_in_dump_and_files(walked: Walked):
    with walked.house.connect() as connection:
        connection.execute("CREATE TABLE planted (written text, stored bytea)")
        connection.execute("INSERT INTO planted VALUES (%s, %s)", (mark("control"), mark("bytes").encode()[::-1]))
        try:
            found = _where(walked, "dump", "files")
        finally:
            connection.execute("DROP TABLE planted")

    assert "the dump" in found
    assert [where for where in found if "/base/" in where]
    assert [where for where in found if "/pg_wal/" in where]


def test_a_control_in_redis_is_found_in_its_memory_its_dump_and_its_log(walked: Walked):
    hand = redis.Redis(unix_socket_path=str(walked.house.places.redis_socket))
    hand.set("planted", mark("control"))
    try:
        found = _where(walked, "broker")
    finally:
        hand.delete("planted")
        hand.save()
        hand.execute_command("BGREWRITEAOF")
        hand.close()

    assert [where for where in found if where.startswith("the key of Redis")]
    assert [where for where in found if where.endswith(".rdb")]


def test_a_control_in_a_file_and_in_its_name_is_found_packed_too(walked: Walked):
    directory = walked.house.places.state / "planted"
    directory.mkdir()
    try:
        (directory / mark("name")).write_bytes(b"nothing")
        (directory / "packed").write_bytes(zlib.compress(mark("text").encode() * 9))
        found = _where(walked, "files")
    finally:
        for path in directory.iterdir():
            path.unlink()
        directory.rmdir()

    assert [where for where in found if where.startswith("the name of")]
    assert [where for where in found if where.endswith("packed, packed")]


def test_a_control_in_the_memory_of_every_process_is_found(walked: Walked):
    if not memory.readable():
        pytest.skip(BLIND)
    # Each has its own command line on its stack, so a word of that is found in each.
    blind = []
    for name in NAMES:
        search = Search("TZ=UTC" if name == "redis" else "PATH=/")
        if not any(search.find(piece, where) for where, piece in places.memories(walked.house, name)):
            blind.append(name)

    assert blind == []


def test_no_message_names_a_category_or_a_language(walked: Walked):
    sent = b"\n".join(content for _, content in places.messages(walked.house)).decode().lower()

    assert " now. " in sent
    assert [code for code in [*CODES, *(str(label).lower() for label in CATEGORIES.values())] if code in sent] == []


def test_everything_really_came_through(walked: Walked):
    # Or nothing above would prove anything: seven tips, one of them by telephone, three follow-ups, an answer.
    assert walked.house.ask("SELECT count(*) FROM intake_tip") == [(10,)]
    assert walked.house.ask("SELECT count(*) FROM intake_reply") == [(1,)]
    assert walked.house.ask("SELECT count(*) FROM intake_tip WHERE identity_removed_on IS NOT NULL") == [(4,)]
    assert walked.house.ask("SELECT count(*) > 0 FROM triage_attempt") == [(True,)]


def _where(walked: Walked, *names: str) -> list[str]:
    return [hit.where for name in names for hit in places.search(getattr(places, name)(walked.house), walked.search)]
