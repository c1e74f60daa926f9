"""The pages a frightened person meets: neutral, small, leaving in reach, nothing that a strict policy would stop."""

import re
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.test import override_settings

from intake import logo
from tests.look.pages import CASES, NUMBERS, PUBLIC, TYPED, WORDS, Page, draw, draw_leave

ROOT = Path(__file__).parents[2]
EVERY = [*PUBLIC, "leave"]
TEMPLATES = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "intake/templates").rglob("*.html")]


def page_of(name: str) -> Page:
    return Page(draw_leave() if name == "leave" else draw(name))


@pytest.mark.parametrize("name", EVERY)
def test_every_page_says_its_language_and_is_well_formed(name):
    page = page_of(name)

    assert page.all("html")[0].attributes["lang"] == "en"
    assert page.unmatched == []


@pytest.mark.parametrize("name", PUBLIC)
def test_the_title_is_neutral_and_the_same_on_every_page(name):
    assert page_of(name).all("title")[0].text == "Contact"


def test_the_neutral_page_says_nothing_of_us():
    html = draw_leave()

    assert not re.search(
        r"tip|stopper|crime|contact|riverside|police|message", html.replace("icon.png", ""), re.IGNORECASE
    )
    assert "tipline.css" not in html
    assert Page(html).all("a") == []


@pytest.mark.parametrize("name", PUBLIC)
def test_leaving_is_the_first_thing_on_every_page_after_the_skip_link(name):
    page = page_of(name)
    pressed = [one for one in page.elements if one.tag in {"a", "button"}]

    assert pressed[0].attributes["href"] == "#content"
    assert pressed[1].text == "Leave this page"
    assert "data-leave" in pressed[1].attributes
    assert "/leave/" in {pressed[1].attributes.get("href"), *page.values("action")[:1]}


@pytest.mark.parametrize("name", ["form", "form-refused", "conversation", "receipt"])
def test_a_long_page_can_be_left_from_its_end_too(name):
    assert len([link for link in page_of(name).all("a") if "data-leave" in link.attributes]) == 2


@pytest.mark.parametrize("name", EVERY)
def test_no_page_has_script_style_or_handlers_inside(name):
    page = page_of(name)

    assert page.all("style") == []
    assert all(script.attributes.get("src") and not script.text for script in page.all("script"))
    assert not [
        attribute for element in page.elements for attribute in element.attributes if attribute.startswith("on")
    ]
    assert page.values("style") == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_script_style_or_handlers_inside(template):
    source = template.read_text(encoding="utf-8")

    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:|hx-on", source)


@pytest.mark.parametrize("name", EVERY)
def test_no_page_names_another_origin(name):
    addresses = [address for what in ("src", "href", "action") for address in page_of(name).values(what)]

    assert addresses
    assert all(re.match(r"/(?!/)|#|tel:", address) for address in addresses)


@pytest.mark.parametrize("name", ["form", "form-of-many", "form-refused", "receipt", "conversation"])
def test_the_first_load_is_under_50_kilobytes(name):
    page = page_of(name)
    picture = logo.SIZE if "/logo.png" in page.values("src") else 0
    loaded = {address for what in ("src", "href") for address in page.values(what) if address.startswith("/static/")}
    files = [ROOT / "static" / address.removeprefix("/static/") for address in loaded]

    assert len(draw(name).encode()) + sum(file.stat().st_size for file in files) + picture < 50_000
    assert len(files) >= 3


@pytest.mark.parametrize("name", EVERY)
def test_ids_are_unique_and_everything_pointed_at_exists(name):
    page = page_of(name)
    ids = page.values("id")
    pointed = page.values("for") + [part for value in page.values("aria-describedby") for part in value.split()]
    pointed += page.values("aria-labelledby") + page.values("data-room-for")
    pointed += [address[1:] for address in page.values("href") if address.startswith("#")]

    assert len(ids) == len(set(ids))
    assert set(pointed) <= set(ids)


