"""The sorter of German errors: what it learns, that it finds what is planted, and nothing where nothing is wrong."""

import pytest

from course_utils import load_task_data
from course_utils.lessons.german_errors import (
    ELSEWHERE,
    ENDING,
    FRONT,
    KINDS,
    LENGTH,
    NAME,
    NOUN,
    ORDER,
    OTHER,
    PREFIX,
    TENSE,
    TIME,
    UNKNOWN,
    VERB,
    GermanErrors,
    stem,
    time_in_front,
)

SOURCE = "Marta Klein painted the old gate in the park on Monday."
RIGHT = "Am Montag hat Marta Klein im Park das alte Tor gestrichen."


@pytest.fixture(scope="module")
def records():
    return [load_task_data("translation", data) for data in ("embedded", "control")]


@pytest.fixture(scope="module")
def sorter(records):
    return GermanErrors(*(each["train"] for each in records))


@pytest.mark.parametrize(("text", "kinds"), [
    (RIGHT, set()),
    ("Am Montag strich Marta Klein im Park das alte Tor.", {TENSE}),
    ("Marta Klein hat am Montag im Park das alte Tor gestrichen.", {FRONT}),
    ("Marta Klein strich am Montag im Park das alte Tor.", {TENSE, FRONT}),
    ("Am Montag hat Marta Klein das alte Tor im Park gestrichen.", {ORDER}),
    (RIGHT.replace("Klein", "Stein"), {NAME}),
    (RIGHT.replace("Montag", "Dienstag"), {TIME}),
    (RIGHT.replace("Tor", "Fenster"), {NOUN}),
    (RIGHT.replace("das alte Tor", "den alten Zaun"), {NOUN}),          # the article follows the noun, and is no second fault
    (RIGHT.replace("gestrichen", "verkauft"), {VERB}),
    ("Am Montag verkaufte Marta Klein im Park das alte Tor.", {VERB, TENSE}),
    (RIGHT.replace("alte", "alten"), {ENDING}),
    (RIGHT.replace("das", "die"), {ENDING}),
    (RIGHT.replace("hat", "haben"), {ENDING}),
    (RIGHT.replace("alte", "neue"), {OTHER}),
    (RIGHT.replace("gestrichen", "gestreicht"), {UNKNOWN, VERB}),
    (RIGHT.removesuffix("."), {LENGTH}),
    (RIGHT[:-1] + ", weil Otto Berg am Freitag nach Kirchdorf kam.", {LENGTH}),
    ("Der Aufbau hat zwei Stunden gedauert.", {ELSEWHERE}),
    ("", {ELSEWHERE}),
])
def test_planted_faults(sorter, text, kinds):
    assert sorter.sort(text, RIGHT, SOURCE) == kinds <= set(KINDS)


def test_separable_verbs(sorter):
    """"holte ... ab" is "abgeholt", and "an" is a prefix at the end of its clause alone."""
    assert dict(sorter.verbs("Otto Berg holte am 8. November den Eimer ab.")) == {"abgeholt": 1}
    assert dict(sorter.verbs("Otto Berg probierte am Montag an der Schule eine Waffel.")) == {"probiert": 1}
    source, right = "Otto Berg packed the basket.", "Otto Berg hat den Korb gepackt."
    assert sorter.sort("Otto Berg hat den Korb ausgepackt.", right, source) == {PREFIX}
    assert sorter.sort("Otto Berg packte den Korb aus.", right, source) == {PREFIX, TENSE}
    assert sorter.sort("Otto Berg packte den Korb.", right, source) == {TENSE}


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_other_style_is_style_and_nothing_else(sorter, records, split):
    """The null: other correct translations of all unseen sentences, of which no verb was looked up in a list."""
    target, control = (each[split] for each in records)
    kinds, right = [], []
    for ours, theirs in zip(target, control, strict=True):
        given = theirs["target"], ours["target"], ours["source"]
        kinds.append(sorter.sort(*given) - {TENSE, FRONT, ORDER})
        right.append(False not in sorter.words_right(*given))
    assert sum(map(bool, kinds)) <= 3 and sum(right) >= len(right) - 3


def test_words_right_forgives_form_and_tense(sorter):
    assert sorter.words_right("Marta Klein strich die alten Tore im Park.", RIGHT, SOURCE) == (True, True)
    assert sorter.words_right(RIGHT.replace("Tor", "Fenster"), RIGHT, SOURCE) == (False, True)
    assert sorter.words_right(RIGHT.replace("gestrichen", "verkauft"), RIGHT, SOURCE) == (True, False)
    assert sorter.words_right("", "Marta Klein.", SOURCE) == (None, None)


def test_without_sentences_in_two_tenses_a_verb_is_its_form(records):
    sorter = GermanErrors(records[0]["train"].select(range(300)))
    assert not sorter.sort(RIGHT, RIGHT, SOURCE) and VERB in sorter.sort(RIGHT.replace("gestrichen", "verkauft"), RIGHT, SOURCE)
    other = GermanErrors([{"source": "a", "target": "Das war gut."}], [{"source": "b", "target": "Sie sang."}])
    assert "sie" not in other.known   # no record of ours has that source


def test_stems_and_times():
    assert stem("Kühe") == stem("Kuh") and stem("Lehrerin") == stem("Lehrer") and stem("alten") == stem("alte")
    assert time_in_front("Mitte Mai kam er.") and time_in_front("Am 25. Juli kam er.") and not time_in_front("Am Hafen kam er.")
