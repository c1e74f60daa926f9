"""What counts as the same event: the same words in another order or with a wrong letter, and nothing new."""

import itertools
import secrets
import string
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.incidents import signature, telling
from triage.incidents.telling import Kind

SECRET = b"s" * 32
PROGRAM = UUID(int=7)
KEY = signature.key_of(SECRET, PROGRAM, oversight=False)
THREAT = (
    "Marcus from grade eleven posted that he will bring his gun to the school tomorrow and shoot everybody "
    "in the science hallway. He showed the picture to his friends on the bus."
)


def likeness(known: str | list[str], new: str, **answers: str) -> signature.Likeness:
    earlier = [
        signature.sign(telling.read({"text": text}), KEY) for text in ([known] if isinstance(known, str) else known)
    ]
    told = telling.read({"text": new, **answers})
    mine = signature.sign(told, KEY)
    assert mine is not None
    assert all(earlier)
    return signature.same_event(told, mine, [each for each in earlier if each], KEY)


@pytest.mark.parametrize(
    "text",
    [
        THREAT,
        THREAT.upper(),
        "Please, " + THREAT + "!!!",
        THREAT + " 😭😭",
        "He showed the picture to his friends on the bus. " + THREAT.partition(". ")[0],
        THREAT.replace("everybody", "evrybody"),
        THREAT.replace("picture", "pictrue").replace("showed", "shwed"),
        THREAT.replace("gun", "g\u200bun"),
    ],
)
def test_the_same_words_in_another_guise_are_the_same_event(text):
    assert likeness(THREAT, text).same


@pytest.mark.parametrize(
    ("text", "word", "kind"),
    [
        (THREAT.replace("science", "music"), "music", Kind.WORD),
        (THREAT.replace("hallway", "gym"), "gym", Kind.PLACE),
        (THREAT.replace("tomorrow", "on Friday"), "friday", Kind.TIME),
        (THREAT + " At 9:40.", "9", Kind.NUMBER),
        (THREAT.replace("gun", "knife"), "knife", Kind.MEANS),
        (THREAT.replace("Marcus", "Jayden"), "jayden", Kind.WORD),
        (THREAT + " With Jayden.", "jayden", Kind.NAME),
        (THREAT.replace("he will", "he will not"), "not", Kind.WORD),
        (THREAT.replace("eleven", "twelve"), "twelve", Kind.NUMBER),
    ],
)
def test_a_new_place_time_name_number_or_means_is_news(text, word, kind):
    found = likeness(THREAT, text)

    assert found.share >= signature.ALIKE
    assert not found.same
    assert (word, kind) in [(each.text, each.kind) for each in found.differs]
    assert all(text[each.start : each.end].lower().startswith(each.text[:1]) for each in found.differs)


def test_a_new_answer_beside_the_same_text_is_news():
    found = likeness(THREAT, THREAT, place="Portable 6")

    assert [(word.text, word.answer) for word in found.differs] == [("portable", "place"), ("6", "place")]


def test_what_any_tip_of_the_event_said_is_no_news():
    known = [THREAT, THREAT.replace("hallway", "gym")]

    assert likeness(known, THREAT.replace("hallway", "gym")).same


@pytest.mark.parametrize(
    "text", ["", "help", "he has a gun", "I want to die", "😭" * 50, "a b", "gun gun gun gun gun gun"]
)
def test_what_is_too_short_to_tell_of_one_event_has_no_signature(text):
    assert signature.sign(telling.read({"text": text}), KEY) is None


