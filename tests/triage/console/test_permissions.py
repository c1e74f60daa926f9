"""The table of permissions: each role, each view, each method, one's own things and a stranger's."""

import secrets
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from intake.models import Program, Tip
from triage.console import permissions, permissions_page
from triage.console.permissions import RULES, About
from triage.escalation import contacts
from triage.models import READERS, ApiToken, Case, Channel, Erasure, Membership, QualityReview, Role, Shift, User

pytestmark = pytest.mark.django_db

REFUSAL = "Not for your role"
# Their own answer to what a bare request lacks, behind the door: nothing was begun that could be shown.
NOTHING_BEGUN = {"console:kit_sheet"}


def _patterns(patterns=None, before=""):
    for each in patterns if patterns is not None else get_resolver(permissions_page.URLS).url_patterns:
        if isinstance(each, URLResolver):
            yield from _patterns(each.url_patterns, f"{before}{each.namespace}:" if each.namespace else before)
        elif isinstance(each, URLPattern):
            yield f"{before}{each.name}", set(each.pattern.converters)


VIEWS = dict(_patterns())
# The administration's pages, each with its own kind of thing in its address, are tried in tests/triage/test_admin.py.
BEHIND = {
    name: RULES[name]
    for name in VIEWS
    if name in RULES and RULES[name].about is not About.THE_DOOR and not name.startswith("admin:")
}


def _address(name, **objects):
    """The address of a view; what it names that nobody made does not exist anywhere."""
    wanted = {part: objects.get(part) or (1 if part == "number" else uuid4()) for part in VIEWS[name]}
    return reverse(name, kwargs=wanted)


def _ask(client: Client, method: str, address: str):
    """One request, after which nothing is as if it had been."""
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    try:
        with transaction.atomic():
            answer = getattr(client, method.lower())(address)
            transaction.set_rollback(True)
    finally:
        client.cookies.clear()
        client.cookies.load(cookies)
    return answer


def test_every_view_stands_in_the_table():
    missing = sorted(set(VIEWS) - set(RULES))

    assert not missing, (
        f"{missing} open for nobody. Give each a line in RULES of triage/console/permissions.py: what it is for, whose "
        "things it is about (_tips, _program, _own or _door), which roles may look (GET) and act (POST). Then run "
        "`scripts/manage permissions --write`, so that docs/permissions.md says so."
    )


def test_the_table_has_no_line_for_a_view_that_is_gone():
    assert set(RULES) - set(VIEWS) <= {"styleguide"}


def test_the_page_in_the_docs_is_current():
    assert permissions_page.PAGE.read_text(encoding="utf-8") == permissions_page.page(), (
        "docs/permissions.md is not current: run `scripts/manage permissions --write`"
    )


def test_nobody_but_those_who_work_on_tips_gets_in_where_tips_are():
    for name, rule in RULES.items():
        if rule.about is About.TIPS:
            assert rule.look | rule.act <= permissions.READERS, name


