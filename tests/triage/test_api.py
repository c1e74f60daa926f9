"""The console's API: what a token lists, takes and reads, and what none ever does."""

import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from intake import actions as intake_actions
from intake.message import Message
from intake.models import Purpose
from tests.triage.console.conftest import *  # noqa: F403  people with keys of their own
from tests.triage.console.conftest import QUIET, WORDS, Person
from triage.audit.chain import Event
from triage.escalation import taking
from triage.models import ApiToken, AuditEntry, Case, CaseStatus, Escalation, EscalationState, Grant
from triage.vault import keys, people, tokens

pytestmark = pytest.mark.django_db

Make = Callable[..., str]


def unlock(person: Person) -> keys.Unlocked:
    found = keys.unlock(person.user, person.phrase)
    assert found is not None
    return found


@pytest.fixture
def make_token(program) -> Make:
    """A token of somebody: make_token(ada, reads=True)."""

    def make(person: Person, *, may_take: bool = True, reads: bool = False, days: int = 30, **more: Any) -> str:
        now = timezone.now()
        return tokens.make(
            more.get("program", program),
            by=person.user,
            name=more.get("name", secrets.token_hex(4)),
            may_take=may_take,
            reads=reads,
            expires_on=now.date() + timedelta(days=days),
            unlocked=unlock(person),
            now=now,
        )

    return make


def call(token: str | None, path: str, body: Any = None, **more: Any) -> HttpResponse:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    client = more.pop("client", None) or Client(headers={"host": "localhost"}, raise_request_exception=False)
    if body is None:
        return client.get(f"/api/v1/{path}", headers=headers, secure=True)
    return client.post(f"/api/v1/{path}", json.dumps(body), "application/json", headers=headers, secure=True)


def problem(answer: HttpResponse) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    said = json.loads(answer.content)
    return answer.status_code, said["type"].removeprefix("urn:tipline:problem:")


def test_a_token_lists_open_cases_without_a_word_of_them(ada, make_token, case_of):
    quiet, urgent = case_of(QUIET), case_of(WORDS)
    Case.objects.filter(pk=case_of("old").pk).update(status=CaseStatus.CLOSED)

    answer = call(make_token(ada), "cases/")

    said = answer.json()
    assert [each["id"] for each in said["cases"]] == [str(urgent.pk), str(quiet.pk)]
    assert said["next"] is None
    assert set(said["cases"][0]) == {"id", "reference", "level", "status", "unread", "week", "taken_by", "page"}
    assert "gun" not in answer.content.decode()


def test_a_page_says_its_number_and_how_long_it_runs(ada, make_token, urgent, noon):
    page = Escalation.objects.filter(case=urgent).first()
    if page is None:
        pytest.fail("an urgent tip has a page")
    Escalation.objects.filter(pk=page.pk).update(opened_at=timezone.now() - timedelta(seconds=90))

    said = call(make_token(ada), f"cases/{urgent.pk}/").json()["page"]

    assert (said["number"], said["taken"]) == (page.page_number, False)
    assert 90 <= said["seconds"] < 600


def test_a_token_takes_in_the_name_of_its_person(ada, make_token, urgent):
    answer = call(make_token(ada), f"cases/{urgent.pk}/take/", {})

    urgent.refresh_from_db()
    assert (answer.status_code, answer.json()["taken_by"]) == (200, "Ada")
    assert (urgent.status, urgent.taken_by) == (CaseStatus.TAKEN, ada.user)
    # Only a person who opened it ends the page.
    assert not Escalation.objects.filter(case=urgent, state=EscalationState.ENDED).exists()
    recorded = list(AuditEntry.objects.filter(tip=urgent.tip_id).order_by("number").values_list("event", "actor__name"))
    assert recorded[-2:] == [(Event.TAKEN, "Ada"), (Event.TOKEN_TOOK, "Ada")]


def test_what_somebody_else_has_is_a_conflict(ada, bob, make_token, urgent):
    taking.take_case(urgent, by=bob.user, now=timezone.now())

    assert problem(call(make_token(ada), f"cases/{urgent.pk}/take/", {})) == (409, "conflict")


def test_a_token_that_may_not_take_does_not(ada, make_token, urgent):
    assert problem(call(make_token(ada, may_take=False), f"cases/{urgent.pk}/take/", {})) == (403, "forbidden")
    urgent.refresh_from_db()
    assert urgent.status == CaseStatus.NEW


