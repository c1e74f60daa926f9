"""Words that look like no language the rules can read, and small words that only happen to be known."""

import numpy as np
import pytest

from triage.classify import classify
from triage.classify.folding import fold
from triage.classify.labelled import Labelled, own_tips
from triage.classify.language import languages_of
from triage.classify.lexicon import lexicon
from triage.classify.likeness import Likeness, doubtful, learn
from triage.classify.model import WEIGHTS, ModelError, model, read_model
from triage.classify.taxonomy import Urgency
from triage.classify.tokens import tokenise

FOREIGN = {
    "Romanian": "Mâine vine cu pistolul la școală, mi-a spus el",
    "Italian": "Ogni venerdì spaccia alla stazione, macchina rossa",
    "Polish": "Jutro przyniesie pistolet do szkoły, powiedział mi",
    "Croatian": "Sutra će donijeti pištolj u školu, rekao mi je",
    "Serbian": "Газда држи пасоше девојкама и туче их",
    "Czech": "Šéf drží holkám pasy a mlátí je",
    "Slovak": "Zajtra prinesie do školy pištoľ",
    "Hungarian": "Holnap pisztolyt hoz az iskolába, ő mondta nekem",
    "Finnish": "Huomenna hän tuo aseen kouluun",
    "Lithuanian": "Rytoj jis atneš ginklą į mokyklą",
    "Albanian": "Një djalë në klasën time ka një pistoletë në çantë",
    "German": "Mein Nachbar verkauft Drogen vor der Schule",
    "Icelandic": "Á morgun kemur hann með byssu í skólann",
    "Welsh": "Yfory mae e'n dod â gwn i'r ysgol",
    "Haitian": "Demen li pral pote yon zam nan lekòl la, li di m sa",
    "Swahili": "Bosi anashika pasipoti za wasichana na kuwapiga",
    "Somali": "Walaashay ma rabto inay noolaato",
    "Kurdish": "Sibê ew ê çekê bîne dibistanê",
    "Ukrainian": "Дитина плаче весь день, мама п'є, допоможіть",
    "Ukrainian, whose words Russian has": "Дядько чіпає мою маленьку двоюрідну сестру",
    "Belarusian": "Заўтра ён прынясе пісталет у школу",
    "Macedonian": "Утре ќе донесе пиштол во училиште",
    "Persian": "هر جمعه در ایستگاه مواد می فروشد",
    "Pashto": "زما ګاونډی هره شپه چرس خرڅوي",
}


def words(text: str) -> list:
    return tokenise(fold(text))


@pytest.mark.parametrize("language", FOREIGN)
def test_no_text_in_another_language_is_left_lying_as_routine(language):
    answer = classify(FOREIGN[language])

    assert answer.urgency.pages
    assert not answer.judged


@pytest.mark.parametrize(
    "text",
    [
        "mandem sellin zoots behind Greggs innit",
        "bare man wid shanks outside da yard rn",
        "neighbor's meth cook at it again, stinks",
        "mi vecino vende tachas afuera del kínder",
        "le gars du 3e deale du shit en bas",
        "Прикормленный участковый крышует точку за углом",
        "جارنا يبيع الحشيش من بلكونته",
    ],
)
def test_slang_and_odd_words_are_not_another_language(text):
    assert classify(text).judged


def test_a_text_with_several_small_words_is_never_in_doubt():
    text = "zxqv wrtp the vbnm and they qwrt with that plkj"
    read_as = languages_of(words(text), lexicon(), None)

    assert doubtful(words(text), read_as) == []
    assert not model().likeness.is_foreign(words(text), read_as)


def test_a_language_that_was_given_rules_after_the_last_training_is_not_taken_for_foreign():
    nothing = Likeness((), np.zeros((0, 1), np.uint8), np.zeros(0, np.float32))
    text = words(FOREIGN["Swahili"])

    assert not nothing.is_foreign(text, [lexicon().languages["pt"]])


def test_what_wakes_somebody_stands_even_in_no_language_that_is_known():
    text = "W piwnicy trzymają dziewczyny i zabierają im paszporty"
    read_as = languages_of(words(text), lexicon(), None)
    assert model().likeness.is_foreign(words(text), read_as)

    answer = classify(text)

    assert answer.judged
    assert answer.urgency.pages


def test_few_of_a_language_s_own_tips_look_like_none():
    tips = [tip for tip in own_tips() if tip.lang in model().likeness.languages][::7]
    read = [(tip, languages_of(words(tip.text), lexicon(), None)) for tip in tips]
    foreign = [tip for tip, as_ in read if as_ and model().likeness.is_foreign(words(tip.text), as_)]

    assert len(tips) > 3000
    assert len(foreign) < len(tips) / 300


def test_limits_are_learned_from_tips_of_other_files():
    def tip(text: str, file: str) -> Labelled:
        return Labelled(f"{file}-{text}", text, "en", frozenset({"other"}), Urgency.ROUTINE, file)

    told = [tip(f"neighbour sells pills at number {number}", f"a{number:02}") for number in range(16)]
    found = learn(told, lexicon(), 0.02, 0.9)
    english = found.languages.index("en")

    assert "zh" not in found.languages
    # Every word but the number stands in another file too, so a tip looks wholly like its language.
    assert found.limits[english] == pytest.approx(0.9)
    assert learn(told, lexicon(), 0.02, 2.0).limits[english] > 1
    assert found.alike(["neighbour", "pills"])[english] > 1
    assert found.alike(["susjed", "tablete"])[english] < found.limits[english]


@pytest.mark.parametrize("broken", ["likeness", "likeness_limits"])
def test_letters_of_the_wrong_form_are_refused(tmp_path, broken):
    with np.load(WEIGHTS) as stored:
        arrays = dict(stored)
    arrays[broken] = arrays[broken][1:]
    np.savez(tmp_path / "model.npz", **arrays)

    with pytest.raises(ModelError, match=broken):
        read_model(tmp_path / "model.npz")
