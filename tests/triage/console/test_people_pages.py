"""The pages People and Recovery kit: what they do, and to whom they refuse it."""

import re

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client

from triage.models import Grant, Invitation, Membership, RecoveryKey, User
from triage.vault import keys, recovery

from .conftest import totp

pytestmark = pytest.mark.django_db


def _words(page):
    return " ".join(re.findall(r'<strong class="lead">(.*?)</strong>', page.content.decode()))


def _invite(client, **answers):
    given = {"name": "Ben Okafor", "username": "ben", "role": "coordinator", "identity": "yes", **answers}
    return client.post("/people/invite/", given)


def _first_sign_in(username, code):
    client = Client(headers={"host": "localhost"})
    client.defaults["wsgi.url_scheme"] = "https"
    client.post("/first/", {"username": username, "code": code})
    words = _words(client.get("/first/words/"))
    answer = client.post("/first/words/", {"typed": words})
    return client, words, answer


def test_a_colleague_is_let_in_and_signs_in_with_the_code(adas, urgent):
    answer = _invite(adas)
    code = _words(adas.get("/people/code/"))
    ben, words, _ = _first_sign_in("ben", code)
    page = ben.get("/second-factor/").content.decode()
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")
    ben.post("/second-factor/", {"code": totp(secret)})

    assert answer["Location"] == "/people/code/"
    assert len(code.split()) == 6
    assert ben.get(f"/tips/{urgent.pk}/").status_code == 200
    assert keys.unlock(User.objects.get(username="ben"), words) is not None


def test_a_colleague_gets_another_role_and_with_it_what_it_needs(adas, bob, sign_in, urgent):
    _invite(adas, name="Dee", username="dee", role="admin")
    dee = User.objects.get(username="dee")

    asked = adas.get(f"/people/{dee.pk}/role/").content.decode()
    answer = adas.post(f"/people/{dee.pk}/role/", {"role": "coordinator"})
    _first_sign_in("dee", _words(adas.get("/people/code/")))

    assert "Another role for Dee" in asked
    assert "Administrator</label>" not in asked
    assert answer["Location"] == "/people/code/"
    assert Membership.objects.get(user=dee).role == "coordinator"
    assert set(Grant.objects.filter(user=dee).values_list("program_key__purpose", flat=True)) == {"content"}


def test_who_cannot_give_details_leaves_them_as_they_are(adas, ada, bob):
    Grant.objects.filter(user=ada.user, program_key__purpose="identity").delete()

    assert "May also open" not in adas.get(f"/people/{bob.user.pk}/role/").content.decode()
    adas.post(f"/people/{bob.user.pk}/role/", {"role": "supervisor"})

    assert Membership.objects.get(user=bob.user).role == "supervisor"
    assert Grant.objects.filter(user=bob.user, program_key__purpose="identity").exists()


@pytest.mark.parametrize("role", ["", "oversight", "auditor", "king"])
def test_a_role_one_does_not_give_is_refused(adas, bob, role):
    answer = adas.post(f"/people/{bob.user.pk}/role/", {"role": role})

    assert answer.status_code == 422
    assert Membership.objects.get(user=bob.user).role == "coordinator"


def test_nobody_changes_their_own_role_or_that_of_another_side(adas, ada, chair):
    for person in (ada, chair):
        assert adas.get(f"/people/{person.user.pk}/role/")["Location"] == "/people/"
        assert adas.post(f"/people/{person.user.pk}/role/", {"role": "admin"})["Location"] == "/people/"

    assert Membership.objects.get(user=ada.user).role == "coordinator"
    assert Membership.objects.get(user=chair.user).role == "oversight"


def test_a_code_is_shown_until_it_is_handed_over_and_never_again(adas):
    _invite(adas)
    first, again = _words(adas.get("/people/code/")), _words(adas.get("/people/code/"))
    adas.post("/people/code/")

    assert first == again != ""
    assert adas.get("/people/code/")["Location"] == "/people/"
    assert first not in adas.get("/people/").content.decode()


