"""One house for this directory: walked through once by marked senders, read once by a coordinator, then searched."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from tests.anonymity import memory, places
from tests.anonymity.channels import walk_all
from tests.anonymity.desk import read_and_answer
from tests.anonymity.marks import Hit, Search, phrase_marks
from tests.anonymity.walker import Walker
from tests.story.conftest import pytest_runtest_makereport  # noqa: F401  shows what the processes said
from tests.story.house import NAMES, House, free_base_port, until
from tipline.tidying import PAUSE

PLACES = ("dump", "files", "logs", "broker", "messages", "metrics", "environments")


@dataclass
class Walked:
    """A house after all of it, with everything that was found there. Searched before a seeded leak is put in."""

    house: House
    walker: Walker
    search: Search
    found: dict[str, list[Hit]] = field(default_factory=dict)
    searched: dict[str, int] = field(default_factory=dict)
    """Bytes looked at, by place."""


@pytest.fixture(scope="package")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    directory = tmp_path_factory.mktemp("anonymity")
    house = House(directory, free_base_port())
    try:
        house.start()
        walker = Walker(house.port_of("public"))
        walk_all(house, walker)
        read_and_answer(house, walker)
        done = Walked(house, walker, Search(*(mark for words in walker.words for mark in phrase_marks(words))))
        for name in PLACES:
            done.found[name], done.searched[name] = _counted(name, done)
        for name in NAMES:
            if memory.readable():
                done.found[name], done.searched[name] = _in_memory(name, done)
        yield done
    finally:
        house.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _counted(name: str, done: Walked) -> tuple[list[Hit], int]:
    looked_at = list(getattr(places, name)(done.house))
    return places.search(iter(looked_at), done.search), sum(len(content) for _, content in looked_at)


def _in_memory(name: str, done: Walked) -> tuple[list[Hit], int]:
    """What is in the memory of a process once it has had the time to tidy up, on a machine however busy."""
    size = 0

    def look() -> list[Hit]:
        nonlocal size
        found: list[Hit] = []
        size = 0
        for where, piece in places.memories(done.house, name):
            size += len(piece)
            found += done.search.find(piece, where)
        return found

    with suppress(AssertionError):
        until(lambda: not [hit for hit in look() if not hit.fragment], 80 * PAUSE, pause=2 * PAUSE)
    return look(), size
