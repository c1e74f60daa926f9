"""Tips about people one knows, and reading more than one's own: what the console shows, hides and asks."""

import pytest

from triage.audit import chain
from triage.console import opening, reading
from triage.models import AuditEntry, Case, Recusal, Urgency

pytestmark = pytest.mark.django_db

WHY = "The school called about the same boy"


@pytest.fixture
def bobs(sign_in, bob):
    return sign_in(bob)


def _open(client, case, **more):
    return client.post(f"/tips/{case.pk}/open/", more)


def test_one_press_and_it_is_gone_from_everything_they_see(adas, bob, urgent):
    before = adas.get("/").content.decode()
    answer = adas.post(f"/tips/{urgent.pk}/step-aside/")
    after = adas.get("/").content.decode()

    assert answer["Location"] == "/"
    assert str(urgent.pk) in before
    assert str(urgent.pk) not in after
    assert "1 open tip" not in after
    assert "a colleague has it now" in after
    for path in ("", "calls/"):
        assert adas.get(f"/tips/{urgent.pk}/{path}").status_code == 404
    assert _open(adas, urgent).status_code == 404
    assert adas.post(f"/tips/{urgent.pk}/take/").status_code == 404


def test_a_colleague_goes_on_and_sees_who_stepped_aside(adas, bobs, ada, urgent):
    _open(adas, urgent)
    adas.post(f"/tips/{urgent.pk}/step-aside/")
    page = bobs.get(f"/tips/{urgent.pk}/").content.decode()
    answer = _open(bobs, urgent)

    assert "Ada stepped aside" in page
    assert answer.status_code == 302
    assert Case.objects.get().taken_by.name == "Bob"


def test_a_colleague_lets_them_back_and_they_not_themselves(adas, bobs, ada, bob, urgent):
    adas.post(f"/tips/{urgent.pk}/step-aside/")
    alone = adas.post(f"/tips/{urgent.pk}/let-back/{ada.user.pk}/")
    bobs.post(f"/tips/{urgent.pk}/let-back/{ada.user.pk}/")

    assert alone.status_code == 404
    assert not Recusal.objects.exists()
    assert adas.get(f"/tips/{urgent.pk}/").status_code == 200


def test_alone_in_a_program_nobody_steps_aside(adas, urgent):
    page = adas.post(f"/tips/{urgent.pk}/step-aside/", follow=True).content.decode()

    assert "Nobody else here can read this tip yet" in page
    assert adas.get(f"/tips/{urgent.pk}/").status_code == 200


def test_no_other_way_than_a_post(adas, urgent):
    assert adas.get(f"/tips/{urgent.pk}/step-aside/").status_code == 405


def test_a_tip_a_colleague_has_in_hand_asks_why_and_the_reason_is_sealed(adas, bobs, bob, case_of):
    case = case_of()
    _open(adas, case)
    asked = _open(bobs, case)
    short = _open(bobs, case, why="hm")
    opened = _open(bobs, case, why=WHY)

    assert "Ada has this tip in hand" in asked.content.decode()
    assert short.status_code == 422
    assert opened.status_code == 302
    entry = AuditEntry.objects.get(event="opened_anothers")
    assert WHY.encode() not in bytes(entry.sealed)
    unlocked = bobs.get("/").wsgi_request.vault
    key = opening.data_keys([case.tip], unlocked)[case.tip_id]
    assert WHY in chain.text_of(entry, tip=case.tip, data_key=key)
    assert WHY in bobs.get(f"/tips/{case.pk}/").content.decode()


def test_what_one_opened_once_asks_nothing_again(adas, bobs, case_of):
    case = case_of()
    _open(adas, case)
    _open(bobs, case, why=WHY)

    assert _open(bobs, case).status_code == 302
    assert AuditEntry.objects.filter(event="opened_anothers").count() == 1


def test_a_page_that_runs_asks_nothing(adas, bobs, urgent):
    adas.post(f"/tips/{urgent.pk}/take/")

    assert _open(bobs, urgent).status_code == 302


def test_many_tips_in_an_hour_ask_why_once(adas, case_of, monkeypatch):
    monkeypatch.setattr(reading, "MANY", 2)
    cases = [case_of(f"They sell pills behind rink {number}") for number in range(4)]
    assert [case.urgency for case in cases] != [Urgency.URGENT] * 4
    for case in cases[:2]:
        _open(adas, case)
    asked = _open(adas, cases[2])
    opened = _open(adas, cases[2], why=WHY)
    after = _open(adas, cases[3])

    assert "You opened 2 tips within this hour" in asked.content.decode()
    assert [answer.status_code for answer in (asked, opened, after)] == [200, 302, 302]
    assert AuditEntry.objects.filter(event="opened_many").count() == 1


def test_the_list_says_who_opened_what_without_a_word_of_it(adas, sign_in, make_person, ada, case_of):
    case = case_of()
    _open(adas, case)
    audrey = sign_in(make_person("Audrey", role="auditor"))

    page = audrey.get("/opened/").content.decode()

    assert "Ada" in page
    assert "1 tip" in page
    assert "pills" not in page
    assert str(case.pk) not in page  # an auditor has no page to go to
    assert str(case.pk) in adas.get("/opened/").content.decode()


def test_the_list_says_who_changed_what_of_the_program(adas, sign_in, make_person, bob):
    adas.post(f"/people/{bob.user.pk}/role/", {"role": "supervisor", "identity": "yes"})
    adas.post("/texts/save/", {"kind": "contact", "title": "School office", "body": "555-0100"})
    audrey = sign_in(make_person("Audrey", role="auditor"))

    page = audrey.get("/opened/").content.decode()

    assert "Ada changed somebody&#x27;s role" in page
    assert "Ada changed whom the call card says to call" in page
    assert "555-0100" not in page


def test_what_is_about_our_own_people_stands_in_the_list_of_oversight_people_only(adas, sign_in, chair, case_of):
    about_us = case_of("The sergeant sells pills", insider=True)
    chairs = sign_in(chair)
    _open(chairs, about_us)

    assert "Chair" in chairs.get("/opened/").content.decode()
    assert "Chair" not in adas.get("/opened/").content.decode()


@pytest.mark.parametrize("day", ["2026-02-31", "yesterday", "9999-12-31", ""])
def test_a_day_that_is_none_or_not_yet_is_today(adas, day):
    assert adas.get("/opened/", {"day": day}).status_code == 200


def test_the_readers_name_stands_across_what_they_read_and_nowhere_before(adas, urgent):
    shut = adas.get(f"/tips/{urgent.pk}/").content.decode()
    _open(adas, urgent)
    opened = adas.get(f"/tips/{urgent.pk}/").content.decode()

    assert "watermark" not in shut
    assert opened.count('data-name="Ada · ada"') > 10
    assert 'class="watermark" aria-hidden="true"' in opened
