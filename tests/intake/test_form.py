"""The public form: what is taken, what is refused, and that nothing typed is lost."""

import re
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from intake import actions
from intake.channels import nonce
from intake.message import Message
from intake.models import Due, Receipt, SubmissionKey, Tip, TipStatus, Wrap
from tipline.kernel.receipts import Phrase, word_list

pytestmark = pytest.mark.django_db


def fresh() -> str:
    return nonce.make(timezone.now(), "/")


def words_in(page: str) -> list[str]:
    found = [word for word in re.findall(r">\s*([a-z-]+)\s*<", page) if word in set(word_list())]
    return found[:7]


def test_the_form_carries_its_own_nonce_and_no_cookie(street, seeds):
    first, second = street.get("/"), street.get("/")

    assert first.status_code == 200
    assert not first.cookies
    nonces = [re.search(r'name="nonce" value="([^"]+)"', page.content.decode())[1] for page in (first, second)]
    assert nonces[0] != nonces[1]
    assert all(nonce.key_of(found, timezone.now(), "/") for found in nonces)


def test_sending_gives_seven_words_that_open_the_conversation(street, seeds):
    page = street.post("/", {"text": "He sells pills", "nonce": fresh()})

    words = words_in(page.content.decode())
    assert page.status_code == 200
    assert len(words) == 7
    assert street.post("/answers/", {"phrase": " ".join(words)}).status_code == 200


def test_numbers_and_words_open_the_same_conversation(street, send):
    phrase = send().phrase

    by_words = street.post("/answers/", {"phrase": ", ".join(phrase.words).upper()})
    by_numbers = street.post("/answers/", {"phrase": "-".join(phrase.numbers)})

    assert by_words.status_code == by_numbers.status_code == 200


def test_what_was_sent_is_never_shown_again(street, send):
    phrase = send("A very particular sentence").phrase

    page = street.post("/answers/", {"phrase": " ".join(phrase.words)})

    assert "particular" not in page.content.decode()


def test_the_same_nonce_and_body_give_the_same_words_and_one_tip(street, seeds):
    sent = {"text": "He sells pills", "nonce": fresh()}

    first, second = street.post("/", sent), street.post("/", sent)

    assert words_in(first.content.decode()) == words_in(second.content.decode()) != []
    assert Tip.objects.count() == 1


def test_the_same_nonce_with_another_body_is_a_conflict_and_keeps_what_was_typed(street, seeds):
    once = fresh()
    street.post("/", {"text": "He sells pills", "nonce": once})

    page = street.post("/", {"text": "And he has a gun", "nonce": once})

    assert page.status_code == 409
    assert "And he has a gun" in page.content.decode()
    assert Tip.objects.count() == 1


def test_words_are_not_shown_again_once_their_secret_is_gone(street, seeds, settings):
    sent = {"text": "He sells pills", "nonce": fresh()}
    first = street.post("/", sent)
    settings.RUN_DIR = settings.RUN_DIR / "later"
    from tipline.kernel import rotating

    rotating._made.cache_clear()

    page = street.post("/", sent)

    assert page.status_code == 200
    assert "cannot be shown again" in page.content.decode()
    assert words_in(first.content.decode())[0] not in words_in(page.content.decode())


@pytest.mark.parametrize("way", ["/leave/", "/noted/"])
def test_after_leaving_the_receipt_its_words_are_not_shown_again(street, seeds, way):
    sent = {"text": "He sells pills", "nonce": fresh()}
    street.post("/", sent)

    left = street.post(way, {"nonce": sent["nonce"]})
    again = street.post("/", sent)

    assert (left.status_code, left["Location"]) == (303, way)
    assert words_in(again.content.decode()) == []
    assert "cannot be shown again" in again.content.decode()
    assert Tip.objects.count() == 1


