"""Several programs on one installation: each has its own pages, and what was begun at one ends at no other."""

import itertools
import json
import re
import secrets

import pytest
from django.utils import timezone

from intake import actions
from intake.channels import nonce, whose
from intake.channels.visit import Visit
from intake.message import Identity, Message
from intake.models import Program, SubmissionKey, Tip
from tests.intake.test_form import words_in

pytestmark = pytest.mark.django_db

THEIRS = "/p/lakeside/"
TEXT = "They sell pills behind the rink"
ADDRESSES = re.compile(r'(?:href|action|src)="(/[^"]*)"')


def fresh(base: str = THEIRS) -> str:
    return nonce.make(timezone.now(), base)


def phrase_at(program: Program, noon):
    done = actions.submit(program, Message(TEXT), Identity(), channel="web", key=secrets.token_urlsafe(16), now=noon)
    assert done.phrase is not None
    return done.phrase


def said(answer) -> str:
    return answer.content.decode()


def token_in(answer) -> str:
    return re.search(r'name="visit" value="([^"]+)"', said(answer))[1]


def sent(street, base: str = THEIRS):
    """Walk from the form to the conversation; every page on the way."""
    form = street.get(base)
    receipt = street.post(base, {"text": TEXT, "nonce": fresh(base), "danger": "yes"})
    words = " ".join(words_in(said(receipt)))
    conversation = street.post(f"{base}answers/", {"phrase": words, "nonce": fresh(base)})
    visit = {"visit": token_in(conversation), "nonce": fresh(base)}
    return {
        "form": form,
        "refused": street.post(base, {"text": "", "nonce": fresh(base)}),
        "receipt": receipt,
        "look": street.get(f"{base}answers/"),
        "nothing": street.post(f"{base}answers/", {"phrase": "no such words"}),
        "conversation": conversation,
        "added": street.post(f"{base}answers/add/", {**visit, "text": "he is loading it now"}),
        "withdrawn": street.post(f"{base}answers/withdraw/", visit),
        "noted": street.get(f"{base}noted/"),
        "unsure": street.post(f"{base}answers/lock/", visit),
        "locked": street.post(f"{base}answers/lock/", {**visit, "confirm": "yes"}),
        "missing": street.get(f"{base}no/such/page/"),
    }


def test_a_programs_pages_name_it_and_lead_to_no_others(street, lakeside):
    lakeside.emergency_number = "112"
    lakeside.save()

    pages = sent(street)

    assert "Write to Lakeside" in said(pages["form"])
    assert 'Call <a href="tel:112">' in said(pages["form"])
    assert Tip.objects.get(follows=None).program == lakeside
    for name, page in pages.items():
        assert not page.cookies, name
        assert "Riverside" not in said(page), name
        led = {each for each in ADDRESSES.findall(said(page)) if not each.startswith("/static/")}
        # Leaving leads to the one page that names nobody.
        assert {each for each in led if not each.startswith(THEIRS)} <= {"/leave/"}, name


def test_the_first_programs_pages_stay_where_they_were(street, lakeside):
    pages = sent(street, "/")

    assert "Write to Riverside Tip Line" in said(pages["form"])
    assert Tip.objects.get(follows=None).program.slug == "riverside"
    blank = {"form", "look", "nothing"}
    led = {each for name, page in pages.items() if name not in blank for each in ADDRESSES.findall(said(page))}
    assert not any(each.startswith("/p/") for each in led)


def test_the_first_program_has_its_pages_below_its_name_too(street, lakeside):
    pages = sent(street, "/p/riverside/")

    assert pages["conversation"].status_code == 200
    assert "Lakeside" not in "".join(map(said, pages.values()))


def test_the_one_that_was_first_stays_first_whatever_a_new_one_is_called(street, lakeside):
    Program.objects.filter(pk=lakeside.pk).update(slug="a-new-one")

    assert "Write to Riverside" in said(street.get("/"))


