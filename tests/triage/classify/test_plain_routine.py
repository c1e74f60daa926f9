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
    """One did at the last training, three before (the model's limits are in docs/triage-model.md)."""
    woken = [text for text in EVERYDAY if classify(text).urgency.pages]

    assert len(woken) <= 2, woken


def test_paint_on_a_school_wall_is_no_attack_on_the_school():
    for text in ["they are spray painting the back wall of the school gym", "spray paint on the school bus again"]:
        assert "en.shoot-up-school" not in {reason.rule for reason in classify(text).reasons}
    assert "en.shoot-up-school" in {reason.rule for reason in classify("he will spray the school on monday").reasons}