@pytest.mark.parametrize("name", ["form", "answers", "conversation", "error-typed"])
def test_a_browser_is_asked_to_remember_correct_and_translate_nothing(name):
    page = page_of(name)
    wanted = {"autocomplete": "off", "spellcheck": "false", "translate": "no", "writingsuggestions": "false"}

    written = [form for form in page.all("form") if "accept-charset" in form.attributes]
    typed = [
        element for element in page.elements if element.tag == "textarea" or element.attributes.get("type") == "text"
    ]
    assert written
    assert typed
    assert all(form.attributes.items() >= wanted.items() for form in written)
    assert all(
        box.attributes.get("autocomplete") == "off" and box.attributes.get("spellcheck") == "false" for box in typed
    )
    assert "notranslate" in draw(name)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_form_is_posted_to_our_own_door_and_no_secret_stands_in_an_address(name):
    page = page_of(name)

    assert {form.attributes["method"] for form in page.all("form")} <= {"post"}
    assert not [
        address for address in page.values("href") + page.values("action") if "token" in address or "?" in address
    ]


def test_the_questions_come_in_the_order_a_person_remembers():
    names = [
        name for name in dict.fromkeys(page_of("form").values("name")) if name in CASES["form"][1]()["form"].fields
    ]

    assert names[:7] == ["text", "danger", "about_me", "insider", "who_knows", "guessable", "worse_if_police"]
    assert names[7:] == ["people", "vehicle", "place", "time", "school", "name", "reach"]


def test_the_danger_card_stands_above_the_box_and_is_the_same_for_everyone():
    blank, refused = draw("form"), draw("form-refused")
    card = re.search(r'<section class="card card-danger stack".*?</section>', blank, re.DOTALL)[0]

    assert blank.index("card-danger") < blank.index("<textarea")
    assert card in refused
    for needed in ("911", "988", "1-888-373-7888", "wait for their text", "Nobody is on duty until 08:00"):
        assert needed in card


def test_a_program_without_hotline_or_text_number_shows_neither():
    card = draw("form", trafficking_hotline="", text_emergency="", duty_text="")

    assert "Held, or made to work" not in card
    assert "Cannot speak?" not in card


@pytest.mark.parametrize(("readers", "said"), [(1, "After that 1 person at"), (5, "After that 5 people at")])
def test_the_promise_counts_the_readers_in_force(readers, said):
    assert said in " ".join(draw("form", readers=readers).split())


def test_the_promise_names_the_police_officer_only_where_there_is_one():
    assert "One of them is a police officer." in draw("form", police_reader=True)
    assert "police officer" not in draw("form", police_reader=False)


def test_the_promise_stands_beside_the_button():
    html = draw("form")

    assert html.index("What happens to your words") < html.index('type="submit"') < html.index("</form>")
    assert html.count('type="submit"') == 1


def test_a_program_can_switch_the_submitter_details_off():
    page = Page(draw("form", identity_allowed=False))

    assert not {"name", "reach"} & set(page.values("name"))
    assert {"name", "reach"} <= set(page_of("form").values("name"))


def test_a_refused_form_says_what_to_do_on_top_and_beside_the_field_and_keeps_what_was_typed():
    html, page = draw("form-refused"), page_of("form-refused")
    summary = next(element for element in page.elements if element.attributes.get("class") == "errors stack")

    assert {"tabindex": "-1", "autofocus": None}.items() <= summary.attributes.items()
    assert html.index("errors-title") < html.index("<h1>")
    assert {"#id_text", "#id_place"} <= set(page.values("href"))
    assert html.count("Half a sentence is enough") >= 2
    refused = {
        element.attributes["id"] for element in page.elements if element.attributes.get("aria-invalid") == "true"
    }
    assert refused == {"id_text", "id_place"}
    assert {"Dave", "Al", "x" * 301} <= {box.text.strip() for box in page.all("textarea")} | set(page.values("value"))
    checked = {element.attributes["name"] for element in page.all("input") if "checked" in element.attributes}
    assert checked == {"danger", "insider"}
    assert len([fold for fold in page.all("details") if "open" in fold.attributes]) == 2