NOTHINGS = [
    "I think the man who lives behind the bakery sells stolen bicycles every weekend",
    "My neighbour drives home drunk from the bar on Queen street almost every night",
    "Somebody sprayed paint on the wall of the library and broke two windows",
    "There is a dog locked in a car with no water behind the shopping centre",
    "Je pense que l'homme qui habite derrière la boulangerie vend des vélos volés",
    "Mon voisin conduit ivre presque tous les soirs en rentrant du bar du coin",
    "Creo que el hombre que vive detrás de la panadería vende bicicletas robadas",
    "Mi vecino conduce borracho casi todas las noches cuando vuelve del bar",
    "Acho que o homem que mora atrás da padaria vende bicicletas roubadas",
    "Ich glaube, dass der Mann hinter der Bäckerei gestohlene Fahrräder verkauft",
    "Penso che l'uomo che vive dietro il panificio venda biciclette rubate",
    "Я думаю, что мужчина за пекарней продаёт краденые велосипеды каждые выходные",
    "我觉得住在面包店后面的那个人每个周末都在卖偷来的自行车",
    "أعتقد أن الرجل الذي يسكن خلف المخبز يبيع دراجات مسروقة كل أسبوع",
    "میرا خیال ہے کہ بیکری کے پیچھے رہنے والا آدمی چوری کی سائیکلیں بیچتا ہے",
    "ਮੈਨੂੰ ਲੱਗਦਾ ਹੈ ਕਿ ਬੇਕਰੀ ਦੇ ਪਿੱਛੇ ਰਹਿਣ ਵਾਲਾ ਬੰਦਾ ਚੋਰੀ ਦੇ ਸਾਈਕਲ ਵੇਚਦਾ ਹੈ",
    "Sa tingin ko ang lalaking nakatira sa likod ng panaderya ay nagbebenta ng nakaw na bisikleta",
    "Sanırım fırının arkasında oturan adam her hafta sonu çalıntı bisiklet satıyor",
    "Myślę, że mężczyzna mieszkający za piekarnią sprzedaje kradzione rowery",
    "Ik denk dat de man die achter de bakker woont gestolen fietsen verkoopt",
]


def test_unrelated_tips_in_many_languages_are_never_the_same():
    pairs = list(itertools.permutations([*NOTHINGS, THREAT], 2))

    assert not [pair for pair in pairs if likeness(*pair).share >= signature.ALIKE]
    assert not [pair for pair in pairs if likeness(*pair).same]


def test_a_tip_copied_in_each_language_is_the_same():
    assert all(likeness(text, text + " !!").same for text in NOTHINGS)


@given(st.permutations(THREAT.split(". ")), st.integers(0, 200), st.sampled_from(string.ascii_lowercase))
def test_order_and_one_wrong_letter_in_a_long_word_change_nothing_that_pages(sentences, place, letter):
    plain = ". ".join(sentences)
    words = plain.split()
    long = [
        at
        for at, word in enumerate(words)
        if word in ("posted", "everybody", "picture", "showed", "friends", "science")
    ]
    at = long[place % len(long)]
    where = 1 + place % (len(words[at]) - 1)
    words[at] = words[at][:where] + letter + words[at][where + 1 :]

    found = likeness(THREAT, " ".join(words))

    assert not found.differs


@given(st.text(max_size=300))
def test_no_text_makes_signing_fail(text):
    told = telling.read({"text": text, "place": text[:20]})
    mine = signature.sign(told, KEY)

    assert mine is None or signature.from_bytes(signature.to_bytes(mine), mine.bands).known == mine.known


def test_another_key_program_or_side_gives_an_unrelated_signature():
    told = telling.read({"text": THREAT})
    others = [
        signature.key_of(secrets.token_bytes(32), PROGRAM, oversight=False),
        signature.key_of(SECRET, UUID(int=8), oversight=False),
        signature.key_of(SECRET, PROGRAM, oversight=True),
    ]
    mine = signature.sign(told, KEY)
    assert mine is not None

    for key in others:
        theirs = signature.sign(told, key)
        assert theirs is not None
        assert theirs.known is not None
        assert mine.known is not None
        assert not mine.bands & theirs.bands
        assert len(mine.known & theirs.known) <= 1
        assert float(np.mean(mine.minima == theirs.minima)) < 0.1


def test_a_dictionary_of_guesses_finds_nothing_without_the_key():
    mine = signature.sign(telling.read({"text": THREAT}), KEY)
    assert mine is not None
    guesses = [THREAT, *NOTHINGS, *(THREAT.replace("Marcus", name) for name in ("Liam", "Noah", "Ava", "Mia"))]
    wrong = signature.key_of(b"guessed" * 9, PROGRAM, oversight=False)

    hit = [signature.sign(telling.read({"text": guess}), wrong) for guess in guesses]
    control = [signature.sign(telling.read({"text": guess}), KEY) for guess in guesses]

    assert not [each for each in hit if each and each.bands & mine.bands]
    assert [each for each in control if each and each.bands & mine.bands]