def test_a_form_without_a_program_of_its_own_tells_of_the_others(street, lakeside):
    told = said(street.get("/"))
    Program.objects.filter(pk=lakeside.pk).update(listed=False)
    whose.forget()

    assert '<a href="/p/lakeside/">Lakeside</a>' in told
    assert "another program" not in said(street.get("/"))
    assert "another program" not in said(street.get("/p/riverside/"))
    assert street.get(THEIRS).status_code == 200


def test_who_looks_for_an_answer_without_a_programs_address_is_told_of_the_others(street, lakeside):
    blank, refused = street.get("/answers/"), street.post("/answers/", {"phrase": "no such words"})

    assert refused.status_code == 404
    for page in (blank, refused):
        assert '<a href="/p/lakeside/answers/">Lakeside</a>' in said(page)
    assert "another program" not in said(street.get(f"{THEIRS}answers/"))


def test_an_address_is_taken_as_it_stands_on_a_poster(street, lakeside):
    assert street.get("/p/Lakeside/").status_code == 200
    assert street.get("/p/lakeside")["Location"] == THEIRS


@pytest.mark.parametrize("path", ["", "answers/", "noted/", "leave/", "logo.png", "api/v1/program/"])
def test_a_program_that_is_not_there_has_no_pages(street, lakeside, path):
    assert street.get(f"/p/nobody/{path}").status_code == 404


def test_words_find_nothing_at_another_program(street, program, lakeside, noon):
    theirs = " ".join(phrase_at(lakeside, noon).words)
    ours = " ".join(phrase_at(program, noon).words)

    assert street.post(f"{THEIRS}answers/", {"phrase": theirs}).status_code == 200
    assert street.post("/answers/", {"phrase": theirs}).status_code == 404
    assert street.post("/answers/", {"phrase": ours}).status_code == 200
    assert street.post(f"{THEIRS}answers/", {"phrase": ours}).status_code == 404


@pytest.mark.parametrize(("base", "other"), list(itertools.permutations(["/", THEIRS], 2)))
def test_a_form_of_one_program_sends_nothing_to_another(street, lakeside, base, other):
    answer = street.post(other, {"text": TEXT, "nonce": fresh(base)})

    assert answer.status_code == 400
    assert TEXT in said(answer)
    assert not Tip.objects.exists()


@pytest.mark.parametrize("act", ["add", "lock", "withdraw"])
@pytest.mark.parametrize(("base", "other"), list(itertools.permutations(["/", THEIRS], 2)))
def test_a_visit_to_one_program_is_none_to_another(street, program, lakeside, noon, act, base, other):
    phrase = phrase_at(lakeside if base == THEIRS else program, noon)
    now = timezone.now()
    visit = Visit(phrase, fresh(base)).token(now, base)

    answer = street.post(
        f"{other}answers/{act}/", {"visit": visit, "nonce": fresh(other), "text": "more", "confirm": "yes"}
    )

    assert answer.status_code == 403
    assert Tip.objects.count() == 1
    assert Visit.of(visit, now, base) is not None
    assert Visit.of(visit, now, other) is None


def test_leaving_goes_to_the_page_that_names_nobody_and_spends_the_words(street, lakeside):
    once = fresh()
    receipt = street.post(THEIRS, {"text": TEXT, "nonce": once})
    left = street.post(f"{THEIRS}leave/", {"nonce": once})
    again = street.post(THEIRS, {"text": TEXT, "nonce": once})

    assert len(words_in(said(receipt))) == 7
    assert (left.status_code, left["Location"]) == (303, "/leave/")
    assert street.get(f"{THEIRS}leave/")["Location"] == "/leave/"
    assert words_in(said(again)) == []
    assert SubmissionKey.objects.get().program == lakeside


def test_the_page_that_names_nobody_is_the_same_for_all(street, lakeside):
    page = said(street.get("/leave/"))

    assert "Lakeside" not in page
    assert "Riverside" not in page
    assert "/p/" not in page


