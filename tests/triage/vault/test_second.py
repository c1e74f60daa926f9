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
    stored = Authenticator.objects.get(type="totp").data["secret"]
    assert MFAAdapter().decrypt(stored) == first


def test_each_recovery_code_counts_once(ada):
    codes = second.enrol(ada, second.new_secret(), 0)

    assert second.check(ada, f" {codes[0][:4]} {codes[0][4:]} ") is not None
    assert second.check(ada, codes[0]) is None
    assert second.check(ada, codes[9]) is not None


def test_somebody_without_a_factor_proves_nothing(ada):
    assert second.check(ada, "000000") is None
    assert not second.enrolled(ada)


def test_a_changed_secret_is_refused(ada):
    adapter = MFAAdapter()
    sealed = adapter.encrypt("SECRET")

    assert "SECRET" not in sealed
    assert adapter.decrypt(sealed) == "SECRET"
    broken = ("A" if sealed[20] != "A" else "B").join((sealed[:20], sealed[21:]))
    with pytest.raises(SuspiciousOperation):
        adapter.decrypt(broken)


def test_nothing_can_ask_for_an_address(rf):
    with pytest.raises(SuspiciousOperation):
        AccountAdapter().get_client_ip(rf.get("/"))

    assert AccountAdapter().get_http_user_agent(rf.get("/", headers={"user-agent": "Marked"})) == ""
    assert not AccountAdapter().is_open_for_signup(rf.get("/"))
