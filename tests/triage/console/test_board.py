"""The board: order, filters, sealed sheet, taking."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from triage.console import labels, rows, sheet
from triage.escalation import taking
from triage.models import BoardSheet, Case, CaseStatus
from triage.vault.keys import Unlocked

pytestmark = pytest.mark.django_db


def _text(client, address="/"):
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_board_says_what_will_come(adas):
    assert "New ones appear here by themselves" in _text(adas)


def test_a_row_says_what_it_is_about_only_while_unlocked(adas, urgent):
    unlocked = _text(adas)
    adas.post("/lock/")
    locked = _text(adas)

    assert "School threat" in unlocked
    assert labels.reference(urgent.pk) in locked
    assert "School threat" not in locked
    assert "sealed" in locked


def test_the_more_urgent_stands_first_then_the_older(adas, case_of, urgent, noon):
    newer = case_of("Graffiti again on the school wall")
    older = case_of("They sell pills behind the rink")
    Case.objects.filter(pk__in=[newer.pk, older.pk]).update(urgency="routine")
    known = sheet.open_singly(list(Case.objects.all()), adas.get("/").wsgi_request.vault)
    known[older.pk] = sheet.Facets(1, (), None, noon - timedelta(days=2))

    in_order = sorted(Case.objects.all(), key=lambda case: rows._order(case, known, noon))

    assert [case.pk for case in in_order] == [urgent.pk, older.pk, newer.pk]


def test_unread_messages_come_first_within_their_level(adas, case_of):
    first, second = case_of(), case_of()
    Case.objects.update(urgency="routine")
    Case.objects.filter(pk=second.pk).update(unread=1)

    page = _text(adas)

    assert page.index(labels.reference(second.pk)) < page.index(labels.reference(first.pk))


def test_the_sheet_is_written_once_and_read_afterwards(adas, case_of, monkeypatch):
    case_of()
    adas.get("/")
    version = BoardSheet.objects.get().version
    opened = []
    real = sheet.open_singly
    monkeypatch.setattr(sheet, "open_singly", lambda cases, key: opened.extend(cases) or real(cases, key))

    page = _text(adas)

    assert "Drugs" in page
    assert opened == []
    assert BoardSheet.objects.get().version == version


def test_a_changed_case_is_opened_again(adas, case_of, monkeypatch):
    case, _ = case_of(), case_of()
    adas.get("/")
    Case.objects.filter(pk=case.pk).update(version=9)
    opened = []
    real = sheet.open_singly
    monkeypatch.setattr(sheet, "open_singly", lambda cases, key: opened.extend(cases) or real(cases, key))

    adas.get("/")

    assert [each.pk for each in opened] == [case.pk]


def test_the_sheet_shows_nothing_in_the_database(adas, urgent):
    adas.get("/")

    stored = bytes(BoardSheet.objects.get().sealed)
    assert b"school" not in stored
    assert urgent.pk.hex.encode() not in stored


def test_of_two_sessions_that_write_the_sheet_one_wins_and_nothing_is_lost(adas, case_of, program):
    case_of()
    adas.get("/")
    vault = adas.get("/").wsgi_request.vault
    case_of()
    cases = list(Case.objects.all())
    stale_row = BoardSheet.objects.get()
    sheet.facets_of(cases, vault)
    won = BoardSheet.objects.get()

    sheet._write(stale_row, program.pk, False, {}, b"k" * 32)

    assert BoardSheet.objects.get().version == won.version
    assert bytes(BoardSheet.objects.get().sealed) == bytes(won.sealed)
    assert len(sheet.facets_of(cases, vault)) == 2


def test_a_damaged_sheet_is_made_again(adas, case_of):
    case_of()
    adas.get("/")
    BoardSheet.objects.update(sealed=b"\x01\x01" + b"x" * 600)

    assert "Drugs" in _text(adas)


def test_filters_stand_in_the_address(adas, ada, case_of, urgent):
    calm = case_of()
    Case.objects.filter(pk=calm.pk).update(urgency="routine")
    taking.take_case(urgent, by=ada.user, now=timezone.now())

    mine, level, nobody = (_text(adas, f"/?{each}") for each in ("who=mine", "level=routine", "who=nobody"))

    assert labels.reference(urgent.pk) in mine
    assert f"tip-{calm.pk}" not in mine
    assert f"tip-{calm.pk}" in level
    assert f"tip-{urgent.pk}" not in level
    assert f"tip-{urgent.pk}" not in nobody


@pytest.mark.parametrize(
    "address", ["/?page=x", "/?page=-1", "/?page=99999", "/?level=%27%3B--", "/?who=<b>", "/?page=²"]
)
def test_nonsense_in_the_address_shows_the_plain_board(adas, address):
    assert adas.get(address).status_code == 200


def test_fifty_rows_stand_on_a_page(adas, program, send, tip_of):
    for _ in range(53):
        Case.objects.create(program=program, tip=tip_of(send()), urgency="routine")

    assert _text(adas).count("data-href=") == 50
    assert _text(adas, "/?page=2").count("data-href=") == 3


def test_a_long_board_says_where_one_is_and_leads_on_with_its_filters(adas, program, send, tip_of):
    for _ in range(53):
        Case.objects.create(program=program, tip=tip_of(send()), urgency="routine")

    first, second = _text(adas, "/?level=routine"), _text(adas, "/?level=routine&page=2")

    assert '<span class="number">1–50</span> of <span class="number">53</span>' in first
    assert 'rel="next" href="?page=2&amp;level=routine"' in first
    assert '<span class="number">51–53</span> of <span class="number">53</span>' in second
    assert 'rel="prev" href="?page=1&amp;level=routine"' in second


def test_a_page_nobody_took_is_announced_on_every_page_of_the_board(adas, program, send, tip_of, urgent):
    for _ in range(51):
        Case.objects.create(program=program, tip=tip_of(send()), urgency="routine")

    second = _text(adas, "/?page=2")

    assert f'id="tip-{urgent.pk}"' not in second
    assert f"take-now-{urgent.pk}" in second


def test_of_many_closed_tips_only_one_page_is_fetched(adas, ada, program, send, tip_of):
    for _ in range(53):
        Case.objects.create(program=program, tip=tip_of(send()), urgency="routine", status="closed")
    Case.objects.filter(pk=Case.objects.first().pk).update(taken_by=ada.user, urgency="priority")

    board = adas.get("/?show=closed").context["board"]
    narrowed = {
        asked: adas.get(f"/?show=closed&{asked}").context["board"].page.paginator.count
        for asked in ("who=mine", "level=priority", "level=routine", "who=nobody", "category=drugs")
    }

    assert (len(board.rows), board.page.paginator.count) == (50, 53)
    assert not isinstance(board.page.paginator.object_list, list)
    assert narrowed == {"who=mine": 1, "level=priority": 1, "level=routine": 52, "who=nobody": 0, "category=drugs": 0}


def test_the_rows_are_sent_again_only_when_something_changed(adas, case_of):
    case = case_of()
    Case.objects.update(urgency="routine")
    board = adas.get("/").context["board"]

    same = adas.get(f"/rows/?v={board.version}", headers={"hx-request": "true"})
    Case.objects.filter(pk=case.pk).update(version=7)
    other = adas.get(f"/rows/?v={board.version}", headers={"hx-request": "true"})

    assert same.status_code == 204
    assert other.status_code == 200
    assert labels.reference(case.pk) in other.content.decode()


@pytest.mark.parametrize("asked", ["show=closed", "show=closed&page=2", "show=closed&page=0", "page=99999"])
def test_a_page_is_sent_again_when_it_would_look_different(adas, program, send, tip_of, monkeypatch, asked):
    monkeypatch.setattr(rows, "PER_PAGE", 2)
    status = "closed" if "closed" in asked else "open"
    for _ in range(3):
        Case.objects.create(program=program, tip=tip_of(send()), urgency="routine", status=status)
    board = adas.get(f"/?{asked}").context["board"]
    again = f"/rows/?{asked.split('&page')[0]}&page={board.page.number}&v={board.version}"

    same = adas.get(again, headers={"hx-request": "true"})
    Case.objects.filter(pk=board.rows[0].case.pk).update(version=7)
    other = adas.get(again, headers={"hx-request": "true"})

    assert (same.status_code, other.status_code) == (204, 200)


def test_a_page_that_asks_by_itself_keeps_nobody_unlocked(adas, case_of, monkeypatch):
    case_of()
    now = timezone.now()
    for minutes in range(1, 16):
        monkeypatch.setattr(timezone, "now", lambda minutes=minutes: now + timedelta(minutes=minutes))
        adas.get("/rows/", headers={"hx-request": "true"})

    assert adas.get("/").wsgi_request.vault is None


def test_taking_works_while_locked(adas, ada, urgent):
    adas.post("/lock/")

    answer = adas.post(f"/tips/{urgent.pk}/take/")

    urgent.refresh_from_db()
    assert answer["Location"] == f"/tips/{urgent.pk}/"
    assert (urgent.status, urgent.taken_by) == (CaseStatus.TAKEN, ada.user)


def test_the_second_to_take_is_told_who_was_first(adas, bob, sign_in, urgent):
    taking.take_case(urgent, by=bob.user, now=timezone.now())

    answer = adas.post(f"/tips/{urgent.pk}/take/", follow=True)

    urgent.refresh_from_db()
    assert "Bob has it already" in answer.content.decode()
    assert urgent.taken_by == bob.user


def test_a_running_page_is_announced_with_what_comes_next(adas, urgent):
    page = _text(adas)

    assert "Nobody has taken this yet." in page
    assert 'data-title-count="1"' in page
    assert f"/tips/{urgent.pk}/take/" in page


def test_a_page_that_nobody_has_is_announced_before_those_in_somebodys_hands(adas, bob, case_of, urgent):
    more = [case_of("He said he will bring his uncle's gun to school tomorrow") for _ in range(rows.BANNERS)]
    for case in [urgent, *more[:-1]]:
        taking.take_case(case, by=bob.user, now=timezone.now())

    announced = adas.get("/").context["board"].banners

    assert (announced[0].case, announced[0].taken) == (more[-1], False)


def test_tips_being_sorted_are_counted_for_those_who_may_know(adas, chair, sign_in, send):
    send()
    send(insider=True)

    assert adas.get("/").context["board"].assessing == 1
    assert sign_in(chair).get("/").context["board"].assessing == 1


def test_the_board_takes_few_queries_however_much_is_on_it(adas, case_of, django_assert_max_num_queries):
    for _ in range(4):
        case_of()
    for _ in range(3):
        case_of("He said he will bring his uncle's gun to school tomorrow")

    with django_assert_max_num_queries(20):
        adas.get("/")
    with django_assert_max_num_queries(20):
        adas.get("/")


def test_references_are_six_characters_without_look_alikes():
    made = labels.reference(UUID("ffffffff-ffff-4fff-8fff-ffffffffffff"))

    assert made == "ZZZ ZZZ"
    assert labels.reference(UUID(int=0)) == "000 000"
    assert not set("ILOU") & set(labels.CROCKFORD)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (3, "a few minutes"),
        (27, "about 20 minutes"),
        (68, "about 60 minutes"),
        (190, "about 3 hours"),
        (4400, "3 days"),
    ],
)
def test_age_is_said_as_roughly_as_it_is_known(noon, minutes, said):
    assert labels.age(noon - timedelta(minutes=minutes), noon) == said


def test_a_sheet_needs_the_programs_key(case_of, ada):
    case = case_of()

    assert sheet.facets_of([case], Unlocked(UUID(int=1), b"x" * 96)) == {}


def test_unread_messages_stand_above_what_is_only_more_important(adas, case_of):
    important, answered = case_of("Somebody sells stolen cars out of a garage on Mill Road"), case_of()
    Case.objects.filter(pk=important.pk).update(urgency="priority")
    Case.objects.filter(pk=answered.pk).update(urgency="routine", unread=1)

    page = adas.get("/").content.decode()

    assert page.index(f"tip-{answered.pk}") < page.index(f"tip-{important.pk}")


def test_what_is_due_stands_above_what_is_not_and_has_a_board_of_its_own(adas, case_of):
    other, due = case_of(), case_of()
    Case.objects.filter(pk=due.pk).update(look_again_at=timezone.now(), urgency="routine")
    Case.objects.filter(pk=other.pk).update(urgency="routine")

    page, alone = (adas.get(address).content.decode() for address in ("/", "/?who=due"))

    assert page.index(f"tip-{due.pk}") < page.index(f"tip-{other.pk}")
    assert f"tip-{other.pk}" not in alone


def test_category_and_language_narrow_the_board_of_an_unlocked_session(adas, case_of):
    pills, trains = case_of("They sell pills behind the rink"), case_of("Pintan los trenes de noche con spray")

    about, spoken = (adas.get(address).content.decode() for address in ("/?category=drugs", "/?language=es"))

    assert f"tip-{pills.pk}" in about
    assert f"tip-{trains.pk}" not in about
    assert f"tip-{trains.pk}" in spoken
    assert f"tip-{pills.pk}" not in spoken
    assert "category=drugs" in adas.get("/?category=drugs&who=mine").content.decode()


def test_while_it_is_locked_a_category_finds_nothing(adas, case_of):
    case = case_of("They sell pills behind the rink")
    adas.post("/lock/")

    page = adas.get("/?category=drugs").content.decode()

    assert f"tip-{case.pk}" not in page
    assert "While it is locked, nothing shows here" in page


@pytest.mark.parametrize("nonsense", ["category=rumours", "language=%00", "language=aaaaaaaaaaaa", "who=everybody"])
def test_what_makes_no_sense_in_an_address_counts_as_not_asked(adas, case_of, nonsense):
    case = case_of()

    assert f"tip-{case.pk}" in adas.get(f"/?{nonsense}").content.decode()


def test_searching_finds_words_of_the_open_tips_one_has_opened_and_of_no_other(adas, case_of):
    read, unread = case_of("They sell pills behind the rink"), case_of("The rink is broken")
    adas.post(f"/tips/{read.pk}/open/")

    page = adas.post("/search/", {"words": "RINK pills"}).content.decode()
    other = adas.post("/search/", {"words": "broken rink"}).content.decode()

    assert f"/tips/{read.pk}/" in page
    assert f"/tips/{unread.pk}/" not in other
    assert "behind the" not in page


def test_six_characters_find_a_tip_also_unopened_but_never_a_strangers(adas, sign_in, stranger, case_of):
    case = case_of()
    words = {"words": labels.reference(case.pk)}

    assert f"/tips/{case.pk}/" in adas.post("/search/", words).content.decode()
    assert f"/tips/{case.pk}/" not in sign_in(stranger).post("/search/", words).content.decode()


def test_what_is_looked_for_stands_in_no_address(adas):
    assert adas.get("/search/?words=rink").content.decode().count("rink") == 0


def test_a_page_nobody_answered_is_held_in_sight(adas, urgent):
    page = adas.get("/").content.decode()

    assert '<div class="held stack">' in page
    assert f'id="take-now-{urgent.pk}"' in page
