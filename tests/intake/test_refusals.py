"""Six ways to find nothing, and no way to tell them apart. How long each takes: benchmarks/refusals.py."""

import re
import secrets
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from intake import actions
from intake.message import Identity, Message
from intake.models import Tip, TipStatus
from tipline.kernel.receipts import Phrase

NONCE = re.compile(rb'(?<=name="nonce" value=")[^"]+')

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def refused(program, send, tip_of, lakeside, noon) -> dict[str, str]:
    """What is typed, for each of the six."""
    locked, erased, other = send(), send(), send()
    assert locked.phrase is not None
    assert erased.phrase is not None
    assert other.phrase is not None
    actions.lock(program, locked.phrase)
    tip = tip_of(erased)
    tip.wraps.all().delete()
    Tip.objects.filter(pk=tip.pk).update(status=TipStatus.ERASED, sealed=b"", sealed_identity=b"")
    wrong = Phrase((*other.phrase.places[:-1], (other.phrase.places[-1] + 1) % 7776))
    message = Message("They sell pills behind the rink")
    elsewhere = actions.submit(lakeside, message, Identity(), channel="web", key="k" * 22, now=noon)
    assert elsewhere.phrase is not None
    return {
        "of another program": " ".join(elsewhere.phrase.words),
        "locked": " ".join(locked.phrase.words),
        "erased": " ".join(erased.phrase.words),
        "wrong": " ".join(wrong.words),
        "unknown": " ".join(Phrase.random().words),
        "malformed": "these are no words of ours at all, are they",
    }


@pytest.fixture
def asked(street: Client) -> Callable[[str], tuple[int, bytes, dict[str, str], list[str]]]:
    """Ask at the real door: status, body, headers and the statements it took."""

    def _asked(typed: str) -> tuple[int, bytes, dict[str, str], list[str]]:
        street.post("/answers/", {"phrase": "once, so that nothing is loaded for the first time"})
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = street.post("/answers/", {"phrase": typed})
        statements = [query["sql"].split("'")[0] for query in queries.captured_queries]
        # Every page has a nonce of its own, and all nonces are of one length.
        body = NONCE.sub(lambda found: b"x" * len(found[0]), answer.content)
        return answer.status_code, body, dict(answer.headers), statements

    return _asked


def test_six_refusals_are_one(refused, asked):
    answers = {name: asked(typed) for name, typed in refused.items()}

    status, body, headers, statements = answers["wrong"]
    assert status == 404
    assert len(statements) >= 2
    for name, answer in answers.items():
        assert answer == (status, body, headers, statements), name


def test_a_visit_token_that_is_not_ours_is_looked_up_all_the_same(street, refused, asked):
    _, body, _, _ = asked(refused["wrong"])
    answer = street.post("/answers/", {"visit": secrets.token_urlsafe(120)})

    assert (answer.status_code, len(answer.content)) == (404, len(body))
    assert NONCE.sub(lambda found: b"x" * len(found[0]), answer.content) == body


def test_words_that_lead_somewhere_are_not_refused(send, asked):
    status, body, _, _ = asked(" ".join(send().phrase.words))

    assert status == 200
    assert b"We find nothing" not in body


def test_with_an_erased_tip_nothing_can_be_done(program, send, tip_of, noon):
    done = send()
    assert done.phrase is not None
    Tip.objects.filter(pk=tip_of(done).pk).update(status=TipStatus.ERASED, sealed=b"", sealed_identity=b"")

    with pytest.raises(actions.NoSuchReceipt):
        actions.lock(program, done.phrase)
    with pytest.raises(actions.NoSuchReceipt):
        actions.follow_up(program, done.phrase, Message("more"), channel="web", key="k" * 22, now=noon)
