"""Word forms: just enough English and German grammar for the gazette, written as rules over the lexicon.

German needs case (nominative, accusative, dative), gender, adjective endings, separable verbs, the auxiliary of the perfect,
verb-second main clauses and verb-final subordinate clauses. Each is one small function here, so that a mistake can be found and
mended in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

import lexicon

DEFINITE = {"m": {"nom": "der", "acc": "den", "dat": "dem"}, "f": {"nom": "die", "acc": "die", "dat": "der"},
            "n": {"nom": "das", "acc": "das", "dat": "dem"}, "pl": {"nom": "die", "acc": "die", "dat": "den"}}
INDEFINITE = {"m": {"nom": "ein", "acc": "einen", "dat": "einem"}, "f": {"nom": "eine", "acc": "eine", "dat": "einer"},
              "n": {"nom": "ein", "acc": "ein", "dat": "einem"}}
WEAK_E = {("m", "nom"), ("f", "nom"), ("f", "acc"), ("n", "nom"), ("n", "acc")}
MIXED = {("m", "nom"): "er", ("n", "nom"): "es", ("n", "acc"): "es", ("f", "nom"): "e", ("f", "acc"): "e"}
STRONG_PLURAL = {"nom": "e", "acc": "e", "dat": "en"}
CONTRACTED = {"bei dem": "beim", "zu dem": "zum", "zu der": "zur", "von dem": "vom"}
# The finite verbs of the reasons, past and present: English by number, German as it stands.
PRESENT = {"had": ("has", "have"), "was": ("is", "is"), "were": ("are", "are"), "needed": ("needs", "need"),
           "deserved": ("deserves", "deserve"), "could": ("can", "can")}
GEGENWART = dict(entry.split(":") for entry in """hatte:hat hatten:haben war:ist waren:sind stand:steht wurde:wird
    wurden:werden blätterte:blättert ging:geht brauchte:braucht feierte:feiert sollte:soll fand:findet
    beschädigten:beschädigen begann:beginnt kam:kommt kamen:kommen entstand:entsteht führte:führt lag:liegt sammelte:sammelt
    erwartete:erwartet ließ:lässt warteten:warten""".split())


def entries(text: str) -> list[list[str]]:
    return [[part.strip() for part in entry.split(":")] for entry in text.split(";")]


def capitalise(text: str) -> str:
    return text[0].upper() + text[1:]


# ---- verbs -----------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Verb:
    en: str
    en_past: str
    en_participle: str
    de: str            # infinitive, prefix attached
    stem: str          # infinitive without the separable prefix
    prefix: str
    present: str
    preterite: str
    participle: str
    auxiliary: str     # "haben" or "sein"

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

    @property
    def perfect(self) -> str:
        return f"{'ist' if self.auxiliary == 'sein' else 'hat'} {self.participle}"


def _english_forms(text: str) -> tuple[str, str, str]:
    words = text.split()
    if len(words) % 3 == 0:
        n = len(words) // 3
        return tuple(" ".join(words[i * n:(i + 1) * n]) for i in range(3))
    head, _, rest = text.partition(" ")
    ends_in_y = head.endswith("y") and head[-2] not in "aeou"
    past = head + "d" if head.endswith("e") else head[:-1] + "ied" if ends_in_y else head + "ed"
    return text, f"{past} {rest}".strip(), f"{past} {rest}".strip()


def read_verbs(text: str) -> dict[str, Verb]:
    """Verbs by their German infinitive."""
    verbs = {}
    for line in text.strip().splitlines():
        english, german = line.split(":")
        infinitive, present, preterite, participle = [part.strip() for part in german.split(",")]
        auxiliary = "sein" if infinitive.startswith("sein ") else "haben"
        prefix, plus, stem = infinitive.removeprefix("sein ").partition("+")
        prefix, stem = (prefix, stem) if plus else ("", prefix)
        forms = (prefix + stem, stem, prefix, present, preterite, participle, auxiliary)
        verbs[prefix + stem] = Verb(*_english_forms(english), *forms)
    return verbs


def verb_group(verb: Verb, tense: str, plural: bool = False, passive: bool = False) -> tuple[str, str]:
    """(finite form, what stands at the end of the main clause) for present, preterite or perfect."""
    if passive:
        finite, end = {"preterite": (("wurde", "wurden"), ""), "perfect": (("ist", "sind"), " worden")}[tense]
        return finite[plural], verb.participle + end
    if tense in ("present", "preterite"):
        return getattr(verb, tense), verb.prefix
    return verb.perfect.split()[0], verb.participle


def clause(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def subordinate(conjunction: str, middle: list[str], verb: Verb, tense: str) -> str:
    """Verb last; a separable prefix is written together with its verb again."""
    finite, end = verb_group(verb, tense)
    return clause(conjunction, *middle, end + finite if end and end == verb.prefix else clause(end, finite))


@dataclass(frozen=True)
class Reason:
    """A clause that stands alone, behind *because* or *weil*, in the past or in the present."""

    subject: str
    finite: str
    rest: str
    subjekt: str
    finit: str
    ende: str

    def en(self, tense: str = "past") -> str:
        if tense == "present":
            return clause(self.subject, PRESENT[self.finite][self.finit.endswith(("en", "sind"))], self.rest)
        return clause(self.subject, self.finite, self.rest)

    def main(self) -> str:
        return clause(self.subjekt, self.finit, self.ende.removesuffix("+"))

    def weil(self, tense: str = "past") -> str:
        finite = GEGENWART[self.finit] if tense == "present" else self.finit
        if self.ende.startswith("sich "):                     # "weil sich ein Kabel gelöst hatte"
            return clause("weil sich", self.subjekt, self.ende[5:], finite)
        return clause("weil", self.subjekt, self.ende[:-1] + finite if self.ende.endswith("+") else clause(self.ende, finite))


# ---- noun phrases ----------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Noun:
    en: str
    en_plural: str
    de: str
    gender: str
    de_plural: str
    group: str = ""

    def the(self, case: str = "nom", plural: bool = False) -> str:
        """German with its article, without an adjective: ``der Uhr``."""
        if plural:
            return f"{DEFINITE['pl'][case]} {dative_n(self.de_plural, case)}"
        return f"{DEFINITE[self.gender][case]} {self.de}"


def dative_n(plural: str, case: str) -> str:
    return plural + "n" if case == "dat" and not plural.endswith(("n", "s")) else plural


def contract(text: str) -> str:
    """``bei dem Konzert`` is ``beim Konzert``."""
    head = " ".join(text.split()[:2])
    return CONTRACTED.get(head, head) + text[len(head):]


def read_nouns() -> dict[str, Noun]:
    nouns = {}
    for group, (_, text) in lexicon.NOUNS.items():
        for english, german, gender, german_plural in entries(text):
            singular, _, plural = english.partition("/")
            if not plural:
                if singular.endswith(("ch", "sh", "x", "s")) or singular in ("potato", "tomato"):
                    plural = singular + "es"
                elif singular.endswith("y") and singular[-2] not in "aeou":
                    plural = singular[:-1] + "ies"
                else:
                    plural = singular + "s"
            nouns[singular] = Noun(singular, plural, german, gender, german_plural, group)
    return nouns


@dataclass(frozen=True)
class Thing:
    """A noun with an adjective: the old clock, an old clock, three old clocks, the old clocks (plural), old clocks (bare)."""

    noun: Noun
    adjective: tuple[str, str]                 # English, German stem
    article: str = "the"
    number: tuple[str, str] = ("", "")         # ("three", "drei") with the article "count"

    @property
    def plural(self) -> bool:
        return self.article in ("count", "plural", "bare")

    @property
    def en(self) -> str:
        adjective = self.adjective[0]
        a = "an" if adjective[0] in "aeiou" and adjective != "used" else "a"
        article = {"the": "the", "a": a, "count": self.number[0], "plural": "the", "bare": ""}[self.article]
        return clause(article, adjective, self.noun.en_plural if self.plural else self.noun.en)

    @property
    def en_short(self) -> str:
        return f"the {self.noun.en_plural if self.plural else self.noun.en}"

    def de(self, case: str) -> str:
        stem, gender = self.adjective[1], self.noun.gender
        match self.article:
            case "the":
                return f"{DEFINITE[gender][case]} {stem}{'e' if (gender, case) in WEAK_E else 'en'} {self.noun.de}"
            case "a":
                return f"{INDEFINITE[gender][case]} {stem}{MIXED.get((gender, case), 'en')} {self.noun.de}"
            case "plural":
                return f"{DEFINITE['pl'][case]} {stem}en {dative_n(self.noun.de_plural, case)}"
        number = self.number[1] if self.article == "count" else ""
        return clause(number, stem + STRONG_PLURAL[case], dative_n(self.noun.de_plural, case))


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
        return f"{self.role[0]} {self.name}" if self.role else self.name

    def de(self, case: str) -> str:
        return f"{DEFINITE[self.gender][case]} {self.role[1]} {self.name}" if self.role else self.name
