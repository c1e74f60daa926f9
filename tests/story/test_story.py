"""A tip comes in, wakes somebody, is read and answered, and goes on: in real browsers, on all that scripts/up runs."""

import re

import pytest

from tests.story import telling
from tests.story.phones import Message, Phones, milliseconds
from tests.story.telling import FOLLOW_UP, NAME, NOTE, REACH, REPLY, TIP, Story
from triage.console.labels import CATEGORIES

pytestmark = [pytest.mark.browser, pytest.mark.system]


def test_the_sender_gets_seven_words_without_javascript(story: Story):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)?( [a-z]+(-[a-z]+)?){6}", story.sender.words)


def test_an_sms_and_a_mail_arrive(story: Story):
    assert story.page is not None
    print(
        f"\nfrom pressing Send to the later of SMS and mail: {milliseconds(story.sent, story.page.arrived)}; "
        f"the receipt was shown after {milliseconds(story.sent, story.receipt_shown)}"
    )

    assert re.fullmatch(
        r"TL \d+ NOW\. Nobody has this yet\. Open your page board\. On it\? Reply (\d+) [A-Z0-9]{6}\. "
        r"No reply: next person in \d min\. We never text links or ask for passwords\.",
        story.page.sms["body"],
    )
    assert story.page.mail["to"] == "coordinator@example.org"
    assert re.fullmatch(r"TL page \d+", story.page.mail["subject"])


def test_nothing_that_left_the_house_has_a_word_of_the_tip(story: Story, phones: Phones):
    left = phones.messages()

    assert len(left) >= 4
    for message in left:
        text = _whole(message)
        for word in [*_words(TIP), *_words(FOLLOW_UP), *_words(REPLY), *_words(NAME), *_words(REACH)]:
            assert not re.search(rf"\b{re.escape(word)}\b", text), (word, text)
        assert not [label for label in map(str, CATEGORIES.values()) if label.lower() in text]
        # A call's headers name the door that hears its keys; no person gets to see them.
        assert "http" not in f"{message['subject']} {message['body']}".lower()


def test_the_reply_code_takes_it_and_says_so(story: Story):
    assert story.taken_sms.endswith("PASS.")
    assert "yours. Open it and press Next step within 5 min" in story.taken_sms


def test_nobody_reads_before_opening(story: Story):
    assert "Nobody reads by accident." in story.before_opening
    assert "uncle" not in story.before_opening


def test_the_coordinator_reads_the_words_with_the_reasons_highlighted(story: Story):
    assert story.read == TIP
    assert any("gun" in part for part in story.highlighted)
    assert any("school" in part for part in story.highlighted)
    assert story.reasons
    assert "School threat" in story.categories
    assert "English" in story.language


def test_the_seven_words_open_the_answer(story: Story):
    assert story.answers == [REPLY]


def test_what_the_sender_adds_pages_again(story: Story):
    assert story.page is not None
    assert story.second_page is not None
    print(f"\nfrom adding to the later of SMS and mail: {milliseconds(story.added, story.second_page.arrived)}")

    assert story.second_page.sms["id"] > story.page.sms["id"]
    assert story.second_page.code != story.page.code
    assert story.read_again == FOLLOW_UP


def test_submitter_details_are_shown_once_for_a_written_reason(story: Story):
    assert NAME in story.details
    assert REACH in story.details
    assert NAME not in story.page_after_details
    assert telling.WHY in story.page_after_details


def test_a_correction_stands_over_the_classifier_and_everything_is_on_record(story: Story):
    assert telling.BETTER_CATEGORY in " ".join(story.corrected)
    assert "corrected by a person" in " ".join(story.corrected)
    for done in ("took", "opened the tip", "sent an answer", "opened the submitter details", "corrected"):
        assert f"First coordinator {done}" in story.timeline


def test_the_tip_is_closed_and_the_sender_sees_that(story: Story):
    assert "Closed" in story.closed
    assert story.state_for_sender == "A person has read what you sent, and has finished with it."
    assert NOTE not in story.state_for_sender


def test_the_public_door_left_no_cookie(story: Story):
    assert story.cookies == []


def test_no_page_of_either_door_complained(story: Story):
    assert story.complaints == []


def _whole(message: Message) -> str:
    """A message with everything that goes with it."""
    headers = " ".join(f"{name} {value}" for name, value in message["headers"].items())
    return " ".join([message["subject"], message["body"], headers, message["sender"], message["reference"]]).lower()


def _words(text: str) -> list[str]:
    """Its words, but for those that every page has: they say nothing."""
    plain = {"he", "it", "is", "now", "you", "to", "on", "the", "will", "for", "any", "next"}
    return [word for word in re.findall(r"\w+", text.lower()) if word not in plain]
