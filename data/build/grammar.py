"""Word forms: just enough English and German grammar for the gazette, written as rules over the lexicon.

German needs case (nominative, accusative, dative), gender, adjective endings, separable verbs, the auxiliary of the
perfect, verb-second main clauses and verb-final subordinate clauses. Each is one small function here, so that
a mistake can be found and mended in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

import lexicon

IRREGULAR = {"bring": ("brought", "brought"), "take": ("took", "taken"), "give": ("gave", "given")}
DEFINITE = {"m": {"nom": "der", "acc": "den", "dat": "dem"}, "f": {"nom": "die", "acc": "die", "dat": "der"},
            "n": {"nom": "das", "acc": "das", "dat": "dem"}, "pl": {"nom": "die", "acc": "die", "dat": "den"}}
INDEFINITE = {"m": {"nom": "ein", "acc": "einen", "dat": "einem"}, "f": {"nom": "eine", "acc": "eine", "dat": "einer"},
              "n": {"nom": "ein", "acc": "ein", "dat": "einem"}}
WEAK_E = {("m", "nom"), ("f", "nom"), ("f", "acc"), ("n", "nom"), ("n", "acc")}
MIXED = {("m", "nom"): "er", ("n", "nom"): "es", ("n", "acc"): "es", ("f", "nom"): "e", ("f", "acc"): "e"}
STRONG_PLURAL = {"nom": "e", "acc": "e", "dat": "en"}


@dataclass(frozen=True)
class Noun:
    en: str
    en_plural: str
    de: str
    gender: str
    de_plural: str
    category: str


@dataclass(frozen=True)
class Verb:
    en: str
    en_past: str
    en_participle: str
    de: str            # infinitive, prefix attached
    stem: str          # infinitive without the separable prefix: also the third person plural, present
    prefix: str
    present: str
    preterite: str
    participle: str
    auxiliary: str     # "haben" or "sein"
    takes: tuple[str, ...] = ()

    @property
    def en_present(self) -> str:
        head, _, rest = self.en.partition(" ")
        if head.endswith(("ch", "sh", "x", "s", "o")):
            head += "es"
        elif head.endswith("y") and head[-2] not in "aeou":
            head = head[:-1] + "ies"
        else:
            head += "s"
        return f"{head} {rest}".strip()

    @property
    def with_zu(self) -> str:
        return f"{self.prefix}zu{self.stem}" if self.prefix else f"zu {self.de}"

    def finite(self, tense: str, plural: bool = False) -> str:
        if tense == "present":
            return self.stem if plural else self.present
        return self.preterite if not plural else self.preterite + ("n" if self.preterite.endswith("e") else "en")


def _english_forms(text: str) -> tuple[str, str, str]:
    words = text.split()
    if len(words) % 3 == 0:
        n = len(words) // 3
        return tuple(" ".join(words[i * n:(i + 1) * n]) for i in range(3))
    head, _, rest = text.partition(" ")
    if head in IRREGULAR:
        past, participle = IRREGULAR[head]
    elif head.endswith("e"):
        past = participle = head + "d"
    elif head.endswith("y") and head[-2] not in "aeou":
        past = participle = head[:-1] + "ied"
    elif head == "travel":
        past = participle = "travelled"
    else:
        past = participle = head + "ed"
    return text, f"{past} {rest}".strip(), f"{participle} {rest}".strip()


def _entries(text: str) -> list[list[str]]:
    return [[part.strip() for part in entry.split(":")] for entry in text.split(";")]


def read_nouns() -> list[Noun]:
    nouns = []
    for category, text in lexicon.NOUNS.items():
        for english, german, gender, german_plural in _entries(text):
            singular, _, plural = english.partition("/")
            if not plural:
                if singular.endswith(("ch", "sh", "x", "s")) or singular in ("potato", "tomato"):
                    plural = singular + "es"
                elif singular.endswith("y") and singular[-2] not in "aeou":
                    plural = singular[:-1] + "ies"
                else:
                    plural = singular + "s"
            nouns.append(Noun(singular, plural, german, gender, german_plural, category))
    return nouns


def read_verbs(text: str, auxiliary: str = "haben") -> list[Verb]:
    verbs = []
    for line in text.strip().splitlines():
        english, german, *takes = [part.strip() for part in line.split(":")]
        infinitive, present, preterite, participle = [part.strip() for part in german.split(",")]
        prefix, plus, stem = infinitive.partition("+")
        if not plus:
            prefix, stem = "", infinitive
        verbs.append(Verb(*_english_forms(english), prefix + stem, stem, prefix, present, preterite, participle,
                          auxiliary, tuple(w.replace("_", " ") for w in takes[0].split()) if takes else ()))
    return verbs


# ---- noun phrases -------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Thing:
    """An adjective and a noun, definite (``the old clock``), indefinite or counted (``three old clocks``)."""

    noun: Noun
    adjective: tuple[str, str]                 # English, German stem
    determiner: str = "definite"               # or "indefinite"
    count: tuple[str, str] | None = None       # ("three", "drei"): plural

    @property
    def plural(self) -> bool:
        return self.count is not None

    @property
    def en(self) -> str:
        adjective, _ = self.adjective
        if self.plural:
            article = "the " if self.determiner == "definite" else ""
            return f"{article}{self.count[0]} {adjective} {self.noun.en_plural}"
        vowel = adjective[0] in "aeiou" and adjective != "used"
        article = "the" if self.determiner == "definite" else "an" if vowel else "a"
        return f"{article} {adjective} {self.noun.en}"

    def de(self, case: str) -> str:
        _, stem = self.adjective
        if self.plural:
            noun = self.noun.de_plural
            if case == "dat" and not noun.endswith(("n", "s")):
                noun += "n"
            if self.determiner == "definite":
                return f"{DEFINITE['pl'][case]} {self.count[1]} {stem}en {noun}"
            return f"{self.count[1]} {stem}{STRONG_PLURAL[case]} {noun}"
        gender = self.noun.gender
        if self.determiner == "definite":
            ending = "e" if (gender, case) in WEAK_E else "en"
            return f"{DEFINITE[gender][case]} {stem}{ending} {self.noun.de}"
        return f"{INDEFINITE[gender][case]} {stem}{MIXED.get((gender, case), 'en')} {self.noun.de}"

    def it(self, case: str) -> tuple[str, str]:
        """The pronoun: English, German."""
        if self.plural:
            return ("they" if case == "nom" else "them"), {"nom": "sie", "acc": "sie", "dat": "ihnen"}[case]
        table = {"m": {"nom": "er", "acc": "ihn"}, "f": {"nom": "sie", "acc": "sie"}, "n": {"nom": "es", "acc": "es"}}
        return "it", table[self.noun.gender][case]


@dataclass(frozen=True)
class Person:
    first: str
    last: str
    gender: str                                 # "f" or "m"
    role: tuple[str, str] | None = None         # English, German in the right gender

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def en(self) -> str:
        return f"the {self.role[0]} {self.name}" if self.role else self.name

    def de(self, case: str) -> str:
        return f"{DEFINITE[self.gender][case]} {self.role[1]} {self.name}" if self.role else self.name

    @property
    def she(self) -> tuple[str, str]:
        return ("she", "sie") if self.gender == "f" else ("he", "er")


# ---- German clauses -----------------------------------------------------------------------------------------------

def verb_group(verb: Verb, tense: str, plural: bool = False, passive: bool = False) -> tuple[str, str]:
    """(finite form, what stands at the end of the main clause) for present, preterite, perfect or pluperfect."""
    if passive:
        if tense == "present":
            return ("werden" if plural else "wird"), verb.participle
        if tense == "preterite":
            return ("wurden" if plural else "wurde"), verb.participle
        finite = {"perfect": ("ist", "sind"), "pluperfect": ("war", "waren")}[tense][plural]
        return finite, f"{verb.participle} worden"
    if tense in ("present", "preterite"):
        return verb.finite(tense, plural), verb.prefix
    forms = {("haben", "perfect"): ("hat", "haben"), ("haben", "pluperfect"): ("hatte", "hatten"),
             ("sein", "perfect"): ("ist", "sind"), ("sein", "pluperfect"): ("war", "waren")}
    return forms[verb.auxiliary, tense][plural], verb.participle


def main_clause(first: str, finite: str, middle: list[str], end: str) -> str:
    """Verb second. ``first`` holds the subject or any other one constituent."""
    return " ".join(part for part in (first, finite, *middle, end) if part)


def subordinate_clause(conjunction: str, middle: list[str], verb: Verb, tense: str, plural=False, passive=False) -> str:
    """Verb last; a separable prefix is written together with its verb again."""
    finite, end = verb_group(verb, tense, plural, passive)
    last = end + finite if (end and end == verb.prefix) else f"{end} {finite}".strip()
    return " ".join(part for part in (conjunction, *middle, last) if part)


def capitalise(text: str) -> str:
    return text[0].upper() + text[1:]
