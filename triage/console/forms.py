"""What a coordinator may send on the page of one tip. Forms check form; the actions decide."""

from django import forms
from django.utils.translation import gettext_lazy as _

from triage.console.cases import CloseReason
from triage.console.labels import CATEGORIES
from triage.models import Urgency

ANSWER_LIMIT = 4000
NOTE_LIMIT = 1000
SHORTEST_REASON = 10


class Versioned(forms.Form):
    """Carries which version of the case the page showed."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


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
    """An answer to the tipster, and the number of the message it stands under."""

    text = forms.CharField(
        label=_("Your answer"),
        max_length=ANSWER_LIMIT,
        error_messages={"required": _("Write an answer first.")},
    )
    after = forms.IntegerField(min_value=0, max_value=30000, widget=forms.HiddenInput)


class CloseForm(Versioned):
    """Why the tip is finished with."""

    reason = forms.ChoiceField(
        label=_("Why"), choices=CloseReason.choices, error_messages={"required": _("Choose a reason.")}
    )
    note = forms.CharField(label=_("What to remember"), max_length=NOTE_LIMIT, required=False)


class ReopenForm(Versioned):
    """Nothing but the version."""


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
    """Nothing more to write: the reason is the one a colleague agreed to."""
