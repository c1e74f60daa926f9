"""What a coordinator may send on the page of one tip. Forms check form; the actions decide."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from triage.console.labels import CATEGORIES
from triage.models import Checked, Outcome, Urgency, User

ANSWER_LIMIT = 4000
NOTE_LIMIT = 1000
SHORTEST_REASON = 10
MORNING = time(8)


class Versioned(forms.Form):
    """Carries which version of the case the page showed."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class Beside(forms.Form):
    """One of several forms of a page: `beside` keeps the ids of its fields apart from the others'."""

    beside = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"id_{self.beside}_%s")
        super().__init__(*args, **kwargs)


class CorrectForm(Versioned):
    """A better level and better categories."""

    urgency = forms.ChoiceField(
        label=_("Level"), choices=Urgency.choices, error_messages={"required": _("Choose a level.")}
    )
    categories = forms.MultipleChoiceField(
        label=_("What it is about"),
        choices=list(CATEGORIES.items()),
        error_messages={"required": _("Choose at least one.")},
    )


class ReplyForm(forms.Form):
    """An answer to the tipster, and the number of the message it stands under.

    `version` is left out by pages that showed no conversation. `repeats` says that the writer has seen which
    words of the tip the answer repeats.
    """

    text = forms.CharField(
        label=_("Your answer"),
        max_length=ANSWER_LIMIT,
        error_messages={"required": _("Write an answer first.")},
    )
    after = forms.IntegerField(min_value=0, max_value=30000, widget=forms.HiddenInput)
    version = forms.IntegerField(min_value=0, required=False, widget=forms.HiddenInput)
    wait = forms.BooleanField(label=_("I wait for what the sender says to it"), required=False)
    repeats = forms.BooleanField(label=_("I know. Send it with these words"), required=False)


class CloseForm(Versioned):
    """Why the tip is finished with."""

    reason = forms.ChoiceField(
        label=_("Why"), choices=Outcome.choices, error_messages={"required": _("Choose a reason.")}
    )
    note = forms.CharField(label=_("What to remember"), max_length=NOTE_LIMIT, required=False)


class ReopenForm(Beside, Versioned):
    """Why a closed tip is taken up again."""

    beside = "reopen"

    why = forms.CharField(
        label=_("Why do you open it again?"),
        max_length=NOTE_LIMIT,
        error_messages={"required": _("Write a reason: it stays on record.")},
    )


class UndoForm(Versioned):
    """Nothing but the version."""


class NoteForm(Beside):
    """A note, for the team or for oneself."""

    beside = "keep"

    text = forms.CharField(
        label=_("A note"), max_length=ANSWER_LIMIT, error_messages={"required": _("Write a note first.")}
    )
    private = forms.BooleanField(label=_("For me alone"), required=False)


class HandOverForm(Beside):
    """To whom, and what they should know. `people` are those it may go to."""

    beside = "hand"

    to = forms.TypedChoiceField(label=_("To whom"), error_messages={"required": _("Choose somebody.")})
    text = forms.CharField(label=_("What they should know"), max_length=NOTE_LIMIT, required=False)

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(each.pk): each for each in people}
        field = self.fields["to"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [(key, each.name) for key, each in self.people.items()]
        field.coerce = self.people.__getitem__


class LookAgainForm(forms.Form):
    """When to look again."""

    WHEN = (
        ("2h", _("In two hours")),
        ("1", _("Tomorrow morning")),
        ("3", _("In three days")),
        ("7", _("In a week")),
        ("14", _("In two weeks")),
        ("30", _("In a month")),
        ("never", _("Not any more")),
    )
    when = forms.ChoiceField(label=_("Look again"), choices=WHEN, error_messages={"required": _("Choose when.")})

    def at(self, now: datetime, zone: str) -> datetime | None:
        """Return the time that was chosen, mornings where the program is; None for not any more."""
        when = self.cleaned_data["when"]
        if when == "never":
            return None
        if when == "2h":
            return now + timedelta(hours=2)
        day = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=int(when))
        return datetime.combine(day, MORNING, ZoneInfo(zone))


class ToldForm(forms.Form):
    """Who was told: a role or a place, no person and no word of the tip."""

    who = forms.CharField(
        label=_("Who was told"), max_length=80, error_messages={"required": _("Say who was told: a role, no name.")}
    )


class DutyForm(Beside):
    """To whom it was reported, or why not."""

    beside = "duty"

    to = forms.CharField(label=_("Reported to"), max_length=80, required=False)
    why = forms.CharField(label=_("Or: not needed, because"), max_length=NOTE_LIMIT, required=False)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if not found.get("to") and not found.get("why"):
            self.add_error("to", _("Say to whom it was reported, or why that is not needed."))
        return found


class CheckForm(forms.Form):
    """What the second person found."""

    note = forms.CharField(label=_("What to remember"), max_length=NOTE_LIMIT, required=False)
    did = forms.ChoiceField(choices=Checked.choices)
    verdict = forms.ChoiceField(choices=(("right", ""), ("back", "")))


class SubmitterForm(forms.Form):
    """The written reason for opening who the sender is."""

    why = forms.CharField(
        label=_("Why do you need to know who it is?"),
        min_length=SHORTEST_REASON,
        max_length=NOTE_LIMIT,
        error_messages={
            "required": _("Write a reason: it stays on record."),
            "min_length": _("Write a little more: the reason stays on record."),
        },
    )


class AgreedForm(forms.Form):
    """Nothing more to write: the reason is the one a colleague agreed to, or a press says all."""
