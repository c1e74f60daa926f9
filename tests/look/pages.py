"""Every page of the street door with made-up contents, as the views would fill it."""

from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from typing import Any

from django.template.loader import render_to_string
from django.test import override_settings

from intake.channels.forms import FollowUpForm, TipForm
from intake.models import Program

WORDS = ["cabbage", "lantern", "untruth", "fiddle", "ozone", "shrapnel", "quarterly"]
NUMBERS = ["1412", "7721", "1093", "5518", "6420", "3117", "2086"]
TYPED = "He said <he> will & bring his uncle's gun"
REPLY = {"text": "Which entrance does he use?", "day": "Monday"}


def program(**changed: Any) -> Program:
    given = {
        "slug": "riverside",
        "name": "Riverside Tip Line",
        "changed_on": date(2026, 1, 5),
        "text_emergency": "Registered phones: call 911 and wait for their text.",
        "trafficking_hotline": "1-888-373-7888",
        "duty_text": "Nobody is on duty until 08:00; a message that sounds life-threatening wakes someone.",
    }
    return Program(**(given | changed))


def _refused() -> TipForm:
    return TipForm({"text": "", "danger": "yes", "insider": "yes", "place": "x" * 301, "people": "Dave", "name": "Al"})


def _conversation(**changed: Any) -> dict[str, Any]:
    given = {"replies": [REPLY], "state": "A person has opened what you sent.", "followup_form": FollowUpForm()}
    return given | {"visit": "visit-token", "nonce": "form-nonce", "sent": False} | changed


RECEIPT: dict[str, Any] = {"words": WORDS, "numbers": NUMBERS, "danger": True, "already": False, "visit": "visit-token"}
FAILED: dict[str, Any] = {"title": "Not sent yet", "message": "Try again in a minute.", "status": 503}

MANY = {"others": [("Lakeside", "/p/lakeside/"), ("Hill School", "/p/hill-school/")], "logo": (256, 80)}

# Name of the case: template, what it is given.
CASES: dict[str, tuple[str, Any]] = {
    "form": ("tip_form", lambda: {"form": TipForm(), "nonce": "form-nonce"}),
    "form-of-many": ("tip_form", lambda: {"form": TipForm(), "nonce": "form-nonce"} | MANY),
    "form-refused": ("tip_form", lambda: {"form": _refused(), "nonce": "form-nonce"}),
    "receipt": ("receipt", lambda: RECEIPT),
    "receipt-without-visit": ("receipt", lambda: RECEIPT | {"visit": "", "danger": False}),
    "receipt-to-spend": ("receipt", lambda: RECEIPT | {"spend": "form-nonce"}),
    "receipt-already": ("receipt", lambda: RECEIPT | {"words": None, "numbers": None, "already": True}),
    "noted": ("noted", dict),
    "answers": ("answers", dict),
    "answers-of-many": ("answers", lambda: MANY | {"error": True}),
    "answers-refused": ("answers", lambda: {"error": True}),
    "conversation": ("conversation", _conversation),
    "conversation-empty": ("conversation", lambda: _conversation(replies=[], sent=True)),
    "conversation-refused": ("conversation", lambda: _conversation(followup_form=FollowUpForm({"text": ""}))),
    "conversation-unsure-lock": ("conversation", lambda: _conversation(lock_error=True)),
    "locked": ("locked", dict),
    "error-typed": ("error", lambda: FAILED | {"typed": TYPED, "nonce": "form-nonce", "visit": "visit-token"}),
    "error": ("error", lambda: FAILED | {"status": 404}),
}
PUBLIC = sorted(CASES)


def draw(name: str, **changed: Any) -> str:
    """Return one public page; `changed` goes to the program."""
    template, context = CASES[name]
    with override_settings(ROOT_URLCONF="tipline.urls_public"):
        return render_to_string(f"intake/{template}.html", {"program": program(**changed), "base": "/"} | context())


def draw_leave() -> str:
    with override_settings(ROOT_URLCONF="tipline.urls_public"):
        return render_to_string("intake/leave.html")


@dataclass
class Element:
    """One start tag, with the text up to its end tag where it is not empty."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""
    inside: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """A page taken apart: its elements in order, each knowing what it stands inside of."""

    EMPTY = frozenset({"meta", "link", "input", "br", "img", "hr", "wbr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.unmatched: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), inside=[outer.tag for outer in self._open])
        self.elements.append(element)
        if tag not in self.EMPTY:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1].tag != tag:
            self.unmatched.append(tag)
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    def values(self, attribute: str) -> list[str]:
        return [element.attributes[attribute] or "" for element in self.elements if attribute in element.attributes]