@pytest.mark.parametrize("role", list(Role))
def test_each_cell_of_the_table_is_as_it_says(role, make_person, sign_in, case_of, stranger, other_program, send):
    mine = make_person("Mina", role=role)
    colleague = make_person("Cole", role=Role.OVERSIGHT if role == Role.OVERSIGHT else Role.COORDINATOR)
    own = case_of(insider=role == Role.OVERSIGHT)
    lakeside, _seeds = other_program
    tip = Tip.objects.create(program=lakeside, week=own.tip.week, sealed=b"-")
    foreign = Case.objects.create(
        program=lakeside, tip=tip, urgency="routine", oversight=role == Role.OVERSIGHT, status="new"
    )
    for case in (own, foreign):
        QualityReview.objects.create(
            program=case.program, case=case, oversight=case.oversight, drawn_on=timezone.now().date(), number=0
        )
    phone, theirs = (
        contacts.add_contact(each.user, of, Channel.SMS, number)
        for each, of, number in ((mine, own.program, "+14165550177"), (stranger, lakeside, "+14165550178"))
    )
    token, their_token = (
        ApiToken.objects.create(
            program=of,
            user=who.user,
            name="wall",
            lookup=secrets.token_bytes(32),
            public_key=b"-",
            expires_on=now.date(),
        )
        for who, of, now in ((mine, own.program, timezone.now()), (stranger, lakeside, timezone.now()))
    )
    shift, their_shift = (
        Shift.objects.create(program=of, user=who.user, weekday=0, starts=0, ends=60)
        for who, of in ((mine, own.program), (stranger, lakeside))
    )
    certificate, theirs_erased = (
        Erasure.objects.create(
            program=of,
            tip=uuid4(),
            case=uuid4(),
            oversight=role == Role.OVERSIGHT,
            hour=timezone.now().replace(minute=0, second=0, microsecond=0),
            messages=1,
            replies=0,
            last_copy_on=timezone.now().date(),
        )
        for of in (own.program, lakeside)
    )
    own_things = {
        "case_id": own.pk,
        "user_id": colleague.user.pk,
        "program_id": own.program_id,
        "contact_id": phone.pk,
        "token_id": token.pk,
        "shift_id": shift.pk,
        "erasure_id": certificate.pk,
    }
    foreign_things = {
        "case_id": foreign.pk,
        "user_id": stranger.user.pk,
        "program_id": lakeside.pk,
        "contact_id": theirs.pk,
        "token_id": their_token.pk,
        "shift_id": their_shift.pk,
        "erasure_id": theirs_erased.pk,
    }
    assert set().union(*(VIEWS[name] for name in BEHIND)) <= {*own_things, "number"}, (
        "A view names something new in its address: add one of one's own and one of a stranger's to this test."
    )
    client, wrong = sign_in(mine), []

    for name, rule in BEHIND.items():
        for method in ("GET", "POST"):
            allowed, elsewhere = role in rule.roles(method), bool(rule.roles(method))
            for things in (own_things, foreign_things):
                answer = _ask(client, method, _address(name, **things))
                said = answer.content.decode(errors="replace")
                is_foreign = things is foreign_things and bool(VIEWS[name] & set(things))
                if not allowed:
                    # Refused for the role; a method nobody uses here is no method. Home leads somewhere else.
                    fine = REFUSAL in said or answer.status_code == (403 if elsewhere else 405)
                    fine = fine or (name == "console:board" and answer.headers.get("Location") == "/start/")
                elif is_foreign or name in NOTHING_BEGUN:
                    fine = answer.status_code == 404
                else:
                    fine = answer.status_code in {200, 204, 302, 409, 422, 423} or "Open the tip first" in said
                    fine = fine or (answer.status_code == 403 and "Sealed." in said and REFUSAL not in said)
                if not fine or "Lakeside" in said:
                    wrong.append((name, method, "foreign" if is_foreign else "own", answer.status_code))

    assert not wrong


def test_a_view_that_is_not_in_the_table_opens_for_nobody(adas, monkeypatch):
    monkeypatch.delitem(RULES, "console:people")

    answer = adas.get("/people/")

    assert answer.status_code == 403
    assert REFUSAL in answer.content.decode()


def test_a_view_marked_as_open_to_anyone_that_is_no_door_is_closed(visitor, monkeypatch):
    monkeypatch.delitem(RULES, "healthz")

    assert visitor.get("/healthz", secure=True).status_code == 403


def test_who_reads_no_tips_starts_elsewhere_and_is_shown_no_way_to_them(sign_in, make_person):
    client = sign_in(make_person("Audrey", role=Role.AUDITOR))

    page = client.get("/", follow=True)

    assert page.redirect_chain[0][0] == "/start/"
    assert "You see who opened what" in page.content.decode()
    assert 'href="/numbers/"' not in page.content.decode()


def test_a_role_that_changes_changes_what_opens_at_once(adas, ada, urgent):
    before = adas.get(f"/tips/{urgent.pk}/").status_code
    Membership.objects.filter(user=ada.user).update(role=Role.BOARD)

    assert before == 200
    assert adas.get(f"/tips/{urgent.pk}/").status_code == 403
    assert adas.get("/")["Location"] == "/start/"


PROGRAMS = 3
MEMBERSHIPS = some.dictionaries(some.integers(0, PROGRAMS - 1), some.sampled_from(list(Role)), max_size=PROGRAMS)
CASES = some.lists(some.tuples(some.integers(0, PROGRAMS - 1), some.booleans()), min_size=1, max_size=8)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mine=MEMBERSHIPS, others=MEMBERSHIPS, cases=CASES)
def test_whoever_it_is_sees_the_tips_of_their_programs_and_side_and_no_others(noon, mine, others, cases):
    with transaction.atomic():
        programs = [
            Program.objects.create(slug=f"p{number}", name=f"P{number}", changed_on=noon) for number in range(PROGRAMS)
        ]
        user, colleague = (User.objects.create_user(name, name=name) for name in ("mina", "cole"))
        for person, roles in ((user, mine), (colleague, others)):
            for number, role in roles.items():
                Membership.objects.create(program=programs[number], user=person, role=role)
        made = []
        for number, oversight in cases:
            tip = Tip.objects.create(program=programs[number], week=noon.date(), sealed=b"-")
            case = Case.objects.create(program=programs[number], tip=tip, urgency="routine", oversight=oversight)
            made.append((case.pk, number, oversight))

        expected = {
            pk for pk, number, oversight in made if mine.get(number) in ([Role.OVERSIGHT] if oversight else READERS)
        }
        assert set(Case.objects.visible_to(user).values_list("pk", flat=True)) == expected
        transaction.set_rollback(True)
