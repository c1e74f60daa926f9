"""A ladder's own steps for tips of somebody who may hurt themselves."""

import pytest

from intake.message import Message
from triage.assess import judge
from triage.classify.taxonomy import of_self_harm
from triage.escalation import ladders
from triage.models import Channel, Escalation, LadderWho, Urgency

pytestmark = pytest.mark.django_db
SELF_HARM = "I have pills and I will kill myself tonight"
THREAT = "He said he will bring his uncle's gun to school tomorrow and shoot"
SMS, VOICE = [Channel.SMS], [Channel.VOICE]


@pytest.fixture
def crisis(ada, ben, chief, make_ladder, on_call):
    """The first on call by SMS; for self-harm everyone, by voice."""
    on_call(ada, ben)
    for urgency in (Urgency.URGENT, Urgency.IMMINENT):
        make_ladder((0, LadderWho.FIRST, SMS), urgency=urgency, self_harm=[(0, LadderWho.EVERYONE, VOICE)])


def _means(page):
    return [(step["after"], len(step["people"]), step["channels"]) for step in ladders.of(page)["steps"]]


def test_it_climbs_the_steps_that_are_for_it(crisis, make_tip, assess, worker_host):
    tip = make_tip(SELF_HARM)
    assess(tip)

    assert _means(Escalation.objects.get(tip=tip)) == [(0, 2, ["voice"])]


def test_any_other_tip_climbs_the_others(crisis, make_tip, assess, worker_host):
    tip = make_tip(THREAT)
    assess(tip)

    assert _means(Escalation.objects.get(tip=tip)) == [(0, 1, ["sms"])]


def test_a_ladder_without_such_steps_is_climbed_by_all(staffed, make_tip, assess, worker_host):
    pages = []
    for text in (SELF_HARM, SELF_HARM + ", in the park"):
        tip = make_tip(text)
        assess(tip)
        pages.append(ladders.of(Escalation.objects.get(tip=tip))["steps"])

    assert [len(steps) for steps in pages] == [3, 3]


def test_a_danger_to_others_wins():
    assert of_self_harm(["self_harm"])
    assert of_self_harm(["self_harm", "weapons", "child_abuse"])
    assert not of_self_harm(["self_harm", "school_threat"])
    assert not of_self_harm(["self_harm", "threat_of_violence"])
    assert not of_self_harm(["homicide", "self_harm"])
    assert not of_self_harm(["drugs"])


def test_the_words_of_these_tests_are_read_as_they_say(program):

    assert of_self_harm(judge(Message(SELF_HARM)).categories)
    assert not of_self_harm(judge(Message(THREAT)).categories)


def test_who_has_not_read_it_climbs_the_ordinary_steps(crisis, make_case):
    case = make_case(Urgency.URGENT)

    ordinary = ladders.for_case(case, Urgency.URGENT)["steps"]
    own = ladders.for_case(case, Urgency.URGENT, self_harm=True)["steps"]

    assert [step["channels"] for step in ordinary] == [["sms"]]
    assert [step["channels"] for step in own] == [["voice"]]
