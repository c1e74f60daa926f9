"""A tip by phone: typed on the console, stored as at the street door, its words read out once."""

import re

import pytest

from intake import actions
from intake.message import Content
from intake.models import Receipt, Tip, Wrap
from intake.sealed import CONTENT, data_key, place
from tipline.kernel import sealing
from tipline.kernel.receipts import Phrase
from triage import actions as triage_actions
from triage.classify.taxonomy import Category
from triage.console import cribs, labels, phone
from triage.console.phone import PhoneForm
from triage.models import Case

pytestmark = pytest.mark.django_db

SAID = "He said he will bring his uncle's gun to school tomorrow"


def _key(page):
    return re.search(r'name="key" value="([\w-]{32})"', page.content.decode())[1]


def _send(client, text=SAID, key=None, **more):
    return client.post("/phone/", {"text": text, "key": key or _key(client.get("/phone/")), **more})


def _words(page):
    return re.findall(r'<strong class="lead">(.*?)</strong>', page.content.decode())


def test_it_is_stored_as_a_tip_by_telephone_and_pages_like_any_other(adas, seeds, epoch_seed, monkeypatch, settings):
    from triage import epochs

    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)
    answer = _send(adas, danger="yes", place="North school", guessable="unsure")
    tip = Tip.objects.get()
    wrap = Wrap.objects.get(tip=tip, purpose="content")
    key = data_key(tip, [wrap], key_id=wrap.key_id, seed=seeds["content"])
    content = Content.from_bytes(sealing.unseal(bytes(tip.sealed), key=key, place=place(tip, CONTENT)))
    triage_actions.assess_due(tip.due.pk)

    assert answer.status_code == 200
    assert (content.channel, content.message.text, content.has_identity) == ("phone", SAID, False)
    assert (content.message.place, content.message.guessable) == ("North school", "unsure")
    assert Case.objects.get().urgency in ("imminent", "urgent")
    assert str(Case.objects.get().pk) in adas.get("/").content.decode()


def test_the_words_lead_the_caller_to_our_answer(adas, program, epoch_seed):
    words = _words(_send(adas))
    phrase = Phrase.parse(" ".join(words))
    actions.reply(Tip.objects.get(), "Thank you")

    assert len(words) == 7
    assert actions.conversation(program, phrase).replies == ["Thank you"]


def test_words_and_numbers_are_spelled_out(adas, epoch_seed):
    page = _send(adas).content.decode()
    first = _words(adas.get("/phone/")) or re.findall(r'<strong class="lead">(.*?)</strong>', page)

    assert " ".join(phone.SPELLED.get(letter, letter) for letter in first[0]) in page
    assert len(re.findall(r'class="number" data-label="Number">\d{4}<', page)) == 7


def test_sending_the_page_twice_stores_one_tip_and_shows_its_words_until_they_were_read_out(adas, epoch_seed):
    key = _key(adas.get("/phone/"))
    first, second = _send(adas, key=key), _send(adas, key=key)
    adas.post("/phone/read-out/", {"key": key})
    third = _send(adas, key=key)

    assert _words(first) == _words(second) != []
    assert Tip.objects.count() == 1
    assert third["Location"] == "/"


def test_another_text_from_the_same_page_is_refused_and_stands_there_still(adas, epoch_seed):
    key = _key(adas.get("/phone/"))
    _send(adas, key=key)
    answer = _send(adas, "Another caller says something else", key=key)

    assert answer.status_code == 409
    assert "Another caller says something else" in answer.content.decode()
    assert Tip.objects.count() == 1


def test_what_is_about_our_own_people_goes_to_the_others_also_by_phone(adas, ada, epoch_seed):
    _send(adas, "The sergeant sells pills", insider="yes")

    assert Wrap.objects.filter(purpose="oversight").exists()
    assert not Wrap.objects.filter(purpose="content").exists()


def test_nobody_is_asked_who_calls(adas):
    page = adas.get("/phone/").content.decode()

    assert {"name", "reach"}.isdisjoint(PhoneForm().fields)
    assert not re.search(r'type="tel"|name="(name|reach|number|phone|caller)"', page)


@pytest.mark.parametrize("key", ["", "short", "x" * 33, "../../../../../../../../../etc/passwd!"])
def test_a_key_that_is_none_of_ours_stores_nothing(adas, epoch_seed, key):
    assert adas.post("/phone/", {"text": SAID, "key": key}).status_code == 422
    assert not Receipt.objects.exists()


def test_a_locked_session_keeps_what_was_typed_until_it_is_unlocked(adas, ada, epoch_seed):
    key = _key(adas.get("/phone/"))
    adas.post("/lock/")
    asked = _send(adas, key=key)
    done = _send(adas, key=key, unlock_with=ada.phrase)

    assert SAID in asked.content.decode().replace("&#x27;", "'")
    assert len(_words(done)) == 7


def test_what_a_caller_must_be_asked_at_once_has_its_questions():
    named = [name for name, _ in cribs.of_categories()]

    for category in (Category.SELF_HARM, Category.CHILD_ABUSE, Category.WEAPONS, Category.SCHOOL_THREAT):
        assert labels.category(category) in named
