"""What only a browser can say: that it can be read by everyone, left at once, and worked with the keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.staticfiles import finders
from playwright.sync_api import expect

from tests.look.conftest import ORIGIN, Visit
from tests.look.pages import PUBLIC, WORDS
from tests.story.browsing import POLICY

pytestmark = pytest.mark.browser

EVERY = [*PUBLIC, "leave/", "styleguide"]
TOO_SMALL = """() => [...document.querySelectorAll('a[href], button, summary, input, select, textarea')]
    .filter(one => getComputedStyle(one).display !== 'inline' && !one.closest('.skip'))
    .filter(one => { const box = (one.closest('label') || one).getBoundingClientRect();
                     return box.width > 0 && box.height < 43.5; })
    .map(one => one.outerHTML.slice(0, 120))"""


def violations(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def test_the_checker_finds_a_fault_that_was_put_there(visit: Visit):
    page = visit("form")
    page.evaluate("document.querySelector('label').remove()")

    assert any(found.startswith("label") for found in violations(page))


def test_what_the_policy_stops_is_noticed(visit: Visit):
    page = visit("form")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'now = 1'}))")
    page.wait_for_timeout(50)

    assert [complaint for complaint in page.complaints if POLICY in complaint]
    # Each visit is looked at in the end, and this one has shown what it should.
    page.complaints.clear()


@pytest.mark.parametrize("name", EVERY)
def test_no_page_has_a_fault_that_axe_knows_in_light_or_dark(visit: Visit, name):
    page = visit(name)
    page.evaluate("document.querySelectorAll('details:not([name])').forEach(fold => { fold.open = true })")
    light = violations(page)
    page.emulate_media(color_scheme="dark")

    assert light == []
    assert violations(page) == []
    # The strict policy stopped nothing, and no script failed.
    assert page.complaints == []


@pytest.mark.parametrize("name", EVERY)
def test_every_page_fits_320_pixels_and_everything_to_press_is_44_high(visit: Visit, name):
    page = visit(name, width=320, height=256)
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")

    # 320 by 256 is what 400 % zoom leaves of a desk's screen.
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(TOO_SMALL) == []


@pytest.mark.parametrize("name", ["form", "receipt-to-spend", "conversation"])
def test_leaving_stays_in_reach_at_the_end_of_the_page(visit: Visit, name):
    page = visit(name)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")

    box = page.locator("nav.bar [data-leave]").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] < 100
    assert box["width"] > 300


@pytest.mark.parametrize("scripts", [True, False])
def test_after_leaving_back_brings_no_word_of_what_was_typed(visit: Visit, scripts):
    page = visit("", scripts=scripts)
    page.fill("#id_text", "a very particular sentence")
    page.click("nav.bar [data-leave]")
    page.wait_for_url(f"{ORIGIN}/leave/")

    assert page.title() == "New page"
    page.go_back()
    if page.url == f"{ORIGIN}/":
        assert page.input_value("#id_text") == ""
    assert "particular" not in page.content()


@pytest.mark.parametrize("name", ["receipt", "receipt-to-spend"])
def test_with_scripts_the_page_left_is_not_in_the_history(visit: Visit, name):
    page = visit("answers")
    page.goto(f"{ORIGIN}/{name}")
    page.click("nav.bar [data-leave]")
    page.wait_for_url(f"{ORIGIN}/leave/")

    page.go_back()

    assert page.url == f"{ORIGIN}/answers"


def test_escape_three_times_leaves_and_other_keys_between_do_not(visit: Visit):
    page = visit("")
    page.fill("#id_text", "he is here")
    for key in ("Escape", "Escape", "a", "Escape"):
        page.keyboard.press(key)
    assert page.url == f"{ORIGIN}/"

    # The one press before the two still counts; whoever presses once more out of fear must not stop the way out.
    for _ in range(3):
        page.keyboard.press("Escape")

    page.wait_for_url(f"{ORIGIN}/leave/")


def test_words_are_hidden_until_asked_and_only_one_stays_open_without_scripts(visit: Visit):
    page = visit("receipt", scripts=False)
    assert not page.get_by_text(WORDS[0], exact=True).is_visible()

    page.get_by_text("Show word 1").click()
    assert page.get_by_text(WORDS[0], exact=True).is_visible()
    page.get_by_text("Show word 2").click()

    assert page.get_by_text(WORDS[1], exact=True).is_visible()
    assert not page.get_by_text(WORDS[0], exact=True).is_visible()


@pytest.mark.parametrize("name", ["form-refused", "answers-refused", "error-typed"])
def test_the_error_summary_takes_the_focus(visit: Visit, name):
    page = visit(name, scripts=False)

    # A browser gives the focus a moment after the page stands.
    expect(page.locator(".errors")).to_be_focused()


def test_room_left_is_said_only_near_the_end(visit: Visit):
    page = visit("form")
    room = page.locator("[data-room-for]")
    page.fill("#id_text", "He is here")
    assert not room.is_visible()

    page.evaluate("document.getElementById('id_text').value = '😀'.repeat(99990)")
    page.type("#id_text", "!")

    assert room.inner_text() == "9 characters left."


def test_the_keyboard_walks_the_queue_and_can_be_switched_off(visit: Visit):
    page = visit("styleguide", width=1440)
    page.evaluate("document.querySelector('.is-here').classList.remove('is-here')")

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.textContent") == "TL 27"

    page.evaluate("document.documentElement.dataset.keys = 'off'")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "TL 27"


def test_the_keyboard_walks_on_over_the_ends_of_a_page(visit: Visit):
    page = visit("styleguide", width=1440)
    here = "document.querySelectorAll('[data-rows] [data-href]').length + ' ' + "
    here += "Array.from(document.querySelectorAll('[data-rows] [data-href]')).findIndex(e => e.matches('.is-here'))"

    for _ in range(3):
        page.keyboard.press("j")
    page.wait_for_url("**/styleguide?page=3#top")
    assert page.evaluate(here) == "4 0"

    page.keyboard.press("k")
    page.wait_for_url("**/styleguide?page=1#end")
    assert page.evaluate(here) == "4 3"


def test_a_key_acts_on_the_row_one_stands_on_and_on_no_other(visit: Visit):
    page = visit("styleguide", width=1440)
    page.evaluate("""() => {
        const rows = document.querySelectorAll("[data-rows] [data-href]");
        rows[2].insertAdjacentHTML("beforeend", "<td><button type=button data-key=a>Take</button></td>");
        rows[2].querySelector("button").addEventListener("click", () => { document.title = "taken"; });
    }""")

    page.keyboard.press("a")
    assert page.title() != "taken"
    page.keyboard.press("j")
    page.keyboard.press("a")

    assert page.title() == "taken"


def test_waiting_tips_are_counted_in_the_title(visit: Visit):
    page = visit("styleguide")

    page.evaluate("document.querySelector('[data-title-count]').dataset.titleCount = '3'")
    page.evaluate("document.dispatchEvent(new Event('htmx:afterSettle'))")

    assert page.title() == "(3) Styleguide"


def test_typing_into_a_field_is_not_taken_for_a_key(visit: Visit):
    page = visit("styleguide", width=1440)

    page.type("#guide-place", "jjj?")

    assert page.input_value("#guide-place") == "jjj?"
    assert not page.locator("dialog#keys").is_visible()


def test_the_stylesheet_in_use_is_the_one_that_was_measured():
    assert finders.find("tipline.css").endswith("static/tipline.css")
