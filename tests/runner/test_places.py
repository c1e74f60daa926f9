"""Directories and secrets of an installation."""

import os
import stat
from pathlib import Path

import pytest

from tipline.runner import secrets
from tipline.runner.places import NotOurs, Places, private_directory


def test_sockets_have_a_short_path_however_deep_the_clone_lies(tmp_path: Path) -> None:
    places = Places.of(tmp_path / ("deep/" * 40) / "var")

    assert len(os.fsencode(places.postgres_sockets / ".s.PGSQL.5432.lock")) < 100
    assert len(os.fsencode(places.redis_socket)) < 100


def test_two_installations_share_nothing(tmp_path: Path) -> None:
    one, other = Places.of(tmp_path / "one"), Places.of(tmp_path / "other")

    assert not {one.run, one.sockets, one.secrets} & {other.run, other.sockets, other.secrets}


def test_a_private_directory_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)

    made, mended = private_directory(tmp_path / "new"), private_directory(tmp_path / "open")

    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert stat.S_IMODE(mended.stat().st_mode) == 0o700


def test_a_link_laid_where_our_directory_belongs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours").symlink_to(tmp_path / "theirs")

    with pytest.raises(NotOurs):
        private_directory(tmp_path / "ours")


def test_secrets_are_for_this_user_alone_and_all_different(tmp_path: Path) -> None:
    made = secrets.generate(tmp_path / "secrets")

    values = [secrets.read(tmp_path / "secrets", name) for name in made]
    assert set(made) == set(secrets.ALL)
    assert len(set(values)) == len(values)
    assert all(len(bytes.fromhex(value)) == 32 for value in values)
    assert {stat.S_IMODE((tmp_path / "secrets" / name).stat().st_mode) for name in made} == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_a_secret_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "vault_pepper").write_text("the operator's own\n")

    made = secrets.generate(tmp_path)

    assert "vault_pepper" not in made
    assert secrets.read(tmp_path, "vault_pepper") == "the operator's own"