def test_a_code_is_shown_to_no_other_session(adas, sign_in, ada):
    _invite(adas)

    assert sign_in(ada, ahead=1).get("/people/code/").status_code == 302


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"name": ""}, "Type the name"),
        ({"username": "Ben O"}, "Small letters"),
        ({"username": "ada"}, "Choose another"),
        ({"role": "oversight"}, "Select a valid choice"),
        ({"role": "auditor"}, "Select a valid choice"),
        ({"role": "king"}, "Select a valid choice"),
    ],
)
def test_a_refused_invitation_says_why_and_makes_nobody(adas, answers, says):
    answer = _invite(adas, **answers)

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Invitation.objects.exists()


def test_a_chair_lets_in_for_oversight_only(sign_in, chair):
    chairs = sign_in(chair)

    assert _invite(chairs, role="coordinator").status_code == 422
    assert _invite(chairs, role="oversight")["Location"] == "/people/code/"
    held = Grant.objects.filter(invitation__isnull=False).values_list("program_key__purpose", flat=True)
    assert set(held) == {"oversight", "identity"}


def test_a_locked_session_lets_nobody_in(adas):
    adas.post("/lock/")

    answer = _invite(adas)

    assert "Unlock" in answer.content.decode()
    assert not Invitation.objects.exists()


def test_a_lost_pass_phrase_is_answered_with_a_new_code(adas, bob):
    adas.post(f"/people/{bob.user.pk}/code/")
    code = _words(adas.get("/people/code/"))
    client, words, answer = _first_sign_in("bob", code)

    assert answer["Location"] == "/sign-in/code/"
    assert client.get("/")["Location"].startswith("/sign-in/")
    client.post("/sign-in/code/", {"code": bob.code()})
    assert client.get("/").status_code == 200
    assert keys.unlock(bob.user, bob.phrase) is None
    assert keys.unlock(bob.user, words) is not None


def test_a_new_code_once_used_ends_the_sessions_before_it(adas, sign_in, bob):
    bobs = sign_in(bob)
    adas.post(f"/people/{bob.user.pk}/code/")
    _first_sign_in("bob", _words(adas.get("/people/code/")))

    assert bobs.get("/")["Location"].startswith("/sign-in/")


def test_who_leaves_is_out_at_once(adas, sign_in, bob, urgent):
    bobs = sign_in(bob)
    asked = adas.get(f"/people/{bob.user.pk}/leave/")
    answer = adas.post(f"/people/{bob.user.pk}/leave/", {"leaves": "yes"}, follow=True)

    assert "every key they held is replaced" in asked.content.decode()
    assert "Bob has left" in answer.content.decode()
    assert bobs.get(f"/tips/{urgent.pk}/")["Location"].startswith("/sign-in/")
    assert adas.get(f"/tips/{urgent.pk}/").status_code == 200
    sign = {"username": "bob", "pass_phrase": bob.phrase}
    assert Client().post("/sign-in/", sign, secure=True).status_code == 422


def test_the_only_chair_cannot_be_let_go(adas, chair):
    answer = adas.post(f"/people/{chair.user.pk}/leave/", {"leaves": "yes"}, follow=True)

    assert "Let a successor in first" in answer.content.decode()
    assert Membership.objects.filter(user=chair.user).exists()


def test_nobody_lets_themselves_go(adas, ada):
    answer = adas.post(f"/people/{ada.user.pk}/leave/", {"leaves": "yes"}, follow=True)

    assert "Somebody else has to do this" in answer.content.decode()
    assert Grant.objects.filter(user=ada.user).exists()


@pytest.mark.parametrize("act", ["code", "withdraw", "leave"])
def test_people_of_another_program_do_not_exist(sign_in, stranger, ada, act):
    theirs = sign_in(stranger)

    assert theirs.post(f"/people/{ada.user.pk}/{act}/", {"leaves": "yes"}).status_code == 404
    assert "Ada" not in theirs.get("/people/").content.decode()
    assert Grant.objects.filter(user=ada.user).exists()


@pytest.mark.parametrize("route", ["/people/invite/", "/people/{}/leave/", "/kit/join/", "/kit/begin/", "/you/words/"])
def test_what_changes_keys_asks_for_the_pass_phrase_again(adas, bob, route):
    session = adas.session
    session["proved"] -= 6
    session.save()

    answer = adas.post(route.format(bob.user.pk), {"leaves": "yes", "sheets": 3, "threshold": 2, "name": "x"})

    assert 'name="unlock_with"' in answer.content.decode()
    assert not RecoveryKey.objects.exists()
    assert Grant.objects.filter(user=bob.user).exists()


