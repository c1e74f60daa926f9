"""What a page says: short, link-free, one size."""

import re

import pytest

from triage.escalation import texts

LINK = re.compile(r"https?:|www\.|\.[a-z]{2,}/|://", re.I)


@pytest.mark.parametrize("number", [10, 99, 100, 999])
@pytest.mark.parametrize("seconds", [-5, 0, 59, 120, 541, 99_999])
def test_an_sms_is_under_160_characters_of_the_plain_alphabet(number, seconds):
    for text in (texts.sms_page(number, "W4M9TX", seconds), texts.sms_taken(number)):
        assert len(text) < texts.SMS_LIMIT
        assert text.isascii()


def test_no_text_has_a_link():
    everything = [
        texts.sms_page(27, "K4M9TX", 120),
        texts.sms_taken(27),
        *texts.mail_page(27, 120),
        *texts.mail_taken(27),
        *texts.watch_alarm(2),
    ]
    assert not [text for text in everything if LINK.search(text)]


def test_all_pages_of_a_channel_have_one_length():
    assert len({len(texts.sms_page(number, "K4M9TX", wait)) for number in (10, 55, 99) for wait in (1, 120, 900)}) == 1
    assert len({len(texts.mail_page(number, wait)[1]) for number in (10, 55, 99) for wait in (1, 120, 900)}) == 1


def test_the_minutes_are_those_until_the_next_person():
    assert [texts.minutes(seconds) for seconds in (1, 60, 61, 120, 300, 3600)] == [1, 1, 2, 2, 5, 9]


def test_a_page_says_how_to_take_it():
    text = texts.sms_page(27, "K4M9TX", 120)

    assert text == (
        "TL 27 NOW. Nobody has this yet. Open your page board. On it? Reply 27 K4M9TX. "
        "No reply: next person in 2 min. We never text links or ask for passwords."
    )
