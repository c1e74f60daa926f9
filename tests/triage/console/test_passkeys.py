"""A passkey after the pass phrase is a second factor; alone it takes pages and opens nothing."""

import json
import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator as Row
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from triage.audit.chain import Event
from triage.models import AuditEntry, CaseStatus
from triage.vault import passkeys, second

from .authenticator import Authenticator, options_of, text
from .test_doors import OPEN_TO_ANYONE, ROUTES, _address

pytestmark = pytest.mark.django_db

TAKES_PAGES = {"", "rows/", "tips/<uuid:case_id>/take/"}
# … and what concerns nobody but the person: to unlock, to lock, to leave.
OWN = {"unlock/", "lock/", "cover/", "sign-out/", "you/sign-out-everywhere/", "second-factor/"}
OWN |= {"start/", "start/<uuid:program_id>/"}


def _add(client, name="my phone"):
    phone = Authenticator()
    made = phone.make(options_of(client.get("/you/passkeys/add/")))
    answer = client.post("/you/passkeys/add/", {"name": name, "credential": made})
    assert answer["Location"] == "/you/", answer.content.decode()
    return phone


def _alone(phone):
    client = Client(headers={"host": "localhost"})
    client.defaults["wsgi.url_scheme"] = "https"
    client.post("/sign-in/passkey/", {"credential": phone.use(options_of(client.get("/sign-in/passkey/")))})
    return client


@pytest.fixture
def phone(adas):
    return _add(adas)


@pytest.fixture
def half_awake(phone):
    """Ada's visitor, signed in with the passkey alone."""
    return _alone(phone)


def _events():
    return set(AuditEntry.objects.values_list("event", flat=True))


def test_a_passkey_is_added_and_shown_by_its_name(adas, phone):
    page = adas.get("/you/").content.decode()

    assert "my phone" in page
    assert "Remove my phone" in page
    assert Event.FACTORS_CHANGED in _events()


def test_adding_a_passkey_ends_every_other_session(sign_in, ada):
    hers, elsewhere = sign_in(ada), sign_in(ada, ahead=1)

    _add(hers)

    assert hers.get("/").wsgi_request.vault is not None
    assert elsewhere.get("/")["Location"] == "/sign-in/"


def test_after_the_pass_phrase_it_stands_in_for_the_code(ada, phone, visitor):
    visitor.post("/sign-in/", {"username": "ada", "pass_phrase": ada.phrase}, secure=True)
    asked = visitor.get("/sign-in/code/", secure=True)

    answer = visitor.post("/sign-in/code/", {"credential": phone.use(options_of(asked))}, secure=True)

    assert answer["Location"] == "/"
    assert visitor.get("/", secure=True).wsgi_request.vault is not None
    assert Event.SIGNED_IN in _events()


def test_alone_it_shows_the_board_without_what_is_sealed(half_awake, urgent):
    board = half_awake.get("/")

    assert board.status_code == 200
    assert board.wsgi_request.vault is None
    page = board.content.decode()
    assert "Locked: nothing can be read" in page
    assert page.count(str(urgent.pk)) >= 1
    assert re.findall(r'<span class="tag">(.*?)</span>', page) == ["sealed"]
    assert Event.PASSKEY_ALONE in _events()
    assert "__Host-unlock" not in half_awake.cookies


def test_alone_it_takes_a_tip(half_awake, urgent, ada):
    half_awake.post(f"/tips/{urgent.pk}/take/")

    urgent.refresh_from_db()
    assert (urgent.status, urgent.taken_by) == (CaseStatus.TAKEN, ada.user)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", [route for route in ROUTES if route not in OPEN_TO_ANYONE | TAKES_PAGES | OWN])
def test_alone_it_opens_no_other_page(half_awake, urgent, route, method):
    answer = getattr(half_awake, method)(_address(route, urgent.pk))

    said = answer.content.decode()
    # What is not for a coordinator says so; everything else asks for the words.
    assert (answer.status_code, "Not for your role" in said) == (403, True) or (
        answer.status_code == 200 and "You signed in with a passkey alone" in said
    )
    urgent.refresh_from_db()
    assert urgent.status == CaseStatus.NEW


def test_a_wrong_phrase_leaves_it_a_passkey_alone(half_awake, urgent):
    answer = half_awake.post(f"/tips/{urgent.pk}/open/", {"unlock_with": "wrong words", "unlock_for": "POST"})

    assert answer.status_code == 422
    assert half_awake.get("/").wsgi_request.vault is None
    assert Event.SIGN_IN_REFUSED in _events()


def test_with_the_pass_phrase_it_becomes_a_whole_session(half_awake, ada, urgent):
    answer = half_awake.post(f"/tips/{urgent.pk}/open/", {"unlock_with": ada.phrase, "unlock_for": "POST"})

    assert answer["Location"] == f"/tips/{urgent.pk}/"
    assert half_awake.get("/you/").status_code == 200
    assert Event.SIGNED_IN in _events()