def test_the_receipt_leads_to_the_answers_without_typing_the_words(street, seeds):
    receipt = street.post("/", {"text": "He sells pills", "nonce": fresh()}).content.decode()
    token = re.search(r'name="visit" value="([^"]+)"', receipt)[1]

    assert "No answer yet" in street.post("/answers/", {"visit": token}).content.decode()


@pytest.mark.parametrize("bad", ["", "   \n\t "])
def test_an_empty_message_is_asked_for_kindly(street, seeds, bad):
    page = street.post("/", {"text": bad, "place": "behind the rink", "nonce": fresh()})

    assert page.status_code == 422
    assert "Half a sentence is enough" in page.content.decode()
    assert "behind the rink" in page.content.decode()
    assert not Tip.objects.exists()


@pytest.mark.parametrize(
    "odd",
    [
        "nul \x00 inside",
        "lone \ud800 surrogate",
        "\u202eright to left\u202c",
        "zero\u200bwidth\u200djoin\ufeff",
        "<script>alert(1)</script>",
        "{{ 7*7 }} {% debug %} ${7*7}",
        "'; DROP TABLE intake_tip; --",
        "\x01\x02\x1b[31m\x7f",
        "😀" * 1000,
    ],
)
def test_odd_text_is_taken_as_a_tip(street, seeds, odd):
    page = street.post("/", f"text={_percent(odd)}&nonce={fresh()}", content_type="application/x-www-form-urlencoded")

    assert page.status_code == 200
    assert Tip.objects.count() == 1


@pytest.mark.parametrize("odd", ["<script>alert(1)</script>", "{{ 7*7 }}", "\u202eabc", "a\u200bb"])
def test_odd_text_stands_escaped_in_a_refused_page(street, seeds, odd):
    page = street.post("/", {"text": odd, "nonce": "wrong"})

    assert page.status_code == 400
    assert "<script>alert" not in page.content.decode()
    assert odd.replace("<", "&lt;").replace(">", "&gt;") in page.content.decode()


def test_one_megabyte_is_refused_with_the_text_standing(street, seeds):
    text = "long words " * 95_000

    page = street.post("/", {"text": text, "nonce": fresh()})

    assert page.status_code == 413
    assert "At most 100000 fit" in page.content.decode()
    assert text[:5000] in page.content.decode()


def test_an_oversized_body_is_refused_before_it_is_read(street, seeds):
    page = street.post("/", {"text": "x" * 2_000_000, "nonce": fresh()})

    assert page.status_code == 413
    assert "too much at once" in page.content.decode()


def test_broken_multipart_is_a_clear_400(street, seeds):
    page = street.post("/", b"--x\r\nbroken", content_type="multipart/form-data; boundary=\xff")

    assert page.status_code == 400
    assert "could not read" in page.content.decode()


def test_binary_posted_as_a_form_is_never_a_server_error(street, seeds):
    page = street.post("/", bytes(range(256)) * 20, content_type="application/x-www-form-urlencoded")

    assert page.status_code in {400, 422}


def test_an_uploaded_file_is_dropped_unread(street, seeds):
    from django.core.files.uploadedfile import SimpleUploadedFile

    page = street.post("/", {"text": SimpleUploadedFile("a.txt", b"words"), "nonce": fresh()})

    assert page.status_code == 422
    assert not Tip.objects.exists()


@pytest.mark.parametrize(
    "wrong", ["", "x", "a.b.c", "A" * 22 + ".99999999.00", "é.1.2", "a.-5.x", "a." + "9" * 400 + ".b"]
)
def test_a_nonce_not_ours_is_refused_with_the_text_standing(street, seeds, wrong):
    page = street.post("/", {"text": "He sells pills", "nonce": wrong})

    assert page.status_code == 400
    assert "He sells pills" in page.content.decode()
    assert not Tip.objects.exists()


def test_another_sites_page_cannot_send(street, seeds):
    page = street.post("/", {"text": "spam", "nonce": fresh()}, headers={"Sec-Fetch-Site": "cross-site"})

    assert page.status_code == 403
    assert not Tip.objects.exists()


