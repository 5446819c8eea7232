"""Sorts the errors of a German translation by kind, with a little grammar and what the training records show.

No dictionary comes along. Nouns are the words with a capital letter, names the words that source and reference share, and which
participle belongs to which preterite is learned from sentences that the records have in both tenses. So the sorter knows the
words of the records it was given, and no others. Lesson 07 says where it is blind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

TENSE, FRONT, ORDER = "style: tense", "style: time in front", "style: other order"
NAME, TIME, NOUN, VERB, PREFIX, OTHER = (
    "fact: name", "fact: time or number", "fact: noun", "fact: verb", "fact: prefix of the verb", "fact: other word")
ENDING, UNKNOWN = "grammar: article or ending", "grammar: no such word"
LENGTH, ELSEWHERE = "too short or too long", "another sentence"
KINDS = (TENSE, FRONT, ORDER, NAME, TIME, NOUN, VERB, PREFIX, OTHER, ENDING, UNKNOWN, LENGTH, ELSEWHERE)

HAVE, BE = {"hat", "haben"}, {"ist", "sind"}
HELPING = HAVE | BE | {"hatte", "hatten", "war", "waren", "wurde", "wurden", "worden", "wird", "werden"}
ARTICLES = {"der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "eines"}
TWO_IN_ONE = {"im": "in dem", "ins": "in das", "am": "an dem", "zum": "zu dem", "zur": "zu der", "beim": "bei dem",
              "vom": "von dem"}
DAYS = "(mon|diens|donners|frei|sams|sonn)tag|mittwoch"
MONTHS = "januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember"
NUMBERS = "eins?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|halb|uhr|hundert|tausend"
TIMES = re.compile(rf"\d+|({DAYS})\w*|{MONTHS}|anfang|mitte|ende|{NUMBERS}")
IN_FRONT = re.compile(rf"(am|im|um|an|mitte|anfang|ende)\s+(\d+|({DAYS}|{MONTHS})\w*)|({DAYS})\w*", re.IGNORECASE)
CLAUSES = re.compile(r"[,:;]|(?<!\d)\.")   # the period of "25. Februar" ends none
PARTICIPLE = re.compile(r"(\w*ge\w{2,}(t|en)|(be|ver|er|ent|emp|zer|über|unter)\w{2,}(t|en)|\w+iert)")


def split(text: str) -> list[str]:
    """Words as they are written; a preposition that has swallowed its article (im: in dem) as two."""
    return " ".join(TWO_IN_ONE.get(word.lower(), word) for word in re.findall(r"[\w-]+", text)).split()


def stem(word: str) -> str:
    """A word without capital, ending and umlaut: its cases, its plural and the form for women are one word."""
    folded = word.lower().translate(str.maketrans("äöü", "aou"))
    folded = re.sub("(innen|in)$", "", folded) if len(folded) > 5 else folded
    return re.sub("(ern|en|er|es|em|e|n|s)$", "", folded) if len(folded) > 3 else folded


def time_in_front(text: str) -> bool:
    """Whether a German sentence begins with a day, a date or a month."""
    return bool(IN_FRONT.match(text))


class GermanErrors:
    """What there is to know about German in some records; then `sort` and `words_right`.

    ``records``: source (English) and target (German). ``other_tense``: the same records, each target in another tense; records
    of different sources are left out.
    """

    def __init__(self, records: Iterable[Mapping], other_tense: Iterable[Mapping] = ()):
        records = list(records)
        self.known: set[str] = set()
        self.nouns: set[str] = set()
        self.verb_of: dict[tuple[str, ...], str] = {}   # a form, or a form and its prefix -> the participle, or the form
        for record in records:
            self._learn(record)
        ours = {record["source"]: record["target"] for record in records}
        twins = [record for record in other_tense if record["source"] in ours]
        for record in twins:
            self._learn(record)
        for record in twins * 2:   # twice: of two verbs in a sentence the second is found once the first is known
            self._pair(ours[record["source"]], record["target"])
        self.known |= {word for form in self.verb_of for word in form}
        self.verb_words = {word for form in self.verb_of for word in form}

    def _learn(self, record: Mapping) -> None:
        words, names = split(record["target"]), set(split(record["source"]))
        self.known |= {word.lower() for word in words}
        self.nouns |= {word.lower() for word in words[1:] if word[0].isupper() and word not in names}
        for clause in CLAUSES.split(record["target"]):
            last = re.findall(r"[\w-]+", clause)
            while last and last[-1] in HELPING:
                last.pop()
            helped = len(last) < len(re.findall(r"[\w-]+", clause))
            if last and last[-1].islower() and len(last[-1]) > 4 and (not helped or PARTICIPLE.fullmatch(last[-1])):
                self.verb_of.setdefault((last[-1],), last[-1])

    def _pair(self, perfect: str, preterite: str) -> None:
        """Learn from a sentence in two tenses: gestrichen is strich, abgeholt is holte ... ab."""
        ours, theirs = split(perfect), split(preterite)
        same = {word.lower() for word in ours} & {word.lower() for word in theirs} | HELPING | ARTICLES
        gone, come = ([word for word in side if word.islower() and word not in same] for side in (ours, theirs))
        gone = [word for word in gone if PARTICIPLE.fullmatch(word)]
        for form, verb in self.verb_of.items() if len(gone) > 1 else ():
            if verb in gone and form != (verb,) and set(form) <= set(come):
                gone.remove(verb)
                come = [word for word in come if word not in form]
        if len(gone) != 1:
            return
        ends = {clause.split()[-1] for clause in CLAUSES.split(preterite) if clause.strip()}
        prefix = next((word for word in ends - {gone[0]} if gone[0].startswith(word)), None)
        come = [word for word in come if word != prefix]
        if len(come) == 1:
            self.verb_of[(come[0], prefix) if prefix else (come[0],)] = gone[0]
            self.verb_of[(gone[0],)] = gone[0]
            if prefix:
                self.verb_of[(prefix + come[0],)] = gone[0]   # as at the end of a clause: abholte

    # ---- what stands in a text

    def verbs(self, text: str) -> Counter:
        """The verbs of a text, whatever their tense, helping verbs aside; each named by its participle where that is known."""
        found: Counter = Counter()
        for clause in CLAUSES.split(text):
            words = re.findall(r"[\w-]+", clause)
            for word in words:   # a prefix that was split off is the last word of its clause
                verb = self.verb_of.get((word, words[-1])) or self.verb_of.get((word,))
                found[verb] += bool(verb) and word not in HELPING
        return +found

    def nouns_in(self, text: str, source: str) -> set[str]:
        """The nouns of a text as stems; names, which stand in the source too, and times are none."""
        names = set(split(source))
        words = split(text)
        inside = {word for i, word in enumerate(words) if word[0].isupper() and (i > 0 or word.lower() in self.nouns)}
        return {stem(word) for word in inside - names if not TIMES.fullmatch(word.lower()) and word.lower() not in ARTICLES}

    # ---- judging a translation

    def words_right(self, prediction: str, reference: str, source: str) -> tuple[bool | None, bool | None]:
        """(all nouns of the reference are there, so are its verbs); in any form and tense. None where it has none."""
        nouns, said = (self.nouns_in(text, source) for text in (reference, prediction))
        verbs, told = self.verbs(reference), self.verbs(prediction)
        return nouns <= said if nouns else None, not (verbs.keys() - told.keys()) if verbs else None

    def sort(self, prediction: str, reference: str, source: str) -> set[str]:
        """The kinds of error in a translation, of `KINDS`; empty if it is the reference."""
        if prediction == reference:
            return set()
        ours, theirs = split(prediction), split(reference)
        if self._about_something_else(prediction, reference, source):
            return {ELSEWHERE}
        found = self._style(ours, theirs, prediction, reference)
        if not prediction.endswith(".") or abs(len(ours) - len(theirs)) > 4:
            found.add(LENGTH)
        found |= self._verb_faults(prediction, reference)
        return found | self._word_faults(ours, theirs, set(split(source)), found)

    def _about_something_else(self, prediction: str, reference: str, source: str) -> bool:
        """Whether less than a third of the names, nouns and verbs of the reference are there."""
        names = {word for word in split(reference) if word[0].isupper()} & set(split(source))
        wanted = len(names) + len(nouns := self.nouns_in(reference, source)) + len(verbs := self.verbs(reference).keys())
        there = len(names & set(split(prediction))) + len(nouns & self.nouns_in(prediction, source))
        return 3 * (there + len(verbs & self.verbs(prediction).keys())) < wanted

    def _style(self, ours: list[str], theirs: list[str], prediction: str, reference: str) -> set[str]:
        found = set()
        if sum(word in HAVE | BE for word in ours) != sum(word in HAVE | BE for word in theirs):
            found.add(TENSE)
        if time_in_front(prediction) != time_in_front(reference):
            return found | {FRONT}
        loose, (ours, theirs) = HELPING | ARTICLES | self.verb_words, ([word.lower() for word in side] for side in (ours, theirs))
        shared = [word for word in theirs if theirs.count(word) == 1 == ours.count(word) and word not in loose]
        return found | ({ORDER} if shared != [word for word in ours if word in shared] else set())

    def _verb_faults(self, prediction: str, reference: str) -> set[str]:
        wanted, given = self.verbs(reference), self.verbs(prediction)
        missing, extra = (wanted - given).keys(), (given - wanted).keys()
        found = set()
        for verb in missing:
            related = any(verb.endswith(other) or other.endswith(verb) for other in extra)
            found.add(PREFIX if related else VERB)
        return found

    def _word_faults(self, ours: list[str], theirs: list[str], source: set[str], style: set[str]) -> set[str]:
        """Names, times, nouns, endings and the rest: every word of the reference that is missing."""
        verbs = self.verb_words | HELPING   # judged by `_verb_faults`
        capital = {word.lower(): word for word in [*ours, *theirs] if word[0].isupper()}
        here, wanted = (Counter(word.lower() for word in side) for side in (ours, theirs))
        missing, extra = wanted - here, here - wanted
        given = {word.lower() for word in source}
        found = {UNKNOWN} if any(word not in self.known and word not in given for word in extra) else set()
        stems = {stem(word) for word in extra if word not in verbs}
        for word in missing.keys() - verbs:
            if TIMES.fullmatch(word):
                found.add(TIME)
            elif capital.get(word) in source and word not in self.nouns:
                found.add(NAME)
            elif word in ARTICLES or stem(word) in stems:
                found.add(ENDING)
            elif word in self.nouns:
                found.add(NOUN)
            else:
                found.add(OTHER)
        if any(missing.keys() & both and extra.keys() & both for both in (HAVE, BE)):   # hat for haben
            found.add(ENDING)
        # Another noun may have another gender, and then article and adjective must differ.
        return found - ({ENDING} if NOUN in found else set()) - ({UNKNOWN, OTHER} if not missing else set())