def test_a_locked_session_that_once_had_the_words_still_shows_a_tips_page(adas, urgent):
    adas.post("/lock/")

    assert "What happened" in adas.get(f"/tips/{urgent.pk}/").content.decode()


def test_its_twelve_hours_run_from_the_passkey(phone, monkeypatch):
    client = _alone(phone)
    later = timezone.now() + timedelta(hours=12, minutes=1)
    monkeypatch.setattr(timezone, "now", lambda: later)

    assert client.get("/")["Location"] == "/sign-in/"


@pytest.mark.parametrize("broken", ["challenge", "signature", "site", "unverified", "nobody", "nonsense"])
def test_an_answer_that_was_made_up_opens_nothing(phone, broken):
    client = Client(headers={"host": "localhost"})
    options = options_of(client.get("/sign-in/passkey/", secure=True))
    if broken == "challenge":
        asked = json.loads(options)
        asked["publicKey"]["challenge"] = "A" * 43
        options = json.dumps(asked)
    elif broken == "signature":
        phone.key = Authenticator().key
    elif broken == "site":
        phone.site = "evil.example"
    elif broken == "unverified":
        phone.flags = 0x01
    elif broken == "nobody":
        phone.handle = "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA"
    answer = "{}" if broken == "nonsense" else phone.use(options)

    refused = client.post("/sign-in/passkey/", {"credential": answer}, secure=True)

    assert refused.status_code == 422
    assert client.get("/", secure=True)["Location"] == "/sign-in/"


def test_an_answer_counts_once(phone):
    client = Client(headers={"host": "localhost"})
    answer = phone.use(options_of(client.get("/sign-in/passkey/", secure=True)))
    assert client.post("/sign-in/passkey/", {"credential": answer}, secure=True)["Location"] == "/"
    client.post("/sign-out/", secure=True)

    client.get("/sign-in/passkey/", secure=True)

    assert client.post("/sign-in/passkey/", {"credential": answer}, secure=True).status_code == 422


def test_a_passkey_somebody_wrote_into_the_database_opens_nothing(phone, ada, bob):
    row = Row.objects.get(type="webauthn")
    assert passkeys.of(ada.user)
    row.user = bob.user
    row.save()
    phone.handle = text(bob.user.pk.hex.encode())

    moved = _alone(phone)

    assert moved.get("/")["Location"] == "/sign-in/"


def test_a_passkey_of_somebody_else_is_no_second_factor(sign_in, ada, bob, phone, visitor):
    _add(sign_in(bob))
    visitor.post("/sign-in/", {"username": "bob", "pass_phrase": bob.phrase}, secure=True)
    asked = visitor.get("/sign-in/code/", secure=True)

    answer = visitor.post("/sign-in/code/", {"credential": phone.use(options_of(asked))}, secure=True)

    assert answer.status_code == 422
    assert visitor.get("/", secure=True)["Location"] == "/sign-in/"


def test_a_removed_passkey_opens_nothing_and_ends_what_it_opened(adas, ada, phone):
    open_elsewhere = _alone(phone)
    [kept] = passkeys.of(ada.user)

    adas.post("/you/passkeys/remove/", {"passkey": kept.pk})

    assert passkeys.of(ada.user) == []
    assert open_elsewhere.get("/")["Location"] == "/sign-in/"
    assert _alone(phone).get("/")["Location"] == "/sign-in/"
    assert second.enrolled(ada.user)


def test_nobody_removes_anothers_passkey(sign_in, adas, ada, bob, phone):
    [kept] = passkeys.of(ada.user)

    sign_in(bob).post("/you/passkeys/remove/", {"passkey": kept.pk})

    assert passkeys.of(ada.user) == [kept]


def test_nobody_who_left_signs_in_with_a_passkey(ada, phone):
    ada.user.is_active = False
    ada.user.save()

    assert _alone(phone).get("/")["Location"] == "/sign-in/"


def test_a_strangers_question_is_kept_for_minutes_and_a_persons_session_for_hours(phone, ada):
    client = Client(headers={"host": "localhost"})
    Session.objects.all().delete()
    options = options_of(client.get("/sign-in/passkey/", secure=True))
    assert Session.objects.get().get_decoded()["_session_expiry"] == 300

    client.post("/sign-in/passkey/", {"credential": phone.use(options)}, secure=True)

    assert "_session_expiry" not in Session.objects.get().get_decoded()


def test_the_page_names_nobodys_passkeys_to_a_stranger(phone):
    options = json.loads(options_of(Client(headers={"host": "localhost"}).get("/sign-in/passkey/", secure=True)))

    assert not options["publicKey"].get("allowCredentials")
    assert options["publicKey"]["userVerification"] == "required"


def test_where_browsers_offer_none_the_page_says_so():
    shown = Client(headers={"host": "127.0.0.1:8001"}).get("/sign-in/passkey/", secure=True).content.decode()

    assert "only at an address with a name" in shown
