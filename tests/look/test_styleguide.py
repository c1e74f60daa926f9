"""The living page: every component, with roles and names in order."""

import pytest
from django import forms
from django.template.loader import render_to_string
from django.test import RequestFactory, override_settings
from django.utils.html import escape

from tests.look.pages import Page
from tipline import styleguide


@pytest.fixture
def guide() -> str:
    with override_settings(ROOT_URLCONF="tipline.styleguide"):
        return styleguide.styleguide(RequestFactory().get("/styleguide/")).content.decode()


def test_every_component_is_drawn_and_printed_as_markup(guide):
    for part in styleguide.parts():
        assert f'id="{part.slug}"' in guide
        assert part.html in guide
        assert escape(part.source) in guide


def test_the_styleguide_has_unique_ids_and_points_only_at_what_exists(guide):
    page = Page(guide)
    ids = page.values("id")
    sample_tips = {"tip-24", "tip-25", "tip-26", "tip-27"}
    pointed = page.values("for") + [part for value in page.values("aria-describedby") for part in value.split()]
    pointed += page.values("aria-labelledby") + [link[1:] for link in page.values("href") if link.startswith("#")]

    assert page.unmatched == []
    assert len(ids) == len(set(ids))
    assert set(pointed) - sample_tips <= set(ids)


@pytest.mark.parametrize(
    ("level", "word", "shape"),
    [
        ("imminent", "Imminent", "▲"),
        ("urgent", "Urgent", "◆"),
        ("priority", "Priority", "●"),
        ("routine", "Routine", "○"),
    ],
)
def test_a_level_is_a_word_and_a_shape_of_its_own(level, word, shape):
    drawn = Page(render_to_string("components/_level.html", {"level": level}))

    assert drawn.all("span")[0].text.split() == [shape, word]
    assert drawn.all("span")[1].attributes == {"aria-hidden": "true"}


def test_the_console_keeps_no_page_in_the_browser_and_evaluates_nothing(guide):
    config = next(m for m in Page(guide).all("meta") if m.attributes.get("name") == "htmx-config").attributes["content"]

    for needed in (
        '"allowEval":false',
        '"includeIndicatorStyles":false',
        '"historyCacheSize":0',
        '"allowScriptTags":false',
    ):
        assert needed in config


def test_the_console_says_whether_it_is_locked():
    assert "Unlocked" in render_to_string("components/_lock_state.html", {"unlocked": True})
    assert "Locked" in render_to_string("components/_lock_state.html", {"unlocked": False})


def test_a_pass_phrase_is_not_repeated_in_a_refused_page():
    class SignIn(forms.Form):
        words = forms.CharField()

    context = {"field": SignIn({"words": "correct horse battery"})["words"], "label": "Words", "type": "password"}

    assert "horse" not in render_to_string("components/_field.html", context)
    assert "horse" in render_to_string("components/_field.html", context | {"type": "text"})