def test_database_down_is_a_503_with_the_text_in_the_form(street, seeds, monkeypatch):
    street.get("/")

    def down(*args, **kwargs):
        raise DatabaseError

    monkeypatch.setattr(actions, "submit", down)
    page = street.post("/", {"text": "He sells pills", "people": "Dave", "nonce": fresh()})

    assert page.status_code == 503
    assert page["Retry-After"] == "10"
    assert "He sells pills" in page.content.decode()
    assert "Dave" in page.content.decode()


def test_keys_that_are_not_pinned_take_no_tip(street, seeds, settings):
    settings.KEY_PINS.write_text("")

    page = street.post("/", {"text": "He sells pills", "nonce": fresh()})

    assert page.status_code == 503
    assert not Tip.objects.exists()


@pytest.mark.parametrize(
    "typed",
    ["", "seven wrong words that are not ours", "abacus " * 7, "1000 " * 7, "1000 " * 6, "9" * 5000, "\x00"],
)
def test_wrong_words_find_nothing_and_are_not_repeated(street, send, typed):
    send()

    page = street.post("/answers/", {"phrase": typed})

    assert page.status_code == 404
    assert "We find nothing under these words" in page.content.decode()


def test_locking_makes_the_words_lead_nowhere(street, send):
    phrase = send().phrase
    opened = street.post("/answers/", {"phrase": " ".join(phrase.words)}).content.decode()
    visit = re.search(r'name="visit" value="([^"]+)"', opened)[1]

    unsure = street.post("/answers/lock/", {"visit": visit})
    done = street.post("/answers/lock/", {"visit": visit, "confirm": "yes"})

    assert unsure.status_code == 422
    assert done.status_code == 200
    assert not Receipt.objects.exists()
    assert street.post("/answers/", {"phrase": " ".join(phrase.words)}).status_code == 404


def test_a_visit_that_was_left_shows_nothing_any_more_whatever_is_sent_once_more(street, send):
    looked = {"phrase": " ".join(send().phrase.words), "nonce": fresh()}
    opened = street.post("/answers/", looked).content.decode()
    visit = re.search(r'name="visit" value="([^"]+)"', opened)[1]
    added = {"visit": visit, "text": "he is loading it now", "nonce": fresh()}
    assert "We have what you added" in street.post("/answers/add/", added).content.decode()

    assert street.post("/leave/", {"nonce": looked["nonce"]}).status_code == 303

    pages = [
        street.post("/answers/", looked),
        street.post("/answers/", {"visit": visit}),
        street.post("/answers/add/", added),
        street.post("/answers/lock/", {"visit": visit, "confirm": "yes"}),
    ]
    assert {(page.status_code, page["Location"]) for page in pages} == {(303, "/leave/")}
    assert Receipt.objects.exists()
    assert street.post("/answers/", {**looked, "nonce": fresh()}).status_code == 200


def test_what_tells_that_somebody_left_says_no_more_than_a_day(street, send):
    street.post("/leave/", {"nonce": fresh()})

    (kept,) = SubmissionKey.objects.filter(spent=True)
    assert (kept.drop_after.hour, kept.drop_after.minute, kept.drop_after.second) == (0, 0, 0)
    assert timedelta(hours=24) < kept.drop_after - timezone.now() <= timedelta(hours=48)
    assert not bytes(kept.body_tag)


def test_a_follow_up_is_stored_like_a_tip(street, send):
    phrase = send().phrase
    opened = street.post("/answers/", {"phrase": " ".join(phrase.words)}).content.decode()
    visit = re.search(r'name="visit" value="([^"]+)"', opened)[1]

    page = street.post("/answers/add/", {"visit": visit, "text": "he is loading it now", "nonce": fresh()})

    assert "We have what you added" in page.content.decode()
    assert list(Tip.objects.order_by("number").values_list("number", flat=True)) == [0, 1]
    assert Due.objects.count() == 2