def test_the_blank_form_is_folded_and_empty():
    page = page_of("form")

    assert not [fold for fold in page.all("details") if "open" in fold.attributes]
    assert not [box for box in page.all("input") if "checked" in box.attributes]
    assert {box.attributes["value"] for box in page.all("input") if box.attributes["type"] == "text"} == {""}


def test_a_hint_belongs_to_its_own_question_only():
    html = draw("form")

    assert html.count("“only my sister”") == 1
    assert html.count("Then the people it may be about cannot open it.") == 1


def test_the_receipt_shows_no_word_until_asked_and_one_at_a_time():
    page = page_of("receipt")
    secrets = [element for element in page.elements if "data-secret" in element.attributes]

    assert [element.text for element in secrets] == WORDS + NUMBERS
    assert all("details" in element.inside for element in secrets)
    folded = [fold for fold in page.all("details") if fold.attributes.get("name") == "secret"]
    assert len(folded) == 14
    assert not [fold for fold in page.all("details") if "open" in fold.attributes]


def test_leaving_a_receipt_tells_that_its_words_were_seen():
    page = page_of("receipt-to-spend")
    spending = [form.attributes["action"] for form in page.all("form") if form.attributes["action"] != "/answers/"]

    assert spending == ["/leave/", "/noted/", "/noted/", "/leave/"]
    assert [box.attributes["value"] for box in page.all("input") if box.attributes["name"] == "nonce"] == [
        "form-nonce"
    ] * 4


@pytest.mark.parametrize("name", ["receipt", "receipt-to-spend"])
def test_the_receipt_offers_what_to_do_next(name):
    page = page_of(name)
    offered = [
        element.text.strip() for element in page.elements if "button" in (element.attributes.get("class") or "").split()
    ]

    assert offered == ["Leave this page", "I have them", "I do not want them", "Look for an answer", "Leave"]


def test_a_receipt_whose_words_are_gone_says_so_and_shows_none():
    html = draw("receipt-already")

    assert "cannot be shown again" in html
    assert not [word for word in WORDS + NUMBERS if word in html]


def test_a_receipt_says_that_somebody_is_called_only_when_danger_was_ticked():
    assert "Somebody is being called" in draw("receipt")
    assert "Somebody is being called" not in draw("receipt-without-visit")


def test_a_refused_phrase_is_not_repeated_and_the_summary_takes_the_focus():
    page = page_of("answers-refused")

    assert "value" not in next(box for box in page.all("input") if box.attributes["name"] == "phrase").attributes
    assert (
        next(box for box in page.elements if box.attributes.get("class") == "errors stack").attributes["tabindex"]
        == "-1"
    )


def test_an_error_shows_what_was_typed_escaped_and_ready_to_send_again():
    html, page = draw("error-typed"), page_of("error-typed")

    assert page.all("textarea")[0].text.strip() == TYPED
    assert "<he>" not in html
    assert {"form-nonce", "visit-token"} <= set(page.values("value"))
    assert "Send again" in html


def test_a_box_ticked_by_nobody_does_not_lock_a_code():
    page = page_of("conversation")
    box = next(box for box in page.all("input") if box.attributes["name"] == "confirm")

    assert "required" in box.attributes
    assert "checked" not in box.attributes
    assert "Tick the box first" in draw("conversation-unsure-lock")


@pytest.mark.parametrize("code", ["400", "403", "404", "500", "503"])
@pytest.mark.parametrize("door", ["tipline.urls_public", "tipline.urls_pager"])
def test_the_plain_errors_can_be_drawn_at_either_door_without_any_context(code, door):
    with override_settings(ROOT_URLCONF=door):
        page = Page(render_to_string(f"{code}.html"))

    assert page.all("h1")[0].text.strip()
    assert page.unmatched == []