def test_ones_own_words_are_changed_only_when_they_were_typed_from_paper(adas, ada):
    words = _words(adas.get("/you/words/"))
    wrong = adas.post("/you/words/", {"typed": "six other words that are wrong"})
    before = keys.unlock(ada.user, ada.phrase)
    right = adas.post("/you/words/", {"typed": words})

    assert wrong.status_code == 422
    assert before is not None
    assert right["Location"] == "/you/"
    assert keys.unlock(ada.user, ada.phrase) is None
    assert keys.unlock(ada.user, words) is not None
    assert adas.get("/people/").status_code == 200


def test_changing_ones_words_ends_ones_other_sessions(sign_in, ada):
    here, there = sign_in(ada), sign_in(ada, ahead=1)
    here.post("/you/words/", {"typed": _words(here.get("/you/words/"))})

    assert SESSION_KEY not in there.session
    assert there.get("/people/")["Location"].startswith("/sign-in/")


def _begin(client, sheets=3, threshold=2):
    return client.post("/kit/begin/", {"sheets": sheets, "threshold": threshold})


def _checks(client):
    found = []
    for number in range(1, 4):
        page = client.get(f"/kit/sheets/{number}/").content
        found.append(re.search(rb"Check word: ([a-z-]+)", page)[1].decode())
    return {f"check{number}": word for number, word in enumerate(found, start=1)}


def test_a_kit_counts_once_each_check_word_was_typed_from_its_sheet(adas):
    _begin(adas)
    checks = _checks(adas)
    wrong = adas.post("/kit/sheets/", {**checks, "check2": checks["check1"]})
    before = RecoveryKey.objects.count()
    right = adas.post("/kit/sheets/", {name: f" {word.upper()} " for name, word in checks.items()}, follow=True)

    assert wrong.status_code == 422
    assert "This is not the word on sheet 2" in wrong.content.decode()
    assert before == 0
    assert "The kit counts from now on" in right.content.decode()
    assert RecoveryKey.objects.get().grants.count() == 2


def test_no_sheet_is_handed_out_after_the_kit_counts(adas):
    _begin(adas)
    adas.post("/kit/sheets/", _checks(adas))

    assert adas.get("/kit/sheets/1/").status_code == 404
    assert adas.get("/kit/sheets/")["Location"] == "/kit/"


def test_a_sheet_is_a_file_that_no_cache_keeps_and_no_other_session_gets(adas, sign_in, bob):
    _begin(adas)
    sheet = adas.get("/kit/sheets/1/")

    assert sheet["Content-Type"] == "application/pdf"
    assert sheet["Content-Disposition"].startswith("attachment")
    assert "no-store" in sheet["Cache-Control"]
    assert adas.get("/kit/sheets/4/").status_code == 404
    assert sign_in(bob).get("/kit/sheets/1/").status_code == 404


def test_no_share_stands_in_the_page_or_in_the_database(adas):
    from django.contrib.sessions.models import Session

    _begin(adas)
    line = re.findall(rb"\((?: ?\d+) ([a-z]+)\)", adas.get("/kit/sheets/1/").content)
    page = adas.get("/kit/sheets/").content
    stored = " ".join(str(row.get_decoded()) for row in Session.objects.all())

    assert len(line) == 33
    assert line[-1] not in page
    assert f"{line[-2].decode()} {line[-1].decode()}" not in stored


def test_more_sheets_needed_than_there_are_is_refused(adas):
    answer = adas.post("/kit/begin/", {"sheets": 2, "threshold": 3}, follow=True)

    assert "No more sheets can be needed than there are" in answer.content.decode()


def test_the_chair_adds_her_key_to_the_kit(adas, sign_in, chair, program):
    _begin(adas)
    adas.post("/kit/sheets/", _checks(adas))
    chairs = sign_in(chair)
    asked = chairs.get("/kit/").content.decode()
    chairs.post("/kit/join/")

    assert "It is the same: add my keys" in asked
    assert "add my keys" not in adas.get("/kit/").content.decode()
    assert recovery.state(program).whole


def test_a_kit_that_is_given_up_leaves_nothing(adas):
    _begin(adas)
    adas.post("/kit/give-up/")

    assert adas.get("/kit/sheets/1/").status_code == 404
    assert not RecoveryKey.objects.exists()
