"""The living page of components, /styleguide/: what the pages of both doors are built from.

Each part is a small template in templates/styleguide/; the page shows it drawn and as markup, so the
two cannot drift apart. Mounted on the coordinators' door where TIPLINE_ENV is local.
"""

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.urls import path
from django.utils.safestring import SafeString, mark_safe

# Slug (the name of the template), title, what to know.
PARTS = [
    ("buttons", "Buttons", "One plain button to a place: the likely next step. The rest are quiet."),
    ("levels", "Levels and tags", "A shape, a word and a colour. Red is for imminent only."),
    ("locks", "Locked and unlocked", "Stands in the page header, always."),
    ("notices", "Notices", "What is so, what went well, what needs care."),
    ("cards", "Cards", "The danger card is the same for everyone, above the box of the public form."),
    (
        "fields",
        "Form fields",
        "Label, hint, error, field: in this order, and the field is described by both.",
    ),
    ("errors", "Error summary", "Stands above a refused form with tabindex=-1 and autofocus."),
    ("folds", "Folded parts and secrets", "Details that share a name open one at a time."),
    ("toolbar", "Filters and tabs", "Links, so that each view has its address."),
    ("queue", "Queue", "A table on a desk, cards on a phone; the roles keep it a table for a screen reader."),
    ("pages", "Pages", "From page to page of a long list."),
    ("call_card", "Call card", "On every urgent tip: whom to call, what to say, what not to say."),
    ("tip_page", "Tip page", "Left the words with the reasons, right the decisions; one column on a phone."),
    ("conversation", "Conversation", "Ours on the right."),
    ("timeline", "Timeline", "Everything that happened, and what comes next."),
    ("sealed", "Sealed", "What one may not open is shown as sealed, not hidden."),
    ("empty", "Nothing here", "Says what will change it."),
    ("progress", "Progress", "With the numbers beside it."),
    ("facts", "Facts", "A definition list."),
]


@dataclass(frozen=True)
class Part:
    """One component: drawn, and as the markup it was drawn from."""

    slug: str
    title: str
    note: str
    html: SafeString
    source: str


def parts() -> list[Part]:
    """Draw every component from its own template."""
    context = {"page_obj": Paginator(range(90), 30).page(2)}
    drawn = []
    for slug, title, note in PARTS:
        html = get_template(f"styleguide/{slug}.html").render(context)
        # Our own templates with our own sample words: nothing in them comes from a person.
        drawn.append(Part(slug, title, note, mark_safe(html), html.strip()))  # noqa: S308
    return drawn


def styleguide(request: HttpRequest) -> HttpResponse:
    """Show every component on one page."""
    return render(request, "styleguide.html", {"parts": parts(), "here": "styleguide", "local": True})


urlpatterns = [path("styleguide/", styleguide, name="styleguide")]
