"""What to ask on the phone, by what the caller talks about. Never who they are."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from triage.classify.taxonomy import Category
from triage.console import labels

Lines = list[str | Promise]

ALWAYS: Lines = [
    _("Is somebody in danger right now? If yes: they call the emergency number, and stay on the line if it is safe."),
    _("Are you safe to talk? Can anybody hear you?"),
    _("What did you see or hear yourself, and what did somebody tell you?"),
    _("Where? When did it begin, when was it last, when will it be next?"),
    _("Who else knows this? Could they guess that it was you?"),
    _("Does it get worse for you or for somebody if the police come today?"),
]
"""Asked of every caller."""

_OF: dict[Category, Lines] = {
    Category.SCHOOL_THREAT: [
        _("Which school, which day, which hour? Who was named or shown?"),
        _("Has the person a weapon, or a way to one? Where is it now?"),
        _("Where was it said: to your face, in a chat, in a game? Is there a picture of it?"),
    ],
    Category.SELF_HARM: [
        _("Is the person alone now? Where are they?"),
        _("Have they said how and when? Have they taken or prepared something?"),
        _("Can you stay with them, or can an adult you trust? Give the crisis line."),
    ],
    Category.THREAT_OF_VIOLENCE: [
        _("Against whom, how, and when? In which words was it said?"),
        _("Has the person done something like it before?"),
    ],
    Category.WEAPONS: [
        _("What kind, how many, where are they kept? Seen with your own eyes?"),
        _("Who can reach them? Are children in the house?"),
    ],
    Category.DRUGS: [
        _("What is sold, where, at which hours, how is it ordered and paid?"),
        _("Cars, colours, number plates? Who else comes and goes?"),
        _("Are there weapons, dogs, or children in the house?"),
    ],
    Category.CHILD_ABUSE: [
        _("Is the child with that person now? Where?"),
        _("How old is the child? What did the child say, in the child's words?"),
        _("Do not ask the child more than once: others are trained for it."),
    ],
    Category.HUMAN_TRAFFICKING: [
        _("Can the person leave, and have they their papers and phone?"),
        _("Where do they sleep and work? Who takes the money?"),
        _("Give the hotline; interpreters are there."),
    ],
    Category.DOMESTIC_VIOLENCE: [
        _("Is the person who hurts in the house now? Are there weapons?"),
        _("Are children there? Was somebody choked?"),
    ],
    Category.SEXUAL_OFFENCE: [
        _("Is the person safe now? Do they want a doctor or somebody to talk to?"),
        _("Do not ask for details they do not tell by themselves."),
    ],
    Category.WANTED_PERSON: [
        _("Where is the person now, and for how long? By which name do they go?"),
        _("Car, clothes, hair, scars, tattoos? Armed?"),
    ],
    Category.IMPAIRED_DRIVING: [_("On the road now: which street, which way, which car? Then the emergency number.")],
    Category.ELDER_ABUSE: [_("Can the person speak for themselves? Who has their money, their keys, their medicine?")],
    Category.ARSON: [_("What is to burn, when? Are people in it at that hour?")],
    Category.HATE_CRIME: [_("Who is meant? Which words or signs? Where do they meet or write?")],
    Category.GANG: [_("Which names, which signs, which street? What is planned next?")],
}


def of_categories() -> list[tuple[str, Lines]]:
    """Return the questions by category, in the order of the taxonomy, with the name people read."""
    return [(labels.category(category), _OF[category]) for category in Category if category in _OF]
