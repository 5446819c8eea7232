"""The town and its news: events, and every way in which the gazette can tell them.

An :class:`Event` is a set of facts, drawn from one scene of ``scenes.py``, which keeps it believable. A *pattern* turns some of
the facts into one English sentence and its German counterpart. A document tells one event or two of them; because both languages
come from the same facts, every sentence has an exact translation.

Two rules keep a document unambiguous. Later sentences call an event by its noun ("the repair") or its thing ("the clock"), and
two events of one document share neither. A pronoun stands for the agent only where nobody else of that gender was named since.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

import lexicon
import scenes
from grammar import (DEFINITE, Noun, Person, Reason, Thing, Verb, capitalise, clause, contract, entries, read_nouns,
                     read_verbs, subordinate, verb_group)

NOUNS_BY_NAME, VERBS_BY_NAME = read_nouns(), read_verbs(lexicon.VERBS)
NOUNS, VERBS = list(NOUNS_BY_NAME.values()), list(VERBS_BY_NAME.values())
ADJECTIVES = {en: (en, de) for en, de in entries(lexicon.ADJECTIVES)}
ROLES = {en: (en, de.partition("/")[0], de.partition("/")[2] or de + "in") for en, de in entries(lexicon.ROLES)}
REASONS = {group: [Reason(*(part.strip() for side in entry for part in side.split("|"))) for entry in entries(text)]
           for group, text in lexicon.REASONS.items()}
WEEKDAYS, MONTHS, WEATHER, MOODS, UNITS = ([tuple(e) for e in entries(t)] for t in (
    lexicon.WEEKDAYS, lexicon.MONTHS, lexicon.WEATHER, lexicon.MOODS, lexicon.UNITS))
NUMBERS = [tuple(e) for e in entries(lexicon.NUMBERS)]
GIVING = set("schenken bringen überreichen leihen zurückgeben zeigen erklären empfehlen".split())
EVENING = {"lantern parade", "torchlight hike", "dance evening"}
ARTICLE_OF = {"f": "die", "m": "der"}
REWARDS = "book cake tart basket bouquet candle scarf calendar jug postcard photo medal cushion umbrella puzzle songbook".split()
NOT_HELD = set("""Bau Arbeit Schnitt Entwurf Kauf Entdeckung Anmietung Projekt Planung Streichen Zeichnen Filmen Suche
    Aufzucht""".split())
WET = set("rain storm moist dry water ice frost leaves weather icy wind mud leaking flood sprinkler light soil Regen".split())


def pool(name: str) -> str:
    """Which world a full name lives in. Nobody from the validation or test pool is ever named in other text."""
    bucket = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 20
    return "test" if bucket < 2 else "validation" if bucket == 2 else "open"


PEOPLE = {split: [] for split in ("open", "validation", "test")}
for _gender in ("f", "m"):
    for _first in lexicon.FIRST_NAMES[_gender]:
        for _last in lexicon.LAST_NAMES:
            PEOPLE[pool(f"{_first} {_last}")].append((_first, _last, _gender))


# ---- places and scenes -----------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Place:
    en: str
    de_where: str
    de_to: str
    outdoors: bool = False

    @property
    def name(self) -> str:
        return self.en.split(" ", 1)[1].removeprefix("the ")

    @property
    def en_to(self) -> str:
        return "to " + self.en.split(" ", 1)[1]


PLACES = {place.name: place for place in (Place(en, where, to.rstrip("*"), to.endswith("*"))
                                         for en, where, to in entries(lexicon.PLACES))}
VILLAGES = [Place(f"in {v}", f"in {v}", f"nach {v}") for v in lexicon.VILLAGES]
ALL_PLACES = [*PLACES.values(), *VILLAGES]


@dataclass(frozen=True)
class Action:
    """One line of a scene: a verb, what the event is called, and the things and places that go with it."""

    verb: Verb
    label: tuple[str, str, str] | None       # English, German, gender; None: the thing itself names the event
    nouns: tuple[Noun, ...]
    places: tuple[str, ...]

    @property
    def kind(self) -> str:
        return "move" if not self.nouns else "give" if self.verb.de in GIVING else "act"


@dataclass(frozen=True)
class Scene:
    actions: tuple[Action, ...]
    articles: tuple[str, ...]
    adjectives: tuple[str, ...]
    time: tuple[str, int, int] | None
    cost: tuple[str, int, int] | None
    crowd: tuple[str, int, int] | None
    months: tuple[int, int]
    reasons: tuple[Reason, ...]
    facts: frozenset[str]
    roles: tuple[str, ...]


def _pick_nouns(words: str) -> tuple[Noun, ...]:
    return tuple(noun for word in words.split()
                 for noun in ([n for n in NOUNS if n.group == word] or [NOUNS_BY_NAME[word.replace("_", " ")]]))


def _range(text: str | None) -> tuple[str, int, int] | None:
    if not text:
        return None
    what, numbers = text.split()
    return what, *map(int, numbers.split("-"))


def read_scene(block: str) -> Scene:
    lines = [line.strip() for line in block.strip().replace(" ; ", "\n").splitlines()]
    rest = dict(line.partition(" ")[::2] for line in lines if "|" not in line)
    actions = []
    for line in lines:
        if "|" in line:
            verbs, label, nouns, *places = [part.strip() for part in line.split("|")]
            places = tuple((places[0] if places else rest["places"]).split(","))
            actions += [Action(VERBS_BY_NAME[verb], None if label == "=" else tuple(label.split(":")), _pick_nouns(nouns), places)
                        for verb in verbs.split()]
    return Scene(tuple(actions), tuple(rest.get("articles", "the the a").split()), tuple(rest.get("adjectives", "").split()),
                 _range(rest.get("time")), _range(rest.get("cost")), _range(rest.get("crowd")),
                 tuple(map(int, rest.get("months", "1-12").split("-"))),
                 tuple(r for group in rest["reasons"].split() for r in REASONS[group]), frozenset(rest["facts"].split()),
                 tuple(r.replace("_", " ") for r in rest.get("roles", "").split()) or tuple(ROLES))


SCENES = [read_scene(block) for block in scenes.SCENES.strip().split("\n\n")]
WAYS: dict[bool, dict[str, list[tuple[Scene, Action]]]] = {False: {}, True: {}}      # what can happen to a thing, watched or at all
DEEDS: dict[bool, dict[str, list[tuple[Scene, Action]]]] = {False: {}, True: {}}     # and where a verb has its place
for _scene in SCENES:
    for _action in _scene.actions:
        for _watched in {False, bool(_scene.crowd)}:
            DEEDS[_watched].setdefault(_action.verb.de, []).append((_scene, _action))
            for _noun in _action.nouns:
                WAYS[_watched].setdefault(_noun.en, []).append((_scene, _action))


# ---- events ----------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Event:
    scene: Scene
    action: Action
    agent: Person
    thing: Thing | None             # None: somebody goes somewhere
    recipient: Person | None
    place: Place
    time: tuple[str, str]
    reason: Reason
    companion: Person
    duration: tuple[str, str, str]  # English, German, German dative
    cost: int
    crowd: int
    idea: Person
    payer: Person
    owner: Person
    reward: Thing
    plan: tuple[str, str, str]      # English infinitive, German infinitive, German infinitive with "zu"
    home: str
    weather: tuple[str, str, str]
    mood: tuple[str, str]

    @property
    def verb(self) -> Verb:
        return self.action.verb

    @property
    def kind(self) -> str:
        return self.action.kind

    @property
    def label(self) -> str:
        return self.action.label[0] if self.action.label else self.thing.noun.en

    def label_de(self, case: str) -> str:
        if not self.action.label:
            return self.thing.noun.the(case)
        return f"{DEFINITE[self.action.label[2]][case]} {self.action.label[1]}"

    @property
    def held(self) -> bool:
        """An exhibition takes place somewhere; the sewing does not: its place stands in or right behind the main sentence."""
        return not self.action.label or (self.action.label[1] not in NOT_HELD and self.action.label[1].lower() != self.verb.de)

    @property
    def lasts(self) -> bool:
        """A concert lasts two hours, a repair takes them."""
        return bool(self.scene.crowd and self.scene.crowd[0] == "come")

    @property
    def own(self) -> bool:
        """Whoever wins or attends a contest is not why it took place: then the main sentence gives the reason."""
        return self.action.label is not None or self.verb.de in ("organisieren", "leiten", "anbieten")

    @property
    def words(self) -> set[str]:
        """What another event of the same document must not be called."""
        thing = {self.thing.noun.en} if self.thing else set()
        return thing | {self.label, self.reward.noun.en, self.place.name, self.reason.en()}

    @property
    def people(self) -> list[Person]:
        return [p for p in (self.agent, self.recipient, self.companion, self.idea, self.payer, self.owner) if p]

    @property
    def key(self) -> str:
        """Who did what to what, and where: two events with the same key are the same event."""
        return "|".join((self.agent.name, self.verb.en, self.thing.en if self.thing else "", self.place.en))

    def can_tell(self, fact: str) -> bool:
        has, scene = self.scene.facts, self.scene
        short = not scene.time or scene.time[0] in ("minutes", "hours")
        told = {"companion": bool({"help", "join"} & has), "duration": scene.time is not None, "cost": scene.cost is not None,
                "crowd": scene.crowd is not None, "owner": bool({"owner", "former"} & has), "plan": "noplan" not in has,
                "weather": self.place.outdoors and short and not WET & set(self.reason.en().split())}
        return told.get(fact, fact in has or fact in ("time", "place", "timeplace", "reason", "mood", "home"))


def draw_person(rng: random.Random, split: str, roles: tuple[str, ...] = (), taken: set[str] = frozenset()) -> Person:
    while True:
        first, last, gender = rng.choice(PEOPLE[split])
        if f"{first} {last}" not in taken:
            break
    role = None
    if roles and rng.random() < 0.35:
        en, masculine, feminine = ROLES[rng.choice(roles)]
        role = (en, feminine if gender == "f" else masculine)
    return Person(first, last, gender, role)


def draw_thing(rng: random.Random, noun: Noun, adjectives: tuple[str, ...] = (), articles: tuple[str, ...] = ("the",)) -> Thing:
    adjective = rng.choice(adjectives or lexicon.NOUNS[noun.group][0].split())
    return Thing(noun, ADJECTIVES[adjective], rng.choice(articles), rng.choice(NUMBERS[:5]))


def draw_time(rng: random.Random, scene: Scene, noun: Noun | None = None) -> tuple[str, str]:
    """When it was: a day, or for what took days a part of a month. Lanterns are carried in the evening."""
    en_day, de_day = rng.choice(WEEKDAYS)
    en_month, de_month = rng.choice(MONTHS[scene.months[0] - 1:scene.months[1]])
    unit, _, longest = scene.time or ("hours", 1, 1)
    if unit not in ("minutes", "hours"):
        en, de = rng.choice([("early ", "Anfang"), ("mid-", "Mitte"), ("late ", "Ende"), ("", "im")])
        return f"in {en}{en_month}", f"{de} {de_month}"
    if noun and noun.en in EVENING:
        return f"on {en_day} evening", f"am {de_day}abend"
    kind = rng.random()
    if kind < 0.2:
        return f"on {en_day}", f"am {de_day}"
    if kind < 0.55:
        en, de = rng.choice([("morning", "morgen"), ("afternoon", "nachmittag"), ("evening", "abend")][:1 if longest > 6 else 3])
        return f"on {en_day} {en}", f"am {de_day}{de}"
    if kind < 0.8:
        day = rng.randint(1, 28)
        return f"on {day} {en_month}", f"am {day}. {de_month}"
    hour = rng.randint(9, 11) - 2
    (en_hour, de_hour), (_, de_next) = NUMBERS[hour], NUMBERS[hour + 1]
    if rng.random() < 0.4:
        return f"on {en_day} at half past {en_hour}", f"am {de_day} um halb {de_next}"
    return f"on {en_day} at {en_hour} o'clock", f"am {de_day} um {de_hour} Uhr"


def draw_amount(rng: random.Random, low: int, high: int) -> int:
    step = 5 if high <= 200 else 10 if high <= 1000 else 100
    return rng.randint(-(-low // step), high // step) * step


def draw_duration(rng: random.Random, scene: Scene) -> tuple[str, str, str]:
    unit, low, high = scene.time or ("hours", 2, 2)
    en_unit, de_unit = next(pair for pair in UNITS if pair[0] == unit)
    number = 10 * rng.randint(low // 10, high // 10) if unit == "minutes" else rng.randint(low, high)
    en, de = (str(number),) * 2 if number > 12 else NUMBERS[number - 2]
    return f"{en} {en_unit}", f"{de} {de_unit}", f"{de} {de_unit}{'' if de_unit.endswith('n') else 'n'}"


def draw_plan(rng: random.Random, scene: Scene, action: Action, noun: Noun | None) -> tuple[str, str, str]:
    """The same kind of thing once more, with another object or destination."""
    verb = action.verb
    if action.kind == "move":
        place = draw_place(rng, action, None)
        return f"{verb.en} {place.en_to}", f"{place.de_to} {verb.de}", f"{place.de_to} {verb.with_zu}"
    article = "a" if {"a", "the"} & set(scene.articles) else "bare"
    nouns = [n for a in scene.actions if a.verb == verb for n in a.nouns if n != noun]
    thing = draw_thing(rng, rng.choice(nouns), scene.adjectives, (article,))
    return f"{verb.en} {thing.en}", f"{thing.de('acc')} {verb.de}", f"{thing.de('acc')} {verb.with_zu}"


def draw_place(rng: random.Random, action: Action, noun: Noun | None) -> Place:
    while True:
        name = rng.choice(action.places)
        place = rng.choice(VILLAGES) if name == "villages" else PLACES[name]
        if noun is None or noun.en not in place.name:
            return place


def draw_event(rng: random.Random, split: str = "open", watched: bool = False, taken: set[str] | None = None) -> Event:
    """One event whose people all belong to ``split``; ``watched``: it has an audience."""
    taken = set() if taken is None else taken

    def person(roles=()):
        someone = draw_person(rng, split, roles, taken)
        taken.add(someone.name)
        return someone

    if rng.random() < (0.25 if watched else 0.5):               # every noun often enough to be learned ...
        name = rng.choice(list(WAYS[watched]))
        noun, (scene, action) = NOUNS_BY_NAME[name], rng.choice(WAYS[watched][name])
    else:                                                      # ... and every verb
        scene, action = rng.choice(DEEDS[watched][rng.choice(list(DEEDS[watched]))])
        noun = rng.choice(action.nouns) if action.nouns else None
    thing = draw_thing(rng, noun, scene.adjectives, scene.articles) if noun else None
    if thing and action.label is None and thing.plural:
        thing = Thing(noun, thing.adjective)
    reward = draw_thing(rng, NOUNS_BY_NAME[rng.choice([r for r in REWARDS if not noun or r != noun.en])], (), ("a",))
    place = draw_place(rng, action, noun)
    reason = rng.choice([r for r in scene.reasons if place.name not in r.en()])       # not "in the museum because the museum ..."
    return Event(scene, action, person(scene.roles), thing, person(tuple(ROLES)) if action.kind == "give" else None, place,
                 draw_time(rng, scene, noun), reason, person(), draw_duration(rng, scene),
                 draw_amount(rng, *(scene.cost or ("", 10, 90))[1:]),
                 10 * rng.randint(*(n // 10 for n in (scene.crowd or ("", 20, 90))[1:])), person(), person(), person(), reward,
                 draw_plan(rng, scene, action, noun), rng.choice(lexicon.VILLAGES), rng.choice(WEATHER), rng.choice(MOODS))


FEW, MANY = 50, 70                                          # people at the lesser and at the main event of a report


def draw_pair(rng: random.Random, split: str = "open", watched: bool = True) -> tuple[Event, Event]:
    """Two events of different people that one document can tell apart; where both were watched, one by `FEW` people at most and the
    other by `MANY` at least."""
    while True:
        taken: set[str] = set()
        one, two = draw_event(rng, split, watched, taken), draw_event(rng, split, watched, taken)
        few, many = sorted((one.crowd, two.crowd))
        confusable = any(a in b or b in a for a in one.words for b in two.words)       # "the cooking", "the cooking course"
        if not confusable and one.mood != two.mood and (not watched or (few <= FEW and many >= MANY)):
            return one, two


# ---- the main clause of an event -------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Style:
    """How German tells the past, and what opens the sentence: the time where there is one, or the subject."""

    tense: str = "preterite"          # or "perfect"
    time_first: bool = False


def english(e: Event, parts=("place", "time"), tense: str = "past", front: str = "", subject: str = "") -> str:
    """A clause without its reason; ``front`` ("time" or "place") opens it."""
    verb = {"past": e.verb.en_past, "present": e.verb.en_present, "to": e.verb.en}[tense]
    words = ["" if tense == "to" else subject or e.agent.en, verb, e.thing.en if e.thing else "",
             f"to {e.recipient.en}" if e.recipient else ""]
    place = e.place.en_to if e.kind == "move" else e.place.en
    for name, text in (("companion", f"together with {e.companion.name}"), ("place", place), ("time", e.time[0])):
        words.append(text if name in parts and name != front else "")
    return clause({"time": e.time[0] + ",", "place": place + ","}.get(front, ""), *words)


def middle_field(e: Event, parts, extra: str = "") -> list[str]:
    """German between the finite verb (or the conjunction) and the end: time, manner, person, company, place, thing."""
    return [e.time[1] if "time" in parts else "", extra, e.recipient.de("dat") if e.recipient else "",
            f"zusammen mit {e.companion.name}" if "companion" in parts else "",
            "" if "place" not in parts else e.place.de_to if e.kind == "move" else e.place.de_where,
            e.thing.de("acc") if e.thing else ""]


def german(e: Event, parts=("place", "time"), style: Style = Style(), subject: str = "", extra: str = "", modal: str = "") -> str:
    """Verb second: the time in front if the style wants it and it is told, otherwise the subject."""
    subject = subject or e.agent.de("nom")
    finite, end = (modal, e.verb.de) if modal else verb_group(e.verb, style.tense)
    if style.time_first and "time" in parts:
        return clause(e.time[1], finite, subject, *middle_field(e, [p for p in parts if p != "time"], extra), end)
    return clause(subject, finite, *middle_field(e, parts, extra), end)


def german_sub(e: Event, conjunction: str, parts, style: Style, subject: str | None = None) -> str:
    subject = e.agent.de("nom") if subject is None else subject
    return subordinate(conjunction, [subject, *middle_field(e, parts)], e.verb, style.tense)


# ---- main sentences: (event, style, rng, parts) -> (English, German), or None where the pattern does not fit the event

MAIN_PATTERNS = []


def main_pattern(weight):
    """How often a pattern is drawn, against the others."""
    def register(function):
        MAIN_PATTERNS.extend([function] * weight)
        return function
    return register


def draw_parts(e: Event, rng: random.Random, time: float = 0.8) -> tuple[str, ...]:
    odds = {"companion": 0.12 if e.can_tell("companion") else 0, "place": 1 if e.kind == "move" else 0.65, "time": time,
            "reason": 0.3}
    return tuple(name for name, odd in odds.items() if rng.random() < odd)


def because(e: Event, parts) -> tuple[str, str]:
    return (f" because {e.reason.en()}", f", {e.reason.weil()}") if "reason" in parts else ("", "")


@main_pattern(6)
def plain(e, s, rng, parts):
    """The order of English varies, that of German depends on the style alone."""
    en_because, de_because = because(e, parts)
    front = rng.choice([""] * 3 + ["time"] * 2 * ("time" in parts) + ["place"] * ("place" in parts and e.kind == "act"))
    if en_because and not front and rng.random() < 0.35:
        return f"Because {e.reason.en()}, {english(e, parts)}.", german(e, parts, s) + de_because + "."
    return english(e, parts, front=front) + en_because + ".", german(e, parts, s) + de_because + "."


@main_pattern(2)
def passive(e, s, rng, parts):
    if e.kind != "act":
        return None
    finite, end = verb_group(e.verb, s.tense, e.thing.plural, passive=True)
    where, when = ("place" in parts) * e.place.de_where, ("time" in parts) * e.time[1]
    rest = [contract(f"von {e.agent.de('dat')}"), where]
    front = rng.random() < 0.4 and when
    was = "were" if e.thing.plural else "was"
    en = clause((e.time[0] + ",") if front else "", e.thing.en, was, e.verb.en_participle, "by", e.agent.en, ("place" in parts) * e.place.en,
                "" if front else ("time" in parts) * e.time[0])
    first, then = (when, e.thing.de("nom")) if s.time_first and when else (e.thing.de("nom"), when)
    de = clause(first, finite, then, *rest, end)
    en_because, de_because = because(e, parts)
    return en + en_because + ".", de + de_because + "."


@main_pattern(1)
def cleft(e, s, rng, parts):
    parts = [p for p in parts if p in ("place", "time")]
    return (f"It was {e.agent.en} {english(e, parts, subject='who')}.",
            f"Es war {e.agent.de('nom')}, {german_sub(e, 'die' if e.agent.gender == 'f' else 'der', parts, s, '')}.")


@main_pattern(1)
def was_able(e, s, rng, parts):
    en_because, de_because = because(e, parts)
    return (f"{e.agent.en} was able to {english(e, parts, 'to')}{en_because}.",
            f"{german(e, parts, s, modal='konnte')}{de_because}.")


@main_pattern(2)
def reported(e, s, rng, parts):
    parts = [p for p in parts if p != "reason"]
    en, de = rng.choice([("The gazette reports that", "Die Zeitung berichtet"), ("We hear that", "Wir hören"),
                         ("It is certain that", "Es steht fest")])
    return f"{en} {english(e, parts)}.", f"{de}, {german_sub(e, 'dass', parts, s)}."


@main_pattern(1)
def with_adverb(e, s, rng, parts):
    if "noplan" in e.scene.facts:
        return None
    en_because, de_because = because(e, parts)
    en, de = rng.choice([("As planned", "wie geplant"), ("As expected", "wie erwartet")] + e.lasts * [
        ("To everyone's delight", "zur Freude aller"), ("To everyone's surprise", "zur Überraschung aller")])
    return f"{en}, {english(e, parts)}{en_because}.", german(e, parts, s, extra=de) + de_because + "."


@main_pattern(1)
def when_people_watched(e, s, rng, parts):
    """The subject first is the people; the time first is the whole clause."""
    if not e.scene.crowd or e.scene.crowd[0] != "watch":
        return None
    parts = [p for p in parts if p in ("place", "time")]
    finite, end = ("sahen", "zu") if s.tense == "preterite" else ("haben", "zugesehen")
    when, people = german_sub(e, "als", parts, s), f"rund {e.crowd} Leute"
    return (f"When {english(e, parts)}, about {e.crowd} people watched.",
            f"{when}, {finite} {people} {end}." if s.time_first else f"{people} {finite} {end}, {when}.")


@main_pattern(2)
def who_comes_from(e, s, rng, parts):
    """Who the agent is, as an apposition or a relative clause."""
    name, home, (en_because, de_because) = e.agent.name, e.home, because(e, parts)
    if e.agent.role:
        en, de = e.agent.role
        who, wer = f"{name}, {'an' if en[0] in 'aeiou' else 'a'} {en} from {home},", f"{name}, {de} aus {home},"
    else:
        who, wer = f"{name}, who lives in {home},", f"{name}, {'die' if e.agent.gender == 'f' else 'der'} in {home} wohnt,"
    return f"{english(e, parts, subject=who)}{en_because}.", f"{german(e, parts, s, wer)}{de_because}."


@main_pattern(1)
def although(e, s, rng, parts):
    if not e.can_tell("weather"):
        return None
    parts = [p for p in parts if p != "reason"]
    en, de = rng.choice([("it was raining", "obwohl es regnete"), ("a cold wind was blowing", "obwohl ein kalter Wind wehte"),
                         ("it was foggy", "obwohl es neblig war")])
    if rng.random() < 0.5:
        return f"Although {en}, {english(e, parts)}.", f"{german(e, parts, s)}, {de}."
    return f"{english(e, parts)} although {en}.", f"{german(e, parts, s)}, {de}."


@main_pattern(1)
def thanks_to(e, s, rng, parts):
    if "help" not in e.scene.facts or e.kind != "act":
        return None
    parts = [p for p in parts if p not in ("reason", "companion")]
    return (f"Thanks to {e.companion.name}, {e.agent.en} was able to {english(e, parts, 'to')}.",
            german(e, parts, s, extra=f"dank {e.companion.name}", modal="konnte") + ".")


# ---- facts: further sentences, English # German preterite # German perfect -------------------------------------------
# "name/kind" is for scenes of that kind only; "!" needs the main sentence right in front of it; the subject opens the German.

FACTS = """
companion/help # {C} helped {A_obj} with {event}. # {C} half {A_dat} {bei}. # {C} hat {A_dat} {bei} geholfen.
companion/help # {C} lent a hand with {event}. # {C} packte {bei} mit an. # {C} hat {bei} mit angepackt.
companion/join # {C} accompanied {A_obj}. # {C} begleitete {A_acc}. # {C} hat {A_acc} begleitet.
companion/join # {A} took {C} along. # {A} nahm {C} mit. # {A} hat {C} mitgenommen.
duration # {event} {took} {duration}. # {E_nom} dauerte {D}. # {E_nom} hat {D} gedauert.
duration # {event} was over after {duration}. # {E_nom} war nach {D_dat} vorbei. # {E_nom} war nach {D_dat} vorbei.
cost/cost # {event} cost {cost} euros. # {E_nom} kostete {Kosten} Euro. # {E_nom} hat {Kosten} Euro gekostet.
cost/cost # A total of {cost} euros was needed for {event}. # Insgesamt {Kosten} Euro waren für {E_acc} nötig. # Insgesamt {Kosten} Euro waren für {E_acc} nötig.
cost/earn # {event} brought in {cost} euros. # {E_nom} brachte {Kosten} Euro ein. # {E_nom} hat {Kosten} Euro eingebracht.
cost/price # {A} paid {cost} euros for {thing}. # {A} bezahlte für {T_acc} {Kosten} Euro. # {A} hat für {T_acc} {Kosten} Euro bezahlt.
crowd/watch # About {crowd} people watched {event}. # Rund {crowd} Leute sahen {bei} zu. # Rund {crowd} Leute haben {bei} zugesehen.
crowd/come # About {crowd} people came to {event}. # Rund {crowd} Leute kamen {zu}. # Rund {crowd} Leute sind {zu} gekommen.
crowd # {event} drew about {crowd} people. # {E_nom} lockte rund {crowd} Leute an. # {E_nom} hat rund {crowd} Leute angelockt.
idea # The idea for {event} came from {I}. # Die Idee {zu} kam von {I}. # Die Idee {zu} ist von {I} gekommen.
idea # {I} had suggested {event}. # {I} hatte {E_acc} vorgeschlagen. # {I} hatte {E_acc} vorgeschlagen.
payer # {P} paid for {event}. # {P} bezahlte {E_acc}. # {P} hat {E_acc} bezahlt.
payer # {P} covered the costs of {event}. # {P} übernahm die Kosten für {E_acc}. # {P} hat die Kosten für {E_acc} übernommen.
owner/owner # {thing} {belongs} to {O}. # {T_nom} {gehört} {O}. # {T_nom} {gehört} {O}.
owner/former # {thing} had belonged to {O} before. # {T_nom} {hatte} vorher {O} gehört. # {T_nom} {hatte} vorher {O} gehört.
reward # {A} was given {R} as thanks. # {A} bekam zum Dank {R_acc}. # {A} hat zum Dank {R_acc} bekommen.
reward # {A} received {R} as a reward. # {A} erhielt zur Belohnung {R_acc}. # {A} hat zur Belohnung {R_acc} erhalten.
plan # Next, {A} wants to {plan}. # {A} will als Nächstes {planen}. # {A} will als Nächstes {planen}.
plan # Soon {A} will {plan}. # {A} wird bald {planen}. # {A} wird bald {planen}.
plan # {A} is already planning to {plan}. # {A} hat schon vor, {zu_planen}. # {A} hat schon vor, {zu_planen}.
time/short # {event} took place {time}. # {E_nom} fand {Zeit} statt. # {E_nom} hat {Zeit} stattgefunden.
time/long # {event} began {time}. # {E_nom} begann {Zeit}. # {E_nom} hat {Zeit} begonnen.
timeplace/short # {event} took place {place} {time}. # {E_nom} fand {Zeit} {Ort} statt. # {E_nom} hat {Zeit} {Ort} stattgefunden.
place # {event} took place {place}. # {E_nom} fand {Ort} statt. # {E_nom} hat {Ort} stattgefunden.
place # ! {A} did this {place}. # {A} tat das {Ort}. # {A} hat das {Ort} getan.
reason # ! {A} did so because {reason}. # {A} tat das, {weil}. # {A} hat das getan, {weil}.
reason # The reason for {event}: {reason}. # Der Grund für {E_acc}: {Grund}. # Der Grund für {E_acc}: {Grund}.
reason # {event} came about because {reason}. # {E_nom} kam zustande, {weil}. # {E_nom} ist zustande gekommen, {weil}.
reason # {A} had a good reason for {event}: {reason}. # {A} hatte einen guten Grund für {E_acc}: {Grund}. # {A} hatte einen guten Grund für {E_acc}: {Grund}.
weather # During {event}, {weather}. # {Wetter}. # {Wetter_perfekt}.
mood # After {event}, {A} was {mood}. # {A} war nach {E_dat} {Laune}. # {A} war nach {E_dat} {Laune}.
home # {A} lives in {home}. # {A} wohnt in {home}. # {A} wohnt in {home}.
home # {A} grew up in {home}. # {A} wuchs in {home} auf. # {A} ist in {home} aufgewachsen.
"""
PERSONS = {"C": "companion", "I": "idea", "P": "payer", "O": "owner"}


def _fields(e: Event, pronoun: bool, it: bool) -> dict[str, dict[str, str]]:
    """What the braces of a fact stand for; ``pronoun``: the agent is "she" or "he", ``it``: the event is "it"."""
    she = e.agent.gender == "f"
    a = e.agent.name
    english_a = dict(A="she" if she else "he", A_obj="her" if she else "him") if pronoun else dict(A=a, A_obj=a)
    german_a = dict(A="sie" if she else "er", A_acc="sie" if she else "ihn", A_dat="ihr" if she else "ihm") if pronoun else \
        dict(A=a, A_acc=a, A_dat=a)
    plural = bool(e.thing and e.thing.plural)
    bei, zu = contract("bei " + e.label_de("dat")), contract("zu " + e.label_de("dat"))
    both = dict({k: getattr(e, name).name for k, name in PERSONS.items()}, crowd=str(e.crowd), home=e.home)
    en = dict(english_a, event="it" if it else f"the {e.label}", thing=e.thing.en_short if e.thing else "",
              took="lasted" if e.lasts else "took", duration=e.duration[0], cost=f"{e.cost:,}", belongs="belong" if plural else "belongs",
              R=e.reward.en, plan=e.plan[0], time=e.time[0], place=e.place.en, reason=e.reason.en(), weather=e.weather[0], mood=e.mood[0])
    cases = {f"E_{case}": e.label_de(case) for case in ("nom", "acc", "dat")}
    cases |= {f"T_{case}": e.thing.noun.the(case, plural) if e.thing else "" for case in ("nom", "acc")}
    de = dict(german_a, **cases, bei=bei, zu=zu, D=e.duration[1], D_dat=e.duration[2], Kosten=f"{e.cost:,}".replace(",", "."),
              gehört="gehören" if plural else "gehört", hatte="hatten" if plural else "hatte", R_acc=e.reward.de("acc"),
              planen=e.plan[1], zu_planen=e.plan[2], Zeit=e.time[1], Ort=e.place.de_where, Wetter=e.weather[1].format(bei=bei),
              Wetter_perfekt=e.weather[2].format(bei=bei), weil=e.reason.weil(), Grund=capitalise(e.reason.main()), Laune=e.mood[1])
    if it:
        de["E_nom"] = {"die": "sie", "der": "er", "das": "es"}[e.label_de("nom")[:3]]
    return {"en": en | both, "de": de | both}


@dataclass(frozen=True)
class Fact:
    """One line of FACTS."""

    name: str
    kind: str
    adjacent: bool
    texts: tuple[str, str, str]

    @property
    def persons(self) -> list[str]:
        return [name for key, name in PERSONS.items() if f"{{{key}}}" in self.texts[0]]

    @property
    def opens_with_event(self) -> bool:
        return self.texts[0].startswith("{event}")

    def fits(self, e: Event) -> bool:
        long = bool(e.scene.time and e.scene.time[0] not in ("minutes", "hours"))
        kinds = e.scene.facts | {r[0] for r in (e.scene.cost, e.scene.crowd) if r} | {"long" if long else "short"}
        if ((self.name == "place" and (e.kind == "move" or not (e.held or self.adjacent))) or (self.name == "time" and not e.held)
                or (self.name == "timeplace" and (e.kind == "move" or not e.held)) or (self.name == "reason" and not e.own)):
            return False
        return e.can_tell(self.name) and (not self.kind or self.kind in kinds)

    def __call__(self, e: Event, s: Style, rng: random.Random | None = None, parts=(), pronoun: bool = False,
                 it: bool = False) -> tuple[str, str]:
        fields, de = _fields(e, pronoun, it), self.texts[1 if s.tense == "preterite" else 2]
        if self.name in ("time", "timeplace") and s.time_first:
            de = de.replace("{E_nom}", "{}").replace("{Zeit}", "{E_nom}").replace("{}", "{Zeit}")
        return self.texts[0].format(**fields["en"]), de.format(**fields["de"])


def _read_facts() -> dict[str, list[Fact]]:
    facts: dict[str, list[Fact]] = {}
    for line in FACTS.strip().splitlines():
        name, *texts = [part.strip() for part in line.split(" # ")]
        name, _, kind = name.partition("/")
        facts.setdefault(name, []).append(Fact(name, kind, texts[0].startswith("!"), (texts[0].lstrip("! "), *texts[1:])))
    return facts


FACT_PATTERNS = _read_facts()
SOMETIMES = ("companion", "duration", "cost", "crowd", "idea", "payer", "owner", "reward", "plan", "weather", "mood", "home")


def sentence(pattern, e: Event, style: Style, rng: random.Random, parts=None, **reference: bool) -> tuple[str, str]:
    """One pattern, spelled out: (English, German), both with a capital letter. Where a main pattern does not fit, the plain one."""
    if isinstance(pattern, Fact):
        pair = pattern(e, style, **reference)
    else:
        parts = draw_parts(e, rng) if parts is None else parts
        pair = pattern(e, style, rng, parts) or plain(e, style, rng, parts)
    return capitalise(pair[0]), capitalise(pair[1])


def any_pattern(e: Event, rng: random.Random, main: float = 0.7):
    if rng.random() < main:
        return rng.choice(MAIN_PATTERNS)
    return rng.choice([f for name in FACT_PATTERNS for f in FACT_PATTERNS[name] if f.fits(e) and not f.adjacent])


def pattern_count() -> int:
    return len(set(MAIN_PATTERNS)) + sum(map(len, FACT_PATTERNS.values()))


# ---- documents -------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Document:
    """Sentence pairs in order, and which facts of which event they tell (what can be asked).

    The *main event* is the one that more people came to see. A document whose audiences are not told has no main event, unless it
    tells one event only.
    """

    events: tuple[Event, ...]
    sentences: tuple[tuple[str, str], ...]
    facts: tuple[frozenset[str], ...]

    @property
    def en(self) -> str:
        return " ".join(english for english, _ in self.sentences)

    @property
    def de(self) -> str:
        return " ".join(german for _, german in self.sentences)

    @property
    def main(self) -> int | None:
        """The index of the main event."""
        if len(self.events) == 1:
            return 0
        if not all("crowd" in told for told in self.facts):
            return None
        return max(range(len(self.events)), key=lambda i: self.events[i].crowd)


def _compare(one: Event, two: Event, s: Style) -> tuple[str, str]:
    """Both audiences in one sentence."""
    finite, end = ("lockte", "an") if s.tense == "preterite" else ("hat", "angelockt")
    return (f"The {one.label} drew about {one.crowd} people, the {two.label} about {two.crowd}.",
            f"{capitalise(one.label_de('nom'))} {finite} rund {one.crowd} Leute {end}, {two.label_de('nom')} rund {two.crowd}.")


def _story(e: Event, s: Style, rng: random.Random, extra: int, crowd: bool, spread: bool):
    """The main sentence of an event, the facts that it tells, and the names of further facts, those first that must follow it."""
    place = e.kind == "move" or rng.random() < 0.45
    reason = rng.random() < (0.25 if spread and not place else 0 if spread else 0.4)
    parts = [name for name, take in (("companion", e.can_tell("companion") and rng.random() < 0.1), ("place", place),
                                     ("time", not e.held or rng.random() < 0.6), ("reason", reason)) if take]
    if not e.own:
        parts = [p for p in parts if p == "time" or (p == "place" and not spread)] + ["reason"]
    main = sentence(rng.choice(MAIN_PATTERNS) if rng.random() < 0.6 and e.own else plain, e, s, rng, parts)
    told = {name for name, text in (("time", e.time[0]), ("place", e.place.en.split(" ", 1)[1]), ("reason", e.reason.en()),
                                    ("companion", e.companion.name), ("home", e.home), ("crowd", f"{e.crowd} people"))
            if text.lower() in main[0].lower()}
    if "although" in main[0].lower():
        told.add("weather")
    missing = [f for f in ("time", "place", "reason") if f not in told and any(fact.fits(e) for fact in FACT_PATTERNS[f])]
    if {"time", "place"} <= set(missing) and e.held and FACT_PATTERNS["timeplace"][0].fits(e):
        missing = [f for f in missing if f == "reason"] + ["timeplace"]
    wanted = [f for f in SOMETIMES if f not in told and f != "crowd" and e.can_tell(f)]
    chosen = missing + rng.sample(wanted, min(extra, len(wanted)))
    if crowd and e.scene.crowd and "crowd" not in told:
        chosen.append("crowd")
    rng.shuffle(chosen)
    first = [f for f in chosen if f == "place" and not e.held]
    return main, told, first + [f for f in chosen if f not in first]


def write_document(events: tuple[Event, ...], rng: random.Random, tense: str = "preterite", audience: bool = False,
                   spread: bool = False, extra=(1, 3), words: tuple[int, int] = (25, 160)) -> Document:
    """One or two events. ``audience``: every audience is told; ``spread``: no sentence holds both the place and the reason of one."""
    style = Style(tense, rng.random() < 0.4)
    while True:
        stories = [_story(e, style, rng, rng.randint(*extra), audience or rng.random() < 0.5, spread) for e in events]
        both = len(events) == 2 and all("crowd" in rest for _, _, rest in stories) and rng.random() < 0.25
        queues = [[f for f in rest if not (both and f == "crowd")] for _, _, rest in stories]
        sentences = _tell(events, [main for main, _, _ in stories], queues, style, rng)
        if both:
            sentences.append(_compare(*rng.sample(events, 2), style))
        if words[0] <= sum(len(en.split()) for en, _ in sentences) <= words[1]:
            facts = tuple(frozenset(told | set(rest) | {"who", "what"} | ({"time", "place"} if "timeplace" in rest else set()))
                          for _, told, rest in stories)
            return Document(tuple(events), tuple(sentences), facts)


def _tell(events, mains, queues, style: Style, rng: random.Random) -> list[tuple[str, str]]:
    """The sentences in order. Pronouns only where they can mean one person or one event: see the module's docstring.

    In German *sie* would also take over from *die Reparatur* in front of it (``takes_over``).
    """
    sentences, told, last, clean, previous = [], set(), None, False, None
    pinned = [not e.held and q[:1] == ["place"] for e, q in zip(events, queues, strict=True)]
    for i in _order([len(q) for q in queues], pinned, rng):
        e, fact = events[i], None
        if i not in told:
            pair = mains[i]
            told.add(i)
        else:
            name = queues[i].pop(0)
            rows = [f for f in FACT_PATTERNS[name] if f.fits(e) and (not f.adjacent or (previous is None and last == i))]
            fact = rng.choice(rows)
            rivals = [getattr(e, other).gender for other in fact.persons]
            after_event = previous is not None and previous.opens_with_event
            takes_over = after_event and e.label_de("nom")[:3] == ARTICLE_OF[e.agent.gender]
            pronoun = (clean and last == i and e.agent.gender not in rivals and not takes_over
                       and (fact.adjacent or rng.random() < 0.75))
            it = after_event and last == i and previous.name in ("cost", "crowd", "duration", "time")
            pair = sentence(fact, e, style, rng, pronoun=pronoun, it=it and fact.opens_with_event and rng.random() < 0.6)
        people = [p for x in events for p in x.people if p.name in pair[0]]
        rival = any(p.gender == e.agent.gender for p in people if p != e.agent)
        clean = not rival and (e.agent in people or (clean and last == i))
        sentences.append(pair)
        last, previous = i, fact
    return sentences


def _order(lengths: list[int], pinned: list[bool], rng: random.Random) -> list[int]:
    """Whose sentence comes next: one event after the other, or part of the facts at the end, there in any order."""
    if len(lengths) == 1:
        return [0] * (lengths[0] + 1)
    now = [rng.randint(pin, n) if rng.random() < 0.5 else n for n, pin in zip(lengths, pinned, strict=True)]
    order = [0] * (now[0] + 1) + [1] * (now[1] + 1)
    late = [0] * (lengths[0] - now[0]) + [1] * (lengths[1] - now[1])
    if rng.random() < 0.5:
        rng.shuffle(late)
    return order + late
