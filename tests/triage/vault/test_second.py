"""The second factor: a code counts once, its secret is sealed."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.exceptions import SuspiciousOperation

from triage.models import User
from triage.vault import second
from triage.vault.adapters import AccountAdapter, MFAAdapter

pytestmark = pytest.mark.django_db
NOON = 1_800_000_015.0


@pytest.fixture
def ada(db):
    return User.objects.create_user("ada", name="Ada")


@pytest.fixture
def clock(monkeypatch):
    now = [NOON]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def _code(secret, at):
    return format_hotp_value(hotp_value(secret, int(at) // second.PERIOD))


def test_a_code_of_now_and_of_its_neighbours_counts_and_no_other(clock):
    secret = second.new_secret()

    found = {
        shift: second.matching_period(secret, _code(secret, NOON + shift)) is not None
        for shift in (-60, -30, 0, 30, 60)
    }

    assert found == {-60: False, -30: True, 0: True, 30: True, 60: False}


def test_a_used_code_and_every_older_one_is_refused(ada, clock):
    secret = second.new_secret()
    second.enrol(ada, secret, 0)
    late, now = _code(secret, NOON - 30), _code(secret, NOON)

    assert second.check(ada, now) is not None
    assert second.check(ada, now) is None
    assert second.check(ada, late) is None
    clock[0] += 30
    assert second.check(ada, _code(secret, clock[0])) is not None


def test_the_code_that_paired_the_app_does_not_sign_in_again(ada, clock):
    secret = second.new_secret()
    period = second.matching_period(secret, _code(secret, NOON))
    second.enrol(ada, secret, period)

    assert second.check(ada, _code(secret, NOON)) is None


def test_pairing_again_changes_nothing(ada):
    first = second.new_secret()
    second.enrol(ada, first, 0)

    assert second.enrol(ada, second.new_secret(), 0) == []
    assert second.unsealed(ada, Authenticator.objects.get(type="totp").data["secret"]) == first


def test_pairing_another_app_instead_ends_the_first_and_its_recovery_codes(ada, clock):
    first, later = second.new_secret(), second.new_secret()
    old = second.enrol(ada, first, 0)

    new = second.enrol(ada, later, 0, instead=True)

    assert second.check(ada, _code(first, NOON)) is None
    assert second.check(ada, old[0]) is None
    assert second.check(ada, _code(later, NOON)) is not None
    assert second.check(ada, new[0]) is not None


def test_each_recovery_code_counts_once(ada):
    codes = second.enrol(ada, second.new_secret(), 0)

    assert second.check(ada, f" {codes[0][:4]} {codes[0][4:]} ") is not None
    assert second.check(ada, codes[0]) is None
    assert second.check(ada, codes[9]) is not None
    assert second.spare_left(ada) == 8


def test_new_recovery_codes_end_the_old_ones(ada):
    old = second.enrol(ada, second.new_secret(), 0)

    new = second.renew_spare(ada)

    assert len(set(new)) == second.spare_left(ada) == 10
    assert second.check(ada, old[0]) is None
    assert second.check(ada, new[0]) is not None


def test_recovery_codes_are_stored_as_keyed_hashes_alone(ada):
    codes = second.enrol(ada, second.new_secret(), 0)

    stored = str(Authenticator.objects.get(type="recovery_codes").data)

    assert [code for code in codes if code in stored] == []
    assert len({second.tag_of(ada, code) for code in codes} & set(stored.split("'"))) == 10


def test_somebody_without_a_factor_proves_nothing(ada):
    assert second.check(ada, "000000") is None
    assert not second.enrolled(ada)


def test_a_changed_secret_is_refused(ada):
    sealed = second.sealed(ada, "SECRET")

    assert second.unsealed(ada, sealed) == "SECRET"
    assert b"SECRET" not in bytes.fromhex(sealed)
    broken = sealed[:40] + ("0" if sealed[40] != "0" else "1") + sealed[41:]
    with pytest.raises(SuspiciousOperation):
        second.unsealed(ada, broken)


def test_a_factor_moved_to_another_persons_row_proves_nothing(ada, clock):
    eve = User.objects.create_user("eve", name="Eve")
    secret = second.new_secret()
    codes = second.enrol(eve, secret, 0)
    Authenticator.objects.filter(user=eve).update(user=ada)

    assert second.enrolled(ada)
    with pytest.raises(SuspiciousOperation):
        second.check(ada, _code(secret, NOON))
    Authenticator.objects.filter(type="totp").delete()
    assert second.check(ada, codes[0]) is None


def test_the_library_keeps_no_factor_of_its_own():
    with pytest.raises(SuspiciousOperation):
        MFAAdapter().encrypt("SECRET")
    with pytest.raises(SuspiciousOperation):
        MFAAdapter().decrypt("SECRET")


def test_nothing_can_ask_for_an_address(rf):
    with pytest.raises(SuspiciousOperation):
        AccountAdapter().get_client_ip(rf.get("/"))

    assert AccountAdapter().get_http_user_agent(rf.get("/", headers={"user-agent": "Marked"})) == ""
    assert not AccountAdapter().is_open_for_signup(rf.get("/"))
