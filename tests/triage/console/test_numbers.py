"""The page of numbers: figures from sealed tips, for those who may open them, and never their words."""

import pytest

from triage.models import Assessment, AuditEntry, Case

from .conftest import QUIET

pytestmark = pytest.mark.django_db


@pytest.fixture
def six(case_of) -> list[Case]:
    return [case_of(f"{QUIET}, number {number}") for number in range(6)]


def correct(client, case: Case, categories: list[str], urgency: str = "urgent") -> None:
    client.post(f"/tips/{case.pk}/take/")
    client.post(f"/tips/{case.pk}/open/")
    case.refresh_from_db()
    data = {"urgency": urgency, "categories": categories, "version": case.version}
    assert client.post(f"/tips/{case.pk}/correct/", data).status_code == 302
    assert case.corrections.exists()


def test_without_tips_the_page_says_what_will_stand_there(adas):
    page = adas.get("/numbers/").content.decode()

    assert "Nothing to count yet" in page
    assert "<svg" not in page


def test_every_picture_has_its_numbers_in_a_table(adas, six):
    page = adas.get("/numbers/").content.decode()

    assert "Drugs" in page
    assert "100&nbsp;%" in page
    pictures = [one for _, part in adas.get("/numbers/").context["parts"] for one in part]
    assert page.count("<svg") == page.count('role="rowheader"') == len(pictures)


def test_nothing_of_a_tip_and_no_script_or_style_is_on_the_page(adas, six):
    main = adas.get("/numbers/").content.decode().split("<main", 1)[1].split("</main>")[0]

    assert "rink" not in main
    assert not any(str(case.pk) in main for case in six)
    assert "<script" not in main
    assert "style=" not in main


def test_locked_no_number_is_shown(adas, six):
    adas.post("/lock/")

    assert "Drugs" not in adas.get("/numbers/").content.decode()
    assert "Found of them" not in adas.post("/numbers/measure/").content.decode()


def test_a_stranger_and_oversight_count_no_tip_of_this_program(sign_in, stranger, chair, ada, six):
    for case in six:
        correct(sign_in(ada), case, ["drugs"]) if case == six[0] else None
    for person in (stranger, chair):
        theirs = sign_in(person)
        assert "Nothing to count yet" in theirs.get("/numbers/").content.decode()
        assert theirs.post("/numbers/measure/").context["measured"].tips == 0


def test_the_model_is_measured_on_what_people_answered(adas, six):
    for case in six:
        correct(adas, case, ["drugs", "weapons"])
    entries = AuditEntry.objects.count()
    # What the assessment of the day said does not count: the model reads the tip again.
    Assessment.objects.update(version="older")

    answer = adas.post("/numbers/measure/")

    measured = answer.context["measured"]
    figures = {each.code: each for each in measured.categories}
    assert measured.tips == 6
    assert measured.version != "older"
    assert (figures["drugs"].recall, figures["drugs"].precision) == (100, 100)
    assert (figures["weapons"].recall, figures["weapons"].precision) == (0, None)
    assert measured.paging.recall == 0
    main = answer.content.decode().split("<main", 1)[1]
    assert "rink" not in main
    # That many tips were opened at once is on record, and nothing else.
    assert AuditEntry.objects.count() == entries + 1
    assert AuditEntry.objects.filter(event="measured", tip=None, sealed=b"").count() == 1
    assert all(case.version == Case.objects.get(pk=case.pk).version for case in Case.objects.all())


def test_a_few_corrections_say_nothing(adas, six):
    correct(adas, six[0], ["fraud"])

    page = adas.post("/numbers/measure/").content.decode().split("<main", 1)[1]

    assert "too few to say anything" in page
    assert "Fraud" not in page


def test_the_newest_correction_counts(adas, six):
    for case in six:
        correct(adas, case, ["fraud"])
        correct(adas, case, ["drugs"], urgency="priority")

    measured = adas.post("/numbers/measure/").context["measured"]

    assert [each.code for each in measured.categories if each.true] == ["drugs"]


def test_measuring_needs_a_press(adas):
    assert adas.get("/numbers/measure/").status_code == 405
