"""Danger said plainly pages, whatever a model learned from hard cases; harmless words of the same kind do not."""

import pytest

from triage.classify import classify

PLAIN = [
    "There is a bomb in the school",
    "somebody is going to shoot up the school on monday",
    "My brother took the shotgun and drove to the mosque to kill people",
    "a boy in my class has a list of people he wants to kill",
    "I will bomb the mosque on friday",
    "he is going to kill her",
    "my dad is beating my mom right now",
    "I am going to kill myself tonight",
    "my friend took a whole bottle of pills",
    "Il a une arme et il va tuer tout le monde au lycée demain",
    "Il va se suicider ce soir",
    "Va a traer una pistola a la escuela mañana",
    "Quiero matarme",
    "Ele vai atirar na escola amanhã",
    "他明天要带枪去学校杀人",
    "我想自杀",
    "Он принесет пистолет в школу завтра",
    "سيحضر مسدسا الى المدرسة غدا ويقتلهم",
    "dadalhin niya ang baril sa school bukas",
]
HARMLESS = ["this exam is killing me", "they sell weed behind the mall", "someone stole my bike", "test"]


@pytest.mark.parametrize("text", PLAIN)
def test_plain_danger_wakes_somebody(text):
    assert classify(text).urgency.pages


@pytest.mark.parametrize("text", HARMLESS)
def test_plain_harmless_words_wake_nobody(text):
    assert not classify(text).urgency.pages
