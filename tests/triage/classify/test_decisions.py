"""What the classifier must say about plain texts."""

import pytest

from triage.classify import Assessment, Category, Urgency, classify, shipped_version, worse
from triage.classify.labelled import own_tips
from triage.classify.model import model
from triage.classify.taxonomy import STAND_ALONE


def explained(answer: Assessment, text: str) -> set[str]:
    return {text[reason.start : reason.end].lower() for reason in answer.reasons}


def test_a_gun_coming_to_school_tomorrow_is_imminent_and_says_why():
    text = "He said he will bring his uncle's gun to school tomorrow"

    answer = classify(text)

    assert answer.urgency is Urgency.IMMINENT
    assert {Category.SCHOOL_THREAT, Category.WEAPONS} <= set(answer.categories)
    assert "bring his uncle's gun to school tomorrow" in explained(answer, text)
    assert any("known time" in reason.explanation for reason in answer.reasons)


@pytest.mark.parametrize("text", ["he is loading it now", "Update: he has the rifle in the car now"])
def test_a_follow_up_that_somebody_is_arming_himself_pages_and_says_why(text):
    answer = classify(text)

    assert answer.urgency.pages
    assert answer.reasons


@pytest.mark.parametrize(
    "text",
    [
        "I want to die",
        "i dont want to live anymore",
        "Je veux mourir",
        "je veux plus vivre",
        "Quiero morirme",
        "vou me matar",
        "不想活了",
        "хочу умереть",
        "gusto ko na mamatay",
    ],
)
def test_wanting_to_die_is_urgent_self_harm(text):
    answer = classify(text)

    assert answer.urgency.pages
    assert Category.SELF_HARM in answer.categories


def test_means_a_time_and_a_farewell_are_imminent():
    answer = classify("I have pills and I'll take them tonight, goodbye")

    assert answer.urgency is Urgency.IMMINENT
    assert answer.categories[0] == Category.SELF_HARM


@pytest.mark.parametrize("text", ["this exam is killing me", "This EXAM is killing me lol", "cet examen me tue mdr"])
def test_a_figure_of_speech_wakes_nobody(text):
    answer = classify(text)

    assert answer.urgency is Urgency.ROUTINE
    assert answer.categories == (Category.NOT_A_TIP,)


def test_a_figure_of_speech_does_not_hide_a_threat_beside_it():
    answer = classify("this exam is killing me. He will bring a gun to school tomorrow")

    assert answer.urgency is Urgency.IMMINENT


def test_a_plain_threat_cannot_be_outvoted_by_harmless_words():
    harmless = "we played minecraft and watched a movie lol thank you all is fine haha " * 20

    answer = classify(harmless + "He will bring a gun to school tomorrow.")

    assert answer.urgency is Urgency.IMMINENT


def test_the_ticked_box_means_at_least_urgent_and_is_given_as_a_reason():
    quiet = classify("the street lamp is broken")
    ticked = classify("the street lamp is broken", danger_ticked=True)

    assert not quiet.urgency.pages
    assert ticked.urgency is Urgency.URGENT
    assert "form.danger" in {reason.rule for reason in ticked.reasons}


def test_the_ticked_box_never_lowers():
    assert classify("I have pills and I'll take them tonight, goodbye", danger_ticked=True).urgency == "imminent"


def test_a_message_in_an_unknown_language_is_urgent_and_said_to_be_unjudged():
    answer = classify("Ich habe Tabletten gekauft und schreibe gerade die Briefe an alle")

    assert not answer.judged
    assert answer.language is None
    assert answer.urgency is Urgency.URGENT


@pytest.mark.parametrize("text", ["", " ", "🙂🙂🙂", "12345", "???", "\x00", "\ud800"])
def test_what_has_no_words_is_priority_by_default(text):
    answer = classify(text)

    assert not answer.judged
    assert answer.urgency is Urgency.PRIORITY


def test_a_program_may_have_wordless_tips_paged_but_never_made_routine():
    assert classify("???", short_unjudged=Urgency.URGENT).urgency is Urgency.URGENT
    assert classify("???", short_unjudged=Urgency.ROUTINE).urgency is Urgency.PRIORITY


@pytest.mark.parametrize(
    "text",
    ["hello test test", "the lamp in our street is broken", "i want to die", "he sells weed", "asdf"],
)
def test_stand_alone_categories_stand_alone(text):
    answer = classify(text)

    assert answer.categories
    assert len(answer.categories) == 1 or not STAND_ALONE & set(answer.categories)


def test_what_pages_is_never_called_not_a_tip():
    assert Category.NOT_A_TIP not in classify("testing 123 is this thing on, I want to die").categories


@pytest.mark.parametrize(
    "text",
    ["k1ll mys3lf tonight", "i want to k\u200bi\u200bl\u200bl myself", "I WANT TO DIEEEE",
     "i wаnt to die",
     "𝐢 𝐰𝐚𝐧𝐭 𝐭𝐨 𝐝𝐢𝐞", "i want to d i e tonight, kms", "I want to d\u00adie"],
)  # fmt: skip
def test_a_disguised_word_is_still_found(text):
    assert classify(text).urgency.pages


def test_scores_name_every_category_and_lie_between_nought_and_one():
    scores = classify("he has a knife in his locker").scores

    assert set(Category) <= set(scores)
    assert all(0 <= score <= 1 for score in scores.values())


def test_every_answer_names_its_model_and_its_rules():
    assert classify("hello").version == shipped_version()
    assert shipped_version().startswith(f"{model().version}/rules-")
    assert len(shipped_version()) <= 40  # as long as its column


@pytest.mark.parametrize(("a", "b", "higher"), [("routine", "urgent", "urgent"), ("imminent", "priority", "imminent")])
def test_between_two_levels_the_higher_is_taken(a, b, higher):
    assert worse(Urgency(a), Urgency(b)) == higher
    assert worse(Urgency(b), Urgency(a)) == higher


@pytest.mark.parametrize(
    "text",
    [
        "عندنا حداد يصنّع كواتم ومسدسات في ورشته ورا الجامع",
        "لسه هلق حدا قدام الباب ومعه سكينة وعم يصرخ",
        "Опять у нас под окнами стреляют, все боятся, и никто туда не идет",
    ],
)
def test_everyday_arabic_of_several_countries_and_russian_are_read(text):
    assert classify(text).judged


@pytest.mark.parametrize(
    "text",
    [
        "Il mio vicino picchia sua moglie ogni notte",
        "Mijn buurman slaat zijn vrouw elke nacht en ik ben bang",
        "Komşum her gece karısını dövüyor",
        "Vecinul meu își bate soția în fiecare noapte",
        "Hàng xóm của tôi đánh vợ mỗi đêm",
        "همسایه ما هر شب زنش را کتک می زند و من می ترسم که او را بکشد",
        "Брат ми каза че тази вечер ще се самоубие и има пушка в стаята",
    ],
)
def test_a_language_that_only_resembles_one_we_read_is_never_read_as_that_one(text):
    answer = classify(text)

    assert not answer.judged
    assert answer.urgency is Urgency.URGENT


def test_few_labelled_tips_are_taken_for_an_unknown_language():
    """Who is woken for tips that nothing has read stops listening."""
    tips = own_tips()[::5]
    unread = [tip.name for tip in tips if not classify(tip.text).judged]

    assert len(unread) < len(tips) / 50
