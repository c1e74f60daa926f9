"""Everyday tips, said plainly, seldom wake somebody: who is woken for them stops listening. The model learned none."""

from triage.classify import classify

EVERYDAY = [
    "The people upstairs play loud music every night",
    "kids are spray painting the bus shelter",
    "My neighbour parks badly",
    "Somebody stole my bike from the rack at the library yesterday",
    "A man sells weed behind the arcade on King street",
    "I lost my wallet on the bus",
    "There is a broken window at the old school",
    "someone keeps stealing packages from our porch",
    "My boss pays people cash and doesn't report it",
    "hello is this working",
    "How do I report a scam call?",
    "a lady shoplifts perfume at the pharmacy every week",
    "garbage bags are thrown in the creek behind our house",
    "Mon voisin se gare mal",
    "Quelqu'un a volé mon vélo",
    "He perdido mi cartera",
    "Los vecinos hacen mucho ruido",
    "roubaram meu celular no ônibus",
]


def test_few_everyday_tips_wake_somebody():
    """Five did when this was written (the model's limits are in docs/triage-model.md): more is a step back."""
    woken = [text for text in EVERYDAY if classify(text).urgency.pages]

    assert len(woken) <= 5, woken
