"""The other side of benchmarks/board.py --crowd: a program of years, and fifty people signed in to it.

python -m benchmarks.boardcrowd TIPS OPEN MESSAGES PEOPLE ROUNDS prints one line of JSON. Open tips and some
closed ones are sealed as in life; the other closed ones, which these pages only count, are rows of random bytes.
"""

import gc
import json
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.boardload import _fill, _signed_in, _time  # noqa: E402
from intake import actions  # noqa: E402
from intake.models import Program, ProgramKey, Purpose, Tip  # noqa: E402
from triage.console import permissions_page  # noqa: E402
from triage.console.cases import open_case  # noqa: E402
from triage.console.permissions import RULES, About  # noqa: E402
from triage.models import Case, CaseStatus, Membership, User  # noqa: E402
from triage.vault import keys, pins  # noqa: E402

SEALED_CLOSED = 100
"""Closed tips that are really sealed: two pages of the board of closed ones."""

# Rows as long as real ones: a text of the smallest size class, a hybrid wrap.
_BYTES = "decode(repeat(md5(random()::text), {}), 'hex')"
_TIPS = f"""
INSERT INTO intake_tip (id, program_id, number, status, week, sealed, sealed_identity)
SELECT gen_random_uuid(), %(program)s, 0, 'closed', current_date - 7 * (n %% 150),
       {_BYTES.format(64)}, {_BYTES.format(32)}
FROM generate_series(1, %(count)s) n
"""
_CASES = """
INSERT INTO triage_case (id, program_id, tip_id, oversight, urgency, status, unread, version, taken_by_id, apart)
SELECT gen_random_uuid(), program_id, id, false, 'routine', 'closed', 0, 3, %(user)s, false
FROM intake_tip WHERE program_id = %(program)s AND NOT EXISTS (SELECT 1 FROM triage_case WHERE tip_id = intake_tip.id)
"""
_FOLLOWS = f"""
INSERT INTO intake_tip (id, program_id, follows_id, number, status, week, sealed, sealed_identity)
SELECT gen_random_uuid(), program_id, id, n, 'closed', week, {_BYTES.format(64)}, {_BYTES.format(32)}
FROM (SELECT * FROM intake_tip WHERE program_id = %(program)s AND follows_id IS NULL AND status = 'closed'
      ORDER BY id LIMIT %(count)s) tip, generate_series(1, %(each)s) n
"""
_REPLIES = f"""
INSERT INTO intake_reply (id, program_id, tip_id, number, sealed)
SELECT gen_random_uuid(), program_id, id, 1, {_BYTES.format(32)}
FROM intake_tip WHERE program_id = %(program)s AND follows_id IS NULL AND status = 'closed' LIMIT %(count)s
"""
_WRAPS = f"""
INSERT INTO intake_wrap (id, program_id, tip_id, purpose, key_id, sealed)
SELECT gen_random_uuid(), program_id, id, purpose, gen_random_uuid(), {_BYTES.format(75)}
FROM intake_tip, (VALUES ('content'), ('identity')) AS kind(purpose)
WHERE program_id = %(program)s AND NOT EXISTS (SELECT 1 FROM intake_wrap WHERE tip_id = intake_tip.id)
"""
_ASSESSMENTS = f"""
INSERT INTO triage_assessment (id, program_id, tip_id, urgency, judged, sealed, version)
SELECT gen_random_uuid(), program_id, id, 'routine', true, {_BYTES.format(32)}, 'benchmark'
FROM intake_tip
WHERE program_id = %(program)s AND NOT EXISTS (SELECT 1 FROM triage_assessment WHERE tip_id = intake_tip.id)
"""
_AUDIT = """
INSERT INTO triage_auditentry (id, program_id, number, hour, actor_id, event, tip_id, sealed, previous, digest)
SELECT gen_random_uuid(), program_id, (SELECT coalesce(max(number), 0) FROM triage_auditentry) + row_number() OVER (),
       date_trunc('hour', now()) - interval '1 day' - interval '1 hour' * (row_number() OVER () / 8),
       %(user)s, event, tip_id, '', sha256(tip_id::text::bytea), sha256((tip_id::text || event)::bytea)
FROM triage_case, (VALUES ('tip_opened'), ('closed')) AS kind(event)
WHERE program_id = %(program)s AND status = 'closed'
"""


def main(tips: int, still_open: int, messages: int, people: int, rounds: int) -> None:
    """Fill, sign in, ask, print."""
    settings.ALLOWED_HOSTS = ["localhost"]
    program = Program.objects.create(slug="benchmark", name="Benchmark", changed_on=timezone.now().date())
    seeds = keys.create_program_keys(program)
    pins.add(keys.pin_lines(program))
    staff = [_person(program, seeds, f"person{number}") for number in range(people)]
    _fill(program, seeds[Purpose.CONTENT], still_open + SEALED_CLOSED)
    closed = list(Case.objects.values_list("pk", "tip_id")[:SEALED_CLOSED])
    Case.objects.filter(pk__in=[pk for pk, _ in closed]).update(status=CaseStatus.CLOSED, taken_by=staff[0][0])
    Tip.objects.filter(pk__in=[tip for _, tip in closed]).update(status="closed")
    stored = _history(program, staff[0][0], tips - still_open, messages - tips)
    clients = [_client(*person) for person in staff]
    _work_in_hand(program, [user for user, _ in staff])
    print(json.dumps({"rows": stored, **_ask(clients, staff, rounds), "queries": _queries(clients[0], staff)}))


