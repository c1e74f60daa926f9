"""One-time code, pass phrase on paper, app paired, recovery codes, board."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from intake.models import ProgramKey, Purpose
from triage.models import Invitation, Membership, PersonKey, User
from triage.vault import keys

from .conftest import totp

pytestmark = pytest.mark.django_db


@pytest.fixture
def invited(program, seeds):
    user = User.objects.create_user("dana", name="Dana")
    Membership.objects.create(program=program, user=user)
    held = {ProgramKey.objects.get(program=program, purpose=purpose): seed for purpose, seed in seeds.items()}
    return keys.invite(user, program, held)


def _words(answer):
    return " ".join(re.findall(r'<strong class="lead">(.*?)</strong>', answer.content.decode()))


def _to_the_words(visitor, code):
    visitor.post("/first/", {"username": "dana", "code": code}, secure=True)
    return visitor.get("/first/words/", secure=True)


def test_the_whole_way_leads_to_an_unlocked_board(visitor, invited, program):
    words = _words(_to_the_words(visitor, invited))
    assert len(words.split()) == 6
    answer = visitor.post("/first/words/", {"typed": words}, secure=True)
    assert answer["Location"] == "/second-factor/"
    page = visitor.get("/second-factor/", secure=True)
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page.content.decode())[1].replace(" ", "")
    answer = visitor.post("/second-factor/", {"code": totp(secret)}, secure=True)
    assert answer["Location"] == "/second-factor/spare/"
    codes = re.findall(r"<code>(\d{4} \d{4})</code>", visitor.get(answer["Location"], secure=True).content.decode())
    assert len(set(codes)) == 10
    visitor.post("/second-factor/spare/", secure=True)

    board = visitor.get("/", secure=True)

    assert board.status_code == 200
    assert board.wsgi_request.vault.program_seed(program, Purpose.IDENTITY) is not None
    assert not Invitation.objects.exists()


def test_the_words_are_asked_back_before_anything_is_used_up(visitor, invited):
    _to_the_words(visitor, invited)

    answer = visitor.post("/first/words/", {"typed": "these are not the right words"}, secure=True)

    assert answer.status_code == 422
    assert Invitation.objects.exists()
    assert not PersonKey.objects.exists()


def test_a_lost_browser_can_start_again_with_the_same_code(invited):
    _to_the_words(Client(), invited)

    again = _to_the_words(Client(), invited)

    assert len(_words(again).split()) == 6


def test_the_words_page_opens_in_no_other_browser(visitor, invited):
    _to_the_words(visitor, invited)
    thief = Client()
    thief.cookies["__Host-session"] = visitor.cookies["__Host-session"].value

    assert thief.get("/first/words/", secure=True)["Location"] == "/first/"


def test_nothing_else_opens_before_the_second_factor(visitor, invited):
    words = _words(_to_the_words(visitor, invited))
    visitor.post("/first/words/", {"typed": words}, secure=True)

    for path in ("/", "/rows/", "/unlock/", "/second-factor/spare/"):
        answer = visitor.get(path, secure=True)
        assert answer["Location"] == "/second-factor/", path
        assert answer.wsgi_request.vault is None


def test_the_apps_secret_and_the_codes_are_stored_sealed(visitor, invited):
    words = _words(_to_the_words(visitor, invited))
    visitor.post("/first/words/", {"typed": words}, secure=True)
    page = visitor.get("/second-factor/", secure=True)
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page.content.decode())[1].replace(" ", "")
    visitor.post("/second-factor/", {"code": totp(secret)}, secure=True)

    stored = str(list(Authenticator.objects.values_list("data", flat=True)))

    assert Authenticator.objects.count() == 2
    assert secret not in stored


def test_the_picture_obeys_the_strict_policy(visitor, invited):
    words = _words(_to_the_words(visitor, invited))
    visitor.post("/first/words/", {"typed": words}, secure=True)

    page = visitor.get("/second-factor/", secure=True).content.decode()

    assert "<svg" in page
    assert "style=" not in page
    assert "data:" not in page


def test_a_wrong_code_and_a_wrong_name_look_alike(invited):
    known = Client().post("/first/", {"username": "dana", "code": "no such code"}, secure=True)
    unknown = Client().post("/first/", {"username": "nobo", "code": "no such code"}, secure=True)

    assert known.status_code == unknown.status_code == 422
    assert known.context["form"].errors == unknown.context["form"].errors
