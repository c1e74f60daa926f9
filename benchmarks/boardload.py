"""The other side of benchmarks/board.py, run as the owner of a scratch installation: fills it and asks for pages.

python -m benchmarks.boardload TIPS ROUNDS prints one line of JSON.
"""

import json
import random
import sys
import time
from collections.abc import Callable

import django

django.setup()

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value  # noqa: E402
from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from intake import actions, sealed  # noqa: E402
from intake.message import Content, Identity, Message  # noqa: E402
from intake.models import Due, Program, ProgramKey, Purpose, Receipt, Wrap  # noqa: E402
from tipline.kernel import sealing, wraps  # noqa: E402
from triage import assess, classify  # noqa: E402
from triage.custody import handing  # noqa: E402
from triage.custody.work import Work  # noqa: E402
from triage.models import Assessment, BoardSheet, Case, Job, Membership, Urgency, User  # noqa: E402
from triage.vault import keys, pins, rotation, second  # noqa: E402

LEVELS = [Urgency.ROUTINE] * 7 + [Urgency.PRIORITY] * 3


def main(tips: int, rounds: int) -> None:
    """Fill, measure, print."""
    program = Program.objects.create(slug="benchmark", name="Benchmark", changed_on=timezone.now().date())
    seeds = keys.create_program_keys(program)
    pins.add(keys.pin_lines(program))
    user = User.objects.create_user("bench", name="Bench")
    Membership.objects.create(program=program, user=user)
    held = {key: seeds[Purpose(key.purpose)] for key in ProgramKey.objects.filter(program=program)}
    code = keys.invite(user, program, {key: seed for key, seed in held.items() if key.purpose != Purpose.OVERSIGHT})
    _, phrase = keys.accept(user.invitation, code)
    _fill(program, seeds[Purpose.CONTENT], tips)
    pages = _pages(user, phrase, rounds)
    print(json.dumps({"pages": pages, **_rewrap(program, user, phrase)}))


def _fill(program: Program, seed: bytes, tips: int) -> None:
    rng, pepper, now = random.Random(3), settings.RECEIPT_PEPPER.encode(), timezone.now()
    thought = classify.classify("He sells pills behind the rink every Friday")
    for number in range(tips):
        message = Message(text=f"He sells pills behind the rink, number {number}. " + "More. " * 100)
        done = actions.submit(program, message, Identity(), channel="web", key=f"benchmark-key-{number:08}", now=now)
        if done.phrase is None:
            raise RuntimeError("a tip was not new")
        tip = Receipt.objects.get(lookup=done.phrase.lookup(pepper=pepper)).tip
        wrap = Wrap.objects.get(tip=tip, purpose="content")
        key = wraps.unwrap(bytes(wrap.sealed), seed=seed, holder=sealed.holder(tip, "content", wrap.key_id))
        content = Content.now(message, channel="web", has_identity=False, now=now)
        blob = sealing.seal(assess.as_json(thought, content), key=key, place=sealed.place(tip, sealed.ASSESSMENT))
        level = rng.choice(LEVELS)
        Assessment.objects.create(program=program, tip=tip, urgency=level, sealed=blob, version="benchmark")
        Case.objects.create(program=program, tip=tip, urgency=level)
    Due.objects.all().delete()


def _pages(user: User, phrase: str, rounds: int) -> dict[str, list[float]]:
    settings.ALLOWED_HOSTS = ["localhost"]
    names = ("unlock", "board without a sheet", "board", "tip")
    took: dict[str, list[float]] = {name: [] for name in names}
    client = Client(headers={"host": "localhost"})
    client.defaults["wsgi.url_scheme"] = "https"
    _signed_in(client, user, phrase)
    case = Case.objects.filter(tip__program__slug="benchmark").first()
    assert case is not None
    for _ in range(rounds):
        client.post("/lock/")
        took["unlock"].append(_time(lambda: client.post("/unlock/", {"unlock_with": phrase}), 302))
        BoardSheet.objects.all().delete()
        took["board without a sheet"].append(_time(lambda: client.get("/"), 200))
        while b"still being opened" in client.get("/").content:
            pass
        took["board"].append(_time(lambda: client.get("/"), 200))
        took["tip"].append(_time(lambda: client.get(f"/tips/{case.pk}/"), 200))
    return took


def _signed_in(client: Client, user: User, phrase: str) -> None:
    code = _code(user)
    client.post("/sign-in/", {"username": user.username, "pass_phrase": phrase})
    answer = client.post("/sign-in/code/", {"code": code})
    if answer.status_code != 302:
        raise RuntimeError("the benchmark could not sign in")


def _code(user: User) -> str:
    secret = second.new_secret()
    second.enrol(user, secret, 0)
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // second.PERIOD)))


def _time(ask: Callable[[], object], status: int) -> float:
    started = time.perf_counter()
    answer = ask()
    passed = (time.perf_counter() - started) * 1000
    if getattr(answer, "status_code", 0) != status:
        raise RuntimeError(f"a page answered {getattr(answer, 'status_code', 0)}")
    return passed


def _rewrap(program: Program, user: User, phrase: str) -> dict[str, float]:
    unlocked = keys.unlock(user, phrase)
    if unlocked is None:
        raise RuntimeError("the benchmark's words do not open")
    old = ProgramKey.objects.get(program=program, purpose=Purpose.CONTENT, retired=False)
    rotation.rotate(program, [Purpose.CONTENT], by=user, unlocked=unlocked, now=timezone.now())
    handing.begin(unlocked)
    job = Job.objects.get(program_key=old)
    seed = unlocked.seed_of(old.pk)
    if seed is None:
        raise RuntimeError("the old key is out of reach")
    work, started = Work(job, seed), time.perf_counter()
    while work.batch():
        pass
    return {"rewrap": job.total / (time.perf_counter() - started), "wraps": job.total}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