def test_a_follow_up_pressed_twice_is_one(street, send):
    phrase = send().phrase
    opened = street.post("/answers/", {"phrase": " ".join(phrase.words)}).content.decode()
    visit = re.search(r'name="visit" value="([^"]+)"', opened)[1]
    sent = {"visit": visit, "text": "he is loading it now", "nonce": fresh()}

    street.post("/answers/add/", sent)
    again = street.post("/answers/add/", sent)

    assert again.status_code == 200
    assert Tip.objects.count() == 2


def test_the_sender_sees_what_a_person_has_opened(program, street, send, tip_of, noon):
    done = send()
    actions.tell(tip_of(done), TipStatus.OPENED)
    typed = {"phrase": " ".join(done.phrase.words)}
    opened = street.post("/answers/", typed).content.decode()

    actions.follow_up(program, done.phrase, Message(text="he is loading it now"), channel="web", key="k" * 22, now=noon)
    added = street.post("/answers/", typed).content.decode()

    assert "A person has opened what you sent." in opened
    assert "not yet what you added" in added


def test_an_empty_follow_up_keeps_the_visit_open(street, send):
    phrase = send().phrase
    opened = street.post("/answers/", {"phrase": " ".join(phrase.words)}).content.decode()
    visit = re.search(r'name="visit" value="([^"]+)"', opened)[1]

    page = street.post("/answers/add/", {"visit": visit, "text": " ", "nonce": fresh()})

    assert page.status_code == 422
    assert 'name="visit"' in page.content.decode()


def test_a_visit_that_is_over_keeps_what_was_typed(street, send):
    page = street.post("/answers/add/", {"visit": "made up", "text": "he is loading it now", "nonce": fresh()})

    assert page.status_code == 403
    assert "he is loading it now" in page.content.decode()


def test_a_tip_about_insiders_gets_no_wrap_for_the_coordinators(street, seeds):
    street.post("/", {"text": "The sergeant", "insider": "on", "nonce": fresh()})

    assert set(Wrap.objects.values_list("purpose", flat=True)) == {"oversight", "identity"}


def test_no_row_keeps_a_minute(street, seeds):
    street.post("/", {"text": "He sells pills", "nonce": fresh()})

    forget = SubmissionKey.objects.get().drop_after
    assert (forget.minute % 15, forget.second, forget.microsecond) == (0, 0, 0)
    assert Tip.objects.get().week.weekday() == 0
    assert Due.objects.get().lease_until is None


@pytest.mark.parametrize("path", ["/", "/answers/", "/noted/", "/leave/", "/healthz", "/nowhere"])
def test_every_page_is_strict_and_sets_no_cookie(street, seeds, path):
    page = street.get(path)

    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]
    assert page["Referrer-Policy"] == "same-origin"
    assert page["Cache-Control"] == "no-store"
    assert page["X-Content-Type-Options"] == "nosniff"
    assert "charset" in page["Content-Type"]
    assert not page.cookies


@pytest.mark.parametrize("path", ["/answers/add/", "/answers/lock/"])
def test_nothing_changes_by_looking(street, seeds, path):
    assert street.get(path).status_code == 405


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def test_the_receipt_shows_words_and_numbers_of_one_secret(street, seeds):
    page = street.post("/", {"text": "He sells pills", "nonce": fresh()}).content.decode()

    numbers = re.findall(r">\s*([1-8][0-9]{3})\s*<", page)[:7]
    assert Phrase.parse(" ".join(numbers)) == Phrase.parse(" ".join(words_in(page)))


@pytest.mark.parametrize(("path", "status"), [("/nowhere-in-particular", 404), ("/", 422)])
def test_a_refused_request_leaves_no_line_in_any_log(street, seeds, capfd, path, status):
    answer = street.get(path) if status == 404 else street.post(path, {"text": "", "nonce": fresh()})

    written = capfd.readouterr()
    assert answer.status_code == status
    assert (written.out, written.err) == ("", "")
