"""Keeping the blobs of a new version."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--keep-blobs", metavar="FILE", help="write one of everything that is stored sealed to FILE")