def test_a_token_reads_nothing_that_was_not_granted(ada, make_token, urgent):
    assert problem(call(make_token(ada), f"cases/{urgent.pk}/text/")) == (403, "forbidden")
    assert not AuditEntry.objects.filter(event=Event.TOKEN_READ).exists()


def test_a_token_with_a_grant_reads_what_was_written_and_never_who_wrote_it(
    ada, make_token, case_of, send, noon, monkeypatch
):
    sent: list[Any] = []
    monkeypatch.setattr("tests.conftest.actions.submit", _kept(sent))
    case = case_of(WORDS, name="Ann Example", place="gym")
    more = Message("now he is here")
    intake_actions.follow_up(case.program, sent[0].phrase, more, channel="web", key=secrets.token_hex(16), now=noon)

    answer = call(make_token(ada, reads=True, name="archive"), f"cases/{case.pk}/text/")

    first, second = answer.json()["messages"]
    assert (first["said"]["text"], first["said"]["place"], first["number"]) == (WORDS, "gym", 0)
    assert (second["said"]["text"], second["number"], second["level"]) == ("now he is here", 1, None)
    assert "Ann" not in answer.content.decode()
    assert "identity" not in answer.content.decode()
    entry = AuditEntry.objects.get(event=Event.TOKEN_READ)
    assert (entry.actor, entry.tip_id) == (ada.user, case.tip_id)
    assert entry.sealed
    case.refresh_from_db()
    assert case.status == CaseStatus.NEW


def _kept(sent: list[Any]) -> Callable[..., Any]:
    submit = intake_actions.submit

    def kept(*args: Any, **named: Any) -> Any:
        sent.append(submit(*args, **named))
        return sent[-1]

    return kept


def test_what_is_about_the_program_s_own_people_is_not_there_for_others(ada, chair, make_token, case_of):
    case = case_of("The sergeant sells it", insider=True)

    for path, body in ((f"cases/{case.pk}/", None), (f"cases/{case.pk}/text/", None), (f"cases/{case.pk}/take/", {})):
        assert problem(call(make_token(ada, reads=True), path, body)) == (404, "not-found")
    assert call(make_token(ada), "cases/").json()["cases"] == []
    assert call(make_token(chair, reads=True), f"cases/{case.pk}/text/").status_code == 200


def test_a_token_of_another_program_finds_nothing(stranger, other_program, make_token, urgent):
    token = make_token(stranger, program=other_program[0], reads=True)

    assert call(token, "cases/").json()["cases"] == []
    assert problem(call(token, f"cases/{urgent.pk}/")) == (404, "not-found")


@pytest.mark.parametrize("token", [None, "", "x", "tipline_", "tipline_" + "A" * 43, "tipline_" + "A" * 500])
def test_without_a_token_in_force_there_is_nothing(ada, urgent, token):
    for path, body in (("cases/", None), (f"cases/{urgent.pk}/take/", {}), (f"cases/{urgent.pk}/text/", None)):
        answer = call(token, path, body)
        assert problem(answer) == (401, "token")
        assert answer["WWW-Authenticate"] == "Bearer"


def test_a_signed_in_browser_is_nobody_here(adas, urgent):
    assert problem(call(None, "cases/", client=adas)) == (401, "token")
    assert problem(call(None, f"cases/{urgent.pk}/take/", {}, client=adas)) == (401, "token")


def test_a_token_is_over_after_its_day_and_when_its_person_is_gone(ada, bob, make_token):
    over, fine = make_token(ada, days=-1), make_token(ada, days=0)
    assert problem(call(over, "cases/")) == (401, "token")
    assert call(fine, "cases/").status_code == 200

    ada.user.memberships.all().delete()
    assert problem(call(fine, "cases/")) == (401, "token")


def test_who_leaves_takes_no_token_along(ada, bob, program, make_token):
    token = make_token(ada, reads=True)

    people.leave(program, ada.user, by=bob.user, unlocked=unlock(bob), now=timezone.now())

    assert problem(call(token, "cases/")) == (401, "token")
    assert not ApiToken.objects.exists()
    assert not Grant.objects.filter(token__isnull=False).exists()


def test_a_change_of_keys_is_followed_by_tokens_that_read(
    ada, bob, make_person, program, make_token, case_of, settings
):
    case, token = case_of(WORDS), make_token(ada, reads=True)
    over = make_token(ada, reads=True, days=-1)
    carol = make_person("Carol")

    people.leave(program, carol.user, by=bob.user, unlocked=unlock(bob), now=timezone.now())

    assert call(token, f"cases/{case.pk}/text/").json()["messages"][0]["said"]["text"] == WORDS
    held = Grant.objects.filter(token__isnull=False)
    assert [each.program_key.retired for each in held] == [False]
    assert problem(call(over, "cases/")) == (401, "token")


