"""A house of its own for this directory: how many tips and pages there are is nobody else's business."""

import shutil
from collections.abc import Iterator

import pytest

from tests.story.desk import Desk
from tests.story.house import House, free_base_port
from tests.story.papers import Papers


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("used")
    house = House(directory, free_base_port())
    try:
        house.start()
        yield house
    finally:
        status = house.stop()
        shutil.rmtree(directory, ignore_errors=True)
    assert status == 0


@pytest.fixture(scope="package")
def desk(house: House) -> Desk:
    """The coordinator, signed in and unlocked, without a browser."""
    desk = Desk(house, Papers())
    desk.sign_in()
    return desk