def _person(program: Program, seeds: dict[Purpose, bytes], name: str) -> tuple[User, str]:
    user = User.objects.create_user(name, name=name.capitalize())
    Membership.objects.create(program=program, user=user)
    held = ProgramKey.objects.filter(program=program, purpose__in=[Purpose.CONTENT, Purpose.IDENTITY])
    code = keys.invite(user, program, {key: seeds[Purpose(key.purpose)] for key in held})
    _, phrase = keys.accept(user.invitation, code)
    return user, phrase


def _history(program: Program, user: User, closed: int, more: int) -> dict[str, int]:
    """Years of closed tips, with what senders added and what was answered: `more` messages beyond the tips."""
    replies = min(more // 3, closed)
    each = -(-(more - replies) // closed)
    given = {"program": program.pk, "user": user.pk}
    with connection.cursor() as cursor:
        cursor.execute(_TIPS, {**given, "count": closed - SEALED_CLOSED})
        cursor.execute(_CASES, given)
        cursor.execute(_REPLIES, {**given, "count": replies})
        cursor.execute(_FOLLOWS, {**given, "count": (more - replies) // each, "each": each})
        cursor.execute(_WRAPS, given)
        cursor.execute(_ASSESSMENTS, given)
        cursor.execute(_AUDIT, given)
        cursor.execute("ANALYZE")
        found = {}
        for table in ("intake_tip", "intake_reply", "intake_wrap", "triage_case", "triage_auditentry"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[table] = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM triage_case WHERE status <> 'closed'")
        found["open cases"] = cursor.fetchone()[0]
    return found


def _client(user: User, phrase: str) -> Client:
    client = Client(headers={"host": "localhost"})
    client.defaults["wsgi.url_scheme"] = "https"
    _signed_in(client, user, phrase)
    return client


def _work_in_hand(program: Program, people: list[User]) -> None:
    """Each person has opened ten of the open tips, and answered half of them."""
    cases = Case.objects.exclude(status=CaseStatus.CLOSED).select_related("tip")[: 10 * len(people)]
    for number, case in enumerate(cases):
        open_case(case, by=people[number % len(people)], now=timezone.now())
        if number % 2:
            actions.reply(case.tip, "Thank you. If you see it again, tell us the day and the hour. " * 3)


def _ask(clients: list[Client], staff: list[tuple[User, str]], rounds: int) -> dict[str, Any]:
    took: dict[str, list[float]] = {"board": [], "what moves on it": [], "tip": [], "closed tips": []}
    worked: dict[str, list[float]] = {name: [] for name in took}

    def ask(name: str, client: Client, address: str) -> None:
        before = time.process_time()
        took[name].append(_time(lambda: client.get(address), 200))
        worked[name].append((time.process_time() - before) * 1000)

    while b"still being opened" in clients[0].get("/").content:
        pass
    # As the door does before its first request (tipline/gunicorn.py): what is loaded by now is never garbage.
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for client, (user, _phrase) in zip(clients, staff, strict=True):
            ask("board", client, "/")
            ask("what moves on it", client, "/rows/")
            mine = Case.objects.filter(taken_by=user).exclude(status=CaseStatus.CLOSED).values_list("pk", flat=True)
            ask("tip", client, f"/tips/{secrets.choice(list(mine))}/")
            ask("closed tips", client, "/?show=closed")
    return {"pages": took, "worked": worked}


def _queries(client: Client, staff: list[tuple[User, str]]) -> dict[str, int]:
    """How many queries each page takes that can be looked at, by its name."""
    case = Case.objects.filter(taken_by=staff[0][0]).exclude(status=CaseStatus.CLOSED)[0]
    things = {"case_id": case.pk, "user_id": staff[1][0].pk, "number": 1}
    counted = {}
    for name, parts in _looked_at():
        if parts <= set(things):
            with _counting() as asked:
                client.get(reverse(name, kwargs={part: things[part] for part in parts}))
            counted[name] = asked.total()
    return counted


def _looked_at() -> Iterator[tuple[str, set[str]]]:
    for name, parts in permissions_page.addresses():
        rule = RULES[name]
        if rule.look and rule.about is not About.THE_DOOR:
            yield name, parts


@contextmanager
def _counting() -> Iterator[Counter[str]]:
    asked: Counter[str] = Counter()

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        asked[sql] += 1
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        yield asked


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:6]))