def test_pages_of_two_programs_are_of_one_size(street, lakeside):
    assert len(street.get("/").content) == len(street.get(THEIRS).content)


def call(street, base, path, body=None, **headers):
    address = f"{base}api/v1/{path}"
    if body is None:
        return street.get(address, headers=headers)
    return street.post(address, json.dumps(body), content_type="application/json", headers=headers)


def test_the_api_has_the_program_in_its_address(street, program, lakeside):
    key = {"Idempotency-Key": secrets.token_urlsafe(16)}
    receipt = call(street, THEIRS, "tips/", {"text": TEXT}, **key).json()
    words = {"Tipline-Receipt": receipt["words"]}

    assert call(street, THEIRS, "program/").json()["name"] == "Lakeside"
    assert call(street, "/", "program/").json()["name"] == "Riverside Tip Line"
    assert Tip.objects.get().program == lakeside
    assert call(street, THEIRS, "conversation/", **words).status_code == 200
    assert call(street, "/", "conversation/", **words).status_code == 404
    for path, body in (
        ("messages/", {"text": "more"}),
        ("lock/", {"confirm": "yes"}),
        ("withdraw/", {"confirm": "yes"}),
    ):
        assert call(street, "/", f"conversation/{path}", body, **words, **key).status_code == 404
    assert Tip.objects.count() == 1


def test_one_key_for_two_programs_is_a_conflict_and_never_another_ones_words(street, program, lakeside):
    key = {"Idempotency-Key": secrets.token_urlsafe(16)}
    call(street, THEIRS, "tips/", {"text": TEXT}, **key)

    answer = call(street, "/", "tips/", {"text": TEXT}, **key)

    assert answer.status_code == 409
    assert Tip.objects.get().program == lakeside


def test_what_is_missing_below_an_api_is_said_as_the_api_says_it(street, lakeside):
    for path in ("/p/lakeside/api/v1/nothing/", "/p/nobody/api/v1/program/", "/p/nobody/api/"):
        answer = street.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_while_the_database_is_away_a_programs_form_is_still_shown(street, lakeside, monkeypatch):
    from django.db import OperationalError

    def away(*_args, **_more):
        raise OperationalError

    shown = said(street.get(THEIRS))
    monkeypatch.setattr(whose.Program.objects, "order_by", away)
    monkeypatch.setattr(whose, "SECONDS_KEPT", -1.0)

    assert "Write to Lakeside" in shown
    assert "Write to Lakeside" in said(street.get(THEIRS))
    whose.forget()
    assert "Write to this program" in said(street.get(THEIRS))
    assert f'action="{THEIRS}"' in said(street.get(THEIRS))


@pytest.fixture
def speaks(settings, lakeside):
    """Lakeside speaks Arabic first, and French; Riverside English alone."""
    settings.LANGUAGES = [("en", "English"), ("fr", "French"), ("ar", "Arabic"), ("es", "Spanish")]
    Program.objects.filter(pk=lakeside.pk).update(languages="ar fr")
    return lakeside


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("", "ar"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("en-US,en;q=0.9", "ar"),
        ("es, fr;q=0.5", "fr"),
        ("*", "ar"),
        ("fr" * 5_000, "ar"),
    ],
)
def test_the_form_speaks_what_the_phone_asks_for_if_the_program_offers_it(street, speaks, asked, spoken):
    page = said(street.get(THEIRS, headers={"accept-language": asked}))

    assert f'<html lang="{spoken}" dir="{"rtl" if spoken == "ar" else "ltr"}">' in page


def test_a_program_that_offers_one_language_speaks_it_to_everybody(street, speaks):
    pages = [street.get(path, headers={"accept-language": "fr"}) for path in ("/", "/answers/", "/no/such/page/")]

    assert all('<html lang="en"' in said(page) for page in pages)
    assert '<html lang="fr"' in said(street.get(f"{THEIRS}no/page/", headers={"accept-language": "fr"}))
