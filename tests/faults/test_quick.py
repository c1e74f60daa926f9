"""The cheap faults of the matrix with every test run; `scripts/test --faults` puts in all of them."""

import shutil
from collections.abc import Iterator

import pytest

from tests.faults.bench import Bench
from tests.faults.matrix import GROUPS, NOT_RUN, PASSED, put_in, table
from tests.faults.registry import ALL, Fault
from tests.story.house import House, free_base_port

pytestmark = pytest.mark.system

SLACK = 10.0
"""How late pages are is the matrix's business, on a machine that does nothing else."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    directory = tmp_path_factory.mktemp("faults")
    house = House(directory, free_base_port())
    try:
        house.start()
        yield Bench(house)
    finally:
        house.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.parametrize("fault", [each for each in ALL.values() if each.quick], ids=lambda each: each.name)
def test_the_house_stands_it(bench: Bench, fault: Fault):
    row = put_in(bench, fault, slack=SLACK)

    assert row.verdict == PASSED, f"{row.note}\n{bench.house.said[-3000:]}"


def test_every_fault_of_the_design_is_in_the_matrix():
    assert sorted(ALL) == list(range(1, 37))
    assert len(GROUPS) == 8


def test_what_is_not_run_says_why():
    rows = [put_in(None, fault) for fault in ALL.values() if fault.run is None]  # type: ignore[arg-type]

    assert rows
    assert all(row.verdict == NOT_RUN and len(row.note) > 20 for row in rows)
    assert "not run: " in table(rows)
