"""The pages of keeping and erasing, as a supervisor, a coordinator and oversight see them."""

from datetime import UTC, datetime, timedelta

import pytest

from triage.keeping import erasing
from triage.models import Case, EraseRequest, Erasure, Finished, LegalHold, PendingCheck, RetentionRule

from .conftest import WORDS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stones(settings, tmp_path):
    settings.TOMBSTONES_DIR = tmp_path / "stones"


@pytest.fixture
def chief(make_person):
    return make_person("Chief", role="supervisor")


@pytest.fixture
def chiefs(sign_in, chief):
    return sign_in(chief)


@pytest.fixture
def closed(case_of):
    def make(text=WORDS, **answers):
        case = case_of(text, **answers)
        Case.objects.filter(pk=case.pk).update(status="closed", unread=0)
        erasing.erase_due(datetime.now(UTC))
        return case

    return make


def over(case):
    Finished.objects.filter(case=case).update(closed_on=datetime.now(UTC).date() - timedelta(days=3000))


def test_a_house_that_has_erased_nothing_says_what_will_stand_here(chiefs):
    page = chiefs.get("/keeping/").content.decode()

    assert "Nothing is erased in the next 30 days" in page
    assert "Nothing is held" in page
    assert "Nothing was erased yet" in page


def test_what_ends_soon_is_listed_with_its_day_and_what_is_held_is_not(chiefs, closed):
    case, held = closed(), closed("Another thing, about a boat on the lake")
    over(case)
    over(held)
    chiefs.post(f"/keeping/tips/{held.pk}/", {"act": "hold", "reason": "An appeal"})

    page = chiefs.get("/keeping/").content.decode()

    assert page.count(f"/keeping/tips/{case.pk}/") == 1
    assert page.count(f"/keeping/tips/{held.pk}/") == 1
    assert "Chief, since" in page
    assert LegalHold.objects.get().case == held


def test_a_hold_without_a_reason_is_refused_and_says_so(chiefs, closed):
    answer = chiefs.post(f"/keeping/tips/{closed().pk}/", {"act": "hold", "reason": ""})

    assert answer.status_code == 422
    assert "Write why" in answer.content.decode()
    assert not LegalHold.objects.exists()


def test_a_supervisor_changes_the_schedule_and_nonsense_changes_nothing(chiefs, closed, program):
    closed()
    days = {f"days_{ended}": 50 for ended in RetentionRule.objects.values_list("ended", flat=True)}

    assert chiefs.post("/keeping/schedule/", days | {"days_spam": "0"}).status_code == 422
    assert RetentionRule.objects.get(ended="spam").days == 30
    assert chiefs.post("/keeping/schedule/", days).status_code == 302
    assert set(RetentionRule.objects.values_list("days", flat=True)) == {50}


def test_two_supervisors_erase_a_tip_now_and_the_certificate_can_be_printed_and_saved(
    chiefs, closed, make_person, sign_in
):
    case = closed()
    chiefs.post(f"/keeping/tips/{case.pk}/", {"act": "erase", "reason": "Sent by mistake"})
    own = chiefs.post(f"/keeping/tips/{case.pk}/", {"act": "agree"}, follow=True).content.decode()
    assert "Somebody else must agree" in own
    assert EraseRequest.objects.get().agreed_by is None
    other = sign_in(make_person("Second", role="supervisor"))
    other.post(f"/keeping/tips/{case.pk}/", {"act": "agree"})
    erasing.erase_due(datetime.now(UTC))

    made = Erasure.objects.get()
    page = chiefs.get(f"/keeping/certificates/{made.pk}/").content.decode()
    assert "Chief asked for it, Second agreed." in page
    assert f"{made.last_copy_on:%Y}" in page
    saved = chiefs.get(f"/keeping/certificates/{made.pk}/?file=1")
    assert saved["Content-Type"].startswith("text/plain")
    assert f"{made.last_copy_on:%Y-%m-%d}" in saved.content.decode()
    assert chiefs.get(f"/tips/{case.pk}/").status_code == 404
    assert "last copy ends" in chiefs.get("/keeping/").content.decode()


def test_a_tip_is_found_by_what_people_call_it(chiefs, closed):
    from triage.console.labels import reference

    case = closed()

    assert chiefs.get("/keeping/", {"tip": reference(case.pk)})["Location"] == f"/keeping/tips/{case.pk}/"
    assert "No tip you may see" in chiefs.get("/keeping/", {"tip": "000 000"}).content.decode()


def test_a_coordinator_gets_to_none_of_it(adas, closed):
    case = closed()

    assert adas.get("/keeping/").status_code in (403, 404)
    assert adas.post(f"/keeping/tips/{case.pk}/", {"act": "hold", "reason": "x"}).status_code in (403, 404)
    assert not LegalHold.objects.exists()


def test_oversight_sees_its_own_certificates_and_the_supervisor_does_not(chiefs, closed, sign_in, chair):
    case = closed(insider=True)
    assert case.oversight
    over(case)
    erasing.erase_due(datetime.now(UTC))
    made = Erasure.objects.get()

    assert chiefs.get(f"/keeping/certificates/{made.pk}/").status_code == 404
    assert sign_in(chair).get(f"/keeping/certificates/{made.pk}/").status_code == 200
    assert chiefs.get(f"/keeping/tips/{case.pk}/").status_code == 404


def test_the_page_of_a_tip_leads_to_its_keeping_where_one_may_see_that(chiefs, adas, closed):
    case = closed()
    address = f'href="/keeping/tips/{case.pk}/"'

    assert address in chiefs.get(f"/tips/{case.pk}/").content.decode()
    assert address not in adas.get(f"/tips/{case.pk}/").content.decode()


def test_a_tip_closed_alone_cannot_be_asked_to_be_erased_before_the_second_look(chiefs, ada, closed, noon):
    case = closed()
    PendingCheck.objects.create(program_id=case.program_id, case=case, did="closed", by=ada.user, due_at=noon)

    page = chiefs.get(f"/keeping/tips/{case.pk}/").content.decode()
    answer = chiefs.post(f"/keeping/tips/{case.pk}/", {"act": "erase", "reason": "A hoax"}, follow=True)

    assert "Until then it is not erased" in page
    assert "Ask to erase it now" not in page
    assert "A second person must look first" in answer.content.decode()
    assert not EraseRequest.objects.exists()
