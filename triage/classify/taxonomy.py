"""The codes of what a tip is about and how soon it matters; they are stored and never change.

Labels for people live with the models, where they can be translated.
"""

from collections.abc import Iterable
from enum import StrEnum


class Urgency(StrEnum):
    """How soon a tip matters, worst first."""

    IMMINENT = "imminent"
    URGENT = "urgent"
    PRIORITY = "priority"
    ROUTINE = "routine"

    @property
    def pages(self) -> bool:
        """Whether this level wakes the person on call."""
        return self in (Urgency.IMMINENT, Urgency.URGENT)


class Category(StrEnum):
    """What a tip is about; one tip carries any number of these."""

    SCHOOL_THREAT = "school_threat"
    SELF_HARM = "self_harm"
    DRUGS = "drugs"
    THREAT_OF_VIOLENCE = "threat_of_violence"
    WEAPONS = "weapons"
    HOMICIDE = "homicide"
    ASSAULT = "assault"
    ROBBERY = "robbery"
    BREAK_AND_ENTER = "break_and_enter"
    THEFT = "theft"
    FRAUD = "fraud"
    SEXUAL_OFFENCE = "sexual_offence"
    CHILD_ABUSE = "child_abuse"
    HUMAN_TRAFFICKING = "human_trafficking"
    DOMESTIC_VIOLENCE = "domestic_violence"
    GANG = "gang"
    WANTED_PERSON = "wanted_person"
    ARSON = "arson"
    VANDALISM = "vandalism"
    BULLYING = "bullying"
    IMPAIRED_DRIVING = "impaired_driving"
    HATE_CRIME = "hate_crime"
    ANIMAL_CRUELTY = "animal_cruelty"
    ELDER_ABUSE = "elder_abuse"
    OTHER = "other"
    NOT_A_TIP = "not_a_tip"


STAND_ALONE = frozenset({Category.OTHER, Category.NOT_A_TIP})
"""Categories that never stand beside another."""

_DANGER_TO_OTHERS = frozenset({Category.SCHOOL_THREAT, Category.THREAT_OF_VIOLENCE, Category.HOMICIDE})


def of_self_harm(categories: Iterable[str]) -> bool:
    """Whether somebody may hurt themselves and, as far as is said, nobody else: then other people can help first."""
    said = set(categories)
    return Category.SELF_HARM in said and not said & _DANGER_TO_OTHERS


WORST_FIRST: tuple[Urgency, ...] = tuple(Urgency)


def worse(a: Urgency, b: Urgency) -> Urgency:
    """Return the more pressing of two levels: when between two, the higher is taken."""
    return min(a, b, key=WORST_FIRST.index)