def test_a_grant_to_a_token_does_not_open_submitter_details(ada, program, make_token):
    token = make_token(ada, reads=True)
    found = tokens.bearer(token, today=timezone.now().date())
    assert found is not None

    opened = found.unlocked()

    assert opened.program_seed(program, Purpose.CONTENT) is not None
    assert opened.program_seed(program, Purpose.IDENTITY) is None
    assert opened.program_seed(program, Purpose.OVERSIGHT) is None


def test_nothing_that_is_stored_is_the_token_or_its_key(ada, make_token):
    text = make_token(ada, reads=True)
    row = ApiToken.objects.get()
    found = tokens.bearer(text, today=timezone.now().date())

    stored = bytes(row.lookup) + bytes(row.public_key) + b"".join(bytes(g.sealed) for g in Grant.objects.all())
    assert text.encode() not in stored
    assert found is not None
    assert found.seed not in stored
    assert text not in repr(found)


@pytest.mark.parametrize(("method", "path"), [("put", "cases/"), ("delete", "cases/"), ("options", "cases/")])
def test_other_methods_are_refused(ada, make_token, method, path):
    client = Client(headers={"host": "localhost", "Authorization": f"Bearer {make_token(ada)}"})

    assert problem(getattr(client, method)(f"/api/v1/{path}", secure=True)) == (405, "method")


@pytest.mark.parametrize("after", ["x", "-1", "9" * 20, "", "²"])
def test_a_place_in_the_list_that_is_none_is_refused(ada, make_token, after):
    assert problem(call(make_token(ada), f"cases/?after={after}")) == (422, "invalid")


def test_what_is_not_there_is_a_problem(ada, make_token):
    token = make_token(ada)

    browser = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    for path in ("", "cases", f"cases/{uuid4()}/", f"cases/{uuid4()}/open/", "cases/x/", "cases/null,null/take/"):
        assert problem(call(token, path)) == (404, "not-found")
        expected = (405, "method") if path.count("-") == 4 and path.count("/") == 2 else (404, "not-found")
        assert problem(call(token, path, {}, client=browser)) == expected


def test_the_description_is_up_to_date_and_served():
    call_command("openapi", "--check")

    assert call(None, "schema/").json()["info"]["title"] == "Tipline: the API of the console"


def test_one_makes_sees_once_and_revokes_a_token_on_the_pages(adas, ada, urgent):
    page = adas.get("/you/tokens/").content.decode()
    assert "None yet" in page

    answer = adas.post(
        "/you/tokens/make/", {"name": "wall", "may_take": "yes", "reads": "yes", "days": "7"}, follow=True
    )

    shown = answer.content.decode()
    token = shown.split("<code>", 1)[1].split("</code>", 1)[0]
    assert call(token, f"cases/{urgent.pk}/text/").status_code == 200
    assert token in adas.get("/you/tokens/made/").content.decode()
    adas.post("/you/tokens/made/")
    assert adas.get("/you/tokens/made/").status_code == 302
    mine = adas.get("/you/tokens/").content.decode()
    assert token not in mine
    assert "reads tips" in mine
    adas.post(f"/you/tokens/{ApiToken.objects.get().pk}/revoke/")
    assert problem(call(token, "cases/")) == (401, "token")
    events = AuditEntry.objects.order_by("number").values_list("event", flat=True)
    assert {Event.TOKEN_MADE, Event.TOKEN_REVOKED} <= set(events)


def test_what_is_missing_is_said_beside_its_field(adas):
    answer = adas.post("/you/tokens/make/", {"name": "", "days": "9000"})

    assert answer.status_code == 422
    assert "Give it a name" in answer.content.decode()
    assert "Choose how long" in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_two_tokens_of_one_name_are_one_too_many(adas):
    for expected in (302, 422):
        assert adas.post("/you/tokens/make/", {"name": "wall", "days": "7"}).status_code == expected
    assert ApiToken.objects.count() == 1


def test_nobody_revokes_the_token_of_another(adas, bob, make_token):
    make_token(bob)

    assert adas.post(f"/you/tokens/{ApiToken.objects.get().pk}/revoke/").status_code == 404
    assert ApiToken.objects.exists()


def test_who_holds_no_key_cannot_give_it(ada, make_token):
    Grant.objects.filter(user=ada.user).delete()

    with pytest.raises(people.NotHeld):
        make_token(ada, reads=True)
    assert not ApiToken.objects.exists()
