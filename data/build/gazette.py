"""The town and its news: events, and every way in which the gazette can tell them.

An :class:`Event` is a set of facts. A *pattern* turns some of these facts into one English sentence and its German
counterpart; a document is a handful of sentences about one event, with sentences about other people and times mixed in.
Because both languages come from the same facts, every sentence has an exact translation.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field

import lexicon
from grammar import (Person, Thing, Verb, _entries, capitalise, main_clause, read_nouns, read_verbs, subordinate_clause,
                     verb_group)

NOUNS = read_nouns()
BY_CATEGORY = {c: [n for n in NOUNS if n.category == c] for c in lexicon.NOUNS}
VERBS = read_verbs(lexicon.VERBS)
MOTION = read_verbs(lexicon.MOTION_VERBS, "sein")
GIVING = read_verbs(lexicon.GIVING_VERBS)
ADJECTIVES = {k: [tuple(e) for e in _entries(v)] for k, v in lexicon.ADJECTIVES.items()}
PORTABLE = ("art", "document", "tool", "container", "toy", "clothing", "instrument", "food")
ROLES = [(en, de.partition("/")[0], de.partition("/")[2] or de + "in") for en, de in _entries(lexicon.ROLES)]
ALL_PLACES = ([(*en.split("|"), where, to) for en, where, to in _entries(lexicon.PLACES)]
              + [("in", v, f"in {v}", f"nach {v}") for v in lexicon.VILLAGES])
WEEKDAYS, MONTHS, NUMBERS, WEATHER = (_entries(t) for t in (lexicon.WEEKDAYS, lexicon.MONTHS, lexicon.NUMBERS,
                                                           lexicon.WEATHER))
REASONS = [tuple(c) for c in _entries(lexicon.REASON_CLAUSES)] + [
    (f"{subject} {predicate}", f"{de_subject} {de_predicate.split('/')[number == 'p']}")
    for subject, de_subject, number in _entries(lexicon.REASON_SUBJECTS)
    for predicate, de_predicate in _entries(lexicon.REASON_PREDICATES)]
MOODS = [("happy", "glücklich"), ("tired", "müde"), ("proud", "stolz"), ("satisfied", "zufrieden"), ("surprised", "überrascht"),
         ("nervous", "nervös"), ("in a good mood", "gut gelaunt"), ("exhausted", "erschöpft")]


def pool(name: str) -> str:
    """Which world a full name lives in. Nobody from the validation or test pool is ever named in other text."""
    bucket = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 20
    return "test" if bucket < 2 else "validation" if bucket == 2 else "open"


PEOPLE = {split: [] for split in ("open", "validation", "test")}
for _gender in ("f", "m"):
    for _first in lexicon.FIRST_NAMES[_gender]:
        for _last in lexicon.LAST_NAMES:
            PEOPLE[pool(f"{_first} {_last}")].append((_first, _last, _gender))


@dataclass(frozen=True)
class Place:
    en_preposition: str
    en_name: str
    de_where: str
    de_to: str

    @property
    def en(self) -> str:
        return f"{self.en_preposition} {self.en_name}"


@dataclass(frozen=True)
class Event:
    kind: str                       # "act", "give" or "move"
    agent: Person
    verb: Verb
    thing: Thing
    place: Place
    time: tuple[str, str]
    reason: tuple[str, str]
    companion: Person
    duration: tuple[str, str]
    cost: int
    crowd: int
    idea: Person
    payer: Person
    owner: Person
    reward: Thing
    plan: tuple[Verb, Thing]
    home: str
    weather: tuple[str, str, str]
    mood: tuple[str, str]
    recipient: Person | None = None
    others: tuple[Event, ...] = field(default=())

    @property
    def key(self) -> str:
        """Who did what to what, and where: two events with the same key are the same event."""
        return "|".join((self.agent.name, self.verb.en, self.thing.en, self.place.en))


# ---- drawing an event -----------------------------------------------------------------------------------------------

def draw_person(rng: random.Random, split: str, role_probability: float = 0.0, taken: set[str] = frozenset()) -> Person:
    while True:
        first, last, gender = rng.choice(PEOPLE[split])
        if f"{first} {last}" not in taken:
            break
    role = None
    if rng.random() < role_probability:
        en, masculine, feminine = rng.choice(ROLES)
        role = (en, feminine if gender == "f" else masculine)
    return Person(first, last, gender, role)


def draw_adjective(rng: random.Random, category: str) -> tuple[str, str]:
    groups = {"food": ("food",), "animal": ("animal", "living"), "plant": ("living",), "document": ("document", "all")}
    return rng.choice(ADJECTIVES[rng.choice(groups.get(category, ("thing",)) + ("all",))])


def draw_thing(rng: random.Random, nouns: list, determiner: str = "definite", counted: float = 0.15) -> Thing:
    noun = rng.choice(nouns)
    count = tuple(rng.choice(NUMBERS)) if rng.random() < counted else None
    return Thing(noun, draw_adjective(rng, noun.category), determiner, count)


def nouns_for(verb: Verb) -> list:
    if lexicon.ALL in verb.takes:
        return NOUNS
    return [n for n in NOUNS if n.category in verb.takes or n.en in verb.takes]


_NOUNS_FOR = {verb: nouns_for(verb) for verb in VERBS}
_PORTABLE = [n for n in NOUNS if n.category in PORTABLE]


def draw_action(rng: random.Random) -> tuple[Verb, Thing]:
    verb = rng.choice(VERBS)
    return verb, draw_thing(rng, _NOUNS_FOR[verb])


def draw_time(rng: random.Random) -> tuple[str, str]:
    kind = rng.random()
    en_day, de_day = rng.choice(WEEKDAYS)
    en_month, de_month = rng.choice(MONTHS)
    if kind < 0.15:
        return f"on {en_day}", f"am {de_day}"
    if kind < 0.5:
        en, de = rng.choice([("morning", "morgen"), ("afternoon", "nachmittag"), ("evening", "abend")])
        return f"on {en_day} {en}", f"am {de_day}{de}"
    if kind < 0.75:
        day = rng.randint(1, 28)
        return f"on {day} {en_month}", f"am {day}. {de_month}"
    if kind < 0.88:
        en, de = rng.choice([("early", "Anfang"), ("mid-", "Mitte"), ("late", "Ende")])
        return (f"in mid-{en_month}" if en == "mid-" else f"in {en} {en_month}"), f"{de} {de_month}"
    hour = rng.randrange(len(NUMBERS) - 1)
    (en_hour, de_hour), (_, de_next) = NUMBERS[hour], NUMBERS[hour + 1]
    if rng.random() < 0.5:
        return f"at half past {en_hour}", f"um halb {de_next}"
    return f"at {en_hour} o'clock", f"um {de_hour} Uhr"


def draw_duration(rng: random.Random) -> tuple[str, str]:
    (en, de), (en_unit, de_unit) = rng.choice(NUMBERS), rng.choice(
        [("hours", "Stunden"), ("days", "Tage"), ("weeks", "Wochen"), ("minutes", "Minuten"), ("months", "Monate")])
    return f"{en} {en_unit}", f"{de} {de_unit}"


def draw_event(rng: random.Random, split: str = "open", distractors: int | None = None) -> Event:
    """One event whose people all belong to ``split``; its ``others`` are events of other people to mix in."""
    taken: set[str] = set()

    def person(role_probability=0.0):
        someone = draw_person(rng, split, role_probability, taken)
        taken.add(someone.name)
        return someone

    kind = rng.choices(["act", "give", "move"], [0.74, 0.13, 0.13])[0]
    verb, thing = draw_action(rng)
    recipient = None
    if kind == "give":
        verb, thing, recipient = rng.choice(GIVING), draw_thing(rng, _PORTABLE), person(0.5)
    elif kind == "move":
        verb = rng.choice(MOTION)
    others = rng.choice((1, 1, 2, 2, 3)) if distractors is None else distractors
    return Event(kind, person(0.35), verb, thing, Place(*rng.choice(ALL_PLACES)), draw_time(rng), rng.choice(REASONS),
                 person(), draw_duration(rng), rng.choice((rng.randint(13, 99), 10 * rng.randint(10, 99))),
                 rng.randint(13, 99), person(), person(), person(), draw_thing(rng, _PORTABLE, "indefinite", 0.0),
                 draw_action(rng), rng.choice(lexicon.VILLAGES), tuple(rng.choice(WEATHER)), rng.choice(MOODS),
                 recipient, tuple(draw_event(rng, split, 0) for _ in range(others)))


# ---- the main clause of an event --------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Style:
    """How German tells the past, and what opens the sentence."""

    tense: str = "preterite"          # or "perfect"
    time_first: bool = False


def english_core(e: Event, parts=("place", "time"), tense: str = "past", front: str = "", subject: str = "") -> str:
    verb = {"past": e.verb.en_past, "present": e.verb.en_present, "had": f"had {e.verb.en_participle}",
            "to": e.verb.en}[tense]
    words = [subject or e.agent.en, verb] if tense != "to" else [verb]
    words += english_object(e)
    if "companion" in parts:
        words.append(f"together with {e.companion.name}")
    if "place" in parts and front != "place":
        words.append(english_place(e))
    if "time" in parts and front != "time":
        words.append(e.time[0])
    opening = {"time": e.time[0] + ",", "place": e.place.en + ","}.get(front)
    return " ".join(([opening] if opening else []) + words)


def english_place(e: Event) -> str:
    return f"to {e.place.en_name}" if e.kind == "move" else e.place.en


def english_object(e: Event) -> list[str]:
    if e.kind == "move":
        return []
    return [e.thing.en] + ([f"to {e.recipient.en}"] if e.recipient else [])


def german_middle(e: Event, parts, skip: str = "") -> list[str]:
    """What stands between the finite verb (or the conjunction) and the end: time, person, manner, place, object."""
    middle = []
    if "time" in parts and skip != "time":
        middle.append(e.time[1])
    if e.recipient:
        middle.append(e.recipient.de("dat"))
    if "companion" in parts:
        middle.append(f"zusammen mit {e.companion.name}")
    if "place" in parts and skip != "place":
        middle.append(e.place.de_to if e.kind == "move" else e.place.de_where)
    if e.kind != "move":
        middle.append(e.thing.de("acc"))
    return middle


def german_core(e: Event, parts=("place", "time"), tense: str = "preterite", front: str = "", opening: str = "",
                subject: str = "") -> str:
    """A main clause; ``front`` ("time" or "place") or any other ``opening`` constituent moves the subject behind the verb."""
    subject = subject or e.agent.de("nom")
    finite, end = verb_group(e.verb, tense)
    first = opening or {"time": e.time[1], "place": e.place.de_where}.get(front, "")
    middle = german_middle(e, parts, front)
    return main_clause(first, finite, [subject, *middle], end) if first else main_clause(subject, finite, middle, end)


def german_sub(e: Event, conjunction: str, parts=("place",), tense: str = "preterite", subject: str | None = None) -> str:
    subject = e.agent.de("nom") if subject is None else subject
    return subordinate_clause(conjunction, [subject, *german_middle(e, parts)], e.verb, tense)


def german_zu(verb: Verb, e: Event, parts=()) -> str:
    return " ".join([*german_middle(e, parts), verb.with_zu])


def german_modal(e: Event, modal: str, parts, style: Style) -> str:
    """A main clause with a modal verb: its infinitive stands at the end."""
    if style.time_first:
        return main_clause(e.time[1], modal, [e.agent.de("nom"), *german_middle(e, parts, "time")], e.verb.de)
    return main_clause(e.agent.de("nom"), modal, german_middle(e, parts), e.verb.de)


def front_of(style: Style, parts) -> str:
    return "time" if style.time_first and "time" in parts else ""


# ---- sentence patterns: (event, style, rng) -> (English, German) ------------------------------------------------------

MAIN_PATTERNS, FACT_PATTERNS = [], {}


def main_pattern(function):
    MAIN_PATTERNS.append(function)
    return function


def fact(name):
    def register(function):
        FACT_PATTERNS.setdefault(name, []).append(function)
        return function
    return register


def _pair(parts, english_front=""):
    def pattern(e, s, rng):
        return (english_core(e, parts, front=english_front) + ".",
                german_core(e, parts, s.tense, front_of(s, parts) or english_front) + ".")
    return pattern


# plain order, time first, place first; with and without time, place and company
main_pattern(_pair(("place", "time")))
main_pattern(_pair(("time",)))
main_pattern(_pair(("place",)))
main_pattern(_pair(("companion", "place", "time")))
main_pattern(_pair(("companion", "time")))
main_pattern(_pair(("place", "time"), "time"))
main_pattern(_pair(("time",), "time"))
main_pattern(_pair(("companion", "place", "time"), "time"))


@main_pattern
def place_first(e, s, rng):
    if e.kind == "move":
        return _pair(("place", "time"))(e, s, rng)
    return (english_core(e, front="place") + ".",
            german_core(e, tense=s.tense, front=front_of(s, ("time",)) or "place") + ".")


@main_pattern
def with_reason(e, s, rng):
    parts = rng.choice([("place",), ("time",), ("place", "time")])
    return (f"{english_core(e, parts)} because {e.reason[0]}.",
            f"{german_core(e, parts, s.tense, front_of(s, parts))}, weil {e.reason[1]}.")


@main_pattern
def reason_first(e, s, rng):
    finite, end = verb_group(e.verb, s.tense)
    clause = main_clause("", finite, [e.agent.de("nom"), *german_middle(e, ("time",))], end)
    return f"Because {e.reason[0]}, {english_core(e, ('time',))}.", f"Weil {e.reason[1]}, {clause}."


@main_pattern
def passive(e, s, rng):
    if e.kind != "act":
        return with_reason(e, s, rng)
    was = "were" if e.thing.plural else "was"
    finite, end = verb_group(e.verb, s.tense, e.thing.plural, passive=True)
    middle = [f"von {e.agent.de('dat')}", e.place.de_where]
    german = (main_clause(e.time[1], finite, [e.thing.de("nom"), *middle], end) if s.time_first
              else main_clause(e.thing.de("nom"), finite, [e.time[1], *middle], end))
    return f"{e.thing.en} {was} {e.verb.en_participle} by {e.agent.en} {e.place.en} {e.time[0]}.", german + "."


@main_pattern
def short_passive(e, s, rng):
    if e.kind != "act":
        return reason_first(e, s, rng)
    was = "were" if e.thing.plural else "was"
    finite, end = verb_group(e.verb, s.tense, e.thing.plural, passive=True)
    german = main_clause(e.time[1], finite, [e.thing.de("nom"), e.place.de_where], end)
    return (f"{e.time[0]}, {e.thing.en} {was} {e.verb.en_participle} {e.place.en}. It was the work of {e.agent.en}.",
            f"{german}. Es war das Werk von {e.agent.de('dat')}.")


@main_pattern
def cleft(e, s, rng):
    pronoun = "die" if e.agent.gender == "f" else "der"
    return (f"It was {e.agent.en} who {english_core(e, ('place',), subject='%')[2:]}.",
            f"Es war {e.agent.de('nom')}, {german_sub(e, pronoun, ('place',), s.tense, '')}.".replace("  ", " "))


@main_pattern
def managed(e, s, rng):
    finite, end = ("schaffte", "") if s.tense == "preterite" else ("hat", "geschafft")
    opening = e.time[1] if s.time_first else e.agent.de("nom")
    middle = ["es", e.agent.de("nom") if s.time_first else e.time[1]]
    return (f"{e.agent.en} managed to {english_core(e, ('time',), tense='to')}.",
            f"{main_clause(opening, finite, middle, end)}, {german_zu(e.verb, e)}.")


@main_pattern
def decided(e, s, rng):
    finite, end = ("beschloss", "") if s.tense == "preterite" else ("hat", "beschlossen")
    parts = ("place",)
    head = (main_clause(e.time[1], finite, [e.agent.de("nom")], end) if s.time_first
            else main_clause(e.agent.de("nom"), finite, [e.time[1]], end))
    return (f"{e.time[0]}, {e.agent.en} decided to {english_core(e, parts, tense='to')}, and did so.",
            f"{head}, {german_zu(e.verb, e, parts)}, und tat es auch." if s.tense == "preterite"
            else f"{head}, {german_zu(e.verb, e, parts)}, und hat es auch getan.")


@main_pattern
def was_able(e, s, rng):
    parts = ("place", "time")
    return (f"{e.agent.en} was able to {english_core(e, parts, tense='to')}.",
            german_modal(e, "konnte", parts, s) + ".")


@main_pattern
def had_to(e, s, rng):
    parts = ("place", "time")
    return (f"{e.agent.en} had to {english_core(e, parts, tense='to')} because {e.reason[0]}.",
            f"{german_modal(e, 'musste', parts, s)}, weil {e.reason[1]}.")


@main_pattern
def reported(e, s, rng):
    en, de = rng.choice([("The gazette reports that", "Die Zeitung berichtet, dass"), ("We hear that", "Wir hören, dass"),
                         ("It is certain that", "Es steht fest, dass")])
    opening, conjunction = de.rsplit(" ", 1)
    return (f"{en} {english_core(e)}.", f"{opening} {german_sub(e, conjunction, ('place', 'time'), s.tense)}.")


@main_pattern
def according_to(e, s, rng):
    en, de = rng.choice([("According to the police", "Nach Angaben der Polizei"), ("To everyone's delight", "Zur Freude aller"),
                         ("As expected", "Wie erwartet"), ("Without much noise", "Ohne viel Lärm")])
    return f"{en}, {english_core(e)}.", german_core(e, tense=s.tense, opening=de) + "."


@main_pattern
def after(e, s, rng):
    finite, end = ("räumte", "auf") if s.tense == "preterite" else ("hat", "aufgeräumt")
    return (f"After {english_core(e, ('place',), tense='had')}, {e.companion.name} tidied up.",
            f"{german_sub(e, 'Nachdem', ('place',), 'pluperfect')}, {finite} {e.companion.name} {end}.")


@main_pattern
def when_people_watched(e, s, rng):
    finite, end = ("sahen", "zu") if s.tense == "preterite" else ("haben", "zugesehen")
    return (f"When {english_core(e, ('place',))}, {e.crowd} people watched.",
            f"{german_sub(e, 'Als', ('place',), s.tense)}, {finite} {e.crowd} Leute {end}.")


@main_pattern
def who_comes_from(e, s, rng):
    pronoun = "die" if e.agent.gender == "f" else "der"
    finite, end = verb_group(e.verb, s.tense)
    relative = f"{e.agent.de('nom')}, {pronoun} aus {e.home} kommt,"
    parts = ("place", "time")
    german = (main_clause(e.time[1], finite, [relative, *german_middle(e, parts, "time")], end) if s.time_first
              else main_clause(relative, finite, german_middle(e, parts), end))
    return f"{english_core(e, parts, subject=f'{e.agent.en}, who comes from {e.home},')}.", german + "."


@main_pattern
def although(e, s, rng):
    finite, end = verb_group(e.verb, s.tense)
    clause = main_clause("", finite, [e.agent.de("nom"), *german_middle(e, ("place", "time"))], end)
    en, de = rng.choice([("it was raining", "es regnete"), ("it was very cold", "es sehr kalt war"),
                         (f"{e.owner.name} was against it", f"{e.owner.name} dagegen war"),
                         ("there was little time", "wenig Zeit blieb")])
    return f"Although {en}, {english_core(e)}.", f"Obwohl {de}, {clause}."


@main_pattern
def thanks_to(e, s, rng):
    return (f"Thanks to {e.companion.name}, {e.agent.en} was able to {english_core(e, ('time',), tense='to')}.",
            main_clause(f"dank {e.companion.name}", "konnte", [e.agent.de("nom"), *german_middle(e, ("time",))], e.verb.de) + ".")


@fact("companion")
def helped(e, s, rng):
    dative = "ihr" if e.agent.gender == "f" else "ihm"
    her = "her" if e.agent.gender == "f" else "him"
    return (f"{e.companion.name} helped {her}.",
            f"{e.companion.name} half {dative}." if s.tense == "preterite" else f"{e.companion.name} hat {dative} geholfen.")


@fact("companion")
def came_along(e, s, rng):
    return (f"{e.companion.name} came along to help.",
            f"{e.companion.name} kam zum Helfen mit." if s.tense == "preterite"
            else f"{e.companion.name} ist zum Helfen mitgekommen.")


@fact("companion")
def lent_a_hand(e, s, rng):
    return (f"{e.companion.name} lent a hand the whole time.",
            f"{e.companion.name} packte die ganze Zeit mit an." if s.tense == "preterite"
            else f"{e.companion.name} hat die ganze Zeit mit angepackt.")


def _simple(name, english, preterite, perfect):
    """A fact pattern from three texts; ``{She}``, ``{Sie}`` and the facts are filled in."""
    def pattern(e, s, rng):
        she, sie = e.agent.she
        it_en, it_de = e.thing.it("nom")
        names = dict(e=e, she=she, sie=sie, She=capitalise(she), Sie=capitalise(sie), her="her" if she == "she" else "his",
                     agent=e.agent.name, thing=e.thing.en, thing_nom=e.thing.de("nom"), thing_acc=e.thing.de("acc"),
                     hatte="hatten" if e.thing.plural else "hatte", war="waren" if e.thing.plural else "war",
                     was="were" if e.thing.plural else "was", it=it_en, es=it_de, Es=capitalise(it_de), It=capitalise(it_en),
                     reward_en=e.reward.en, reward_acc=e.reward.de("acc"), plan_en=f"{e.plan[0].en} {e.plan[1].en}",
                     plan_de=f"{e.plan[1].de('acc')} {e.plan[0].de}", plan_zu=f"{e.plan[1].de('acc')} {e.plan[0].with_zu}")
        return english.format(**names), (preterite if s.tense == "preterite" else perfect).format(**names)
    fact(name)(pattern)


for _row in """
duration # It took {e.duration[0]}. # Es dauerte {e.duration[1]}. # Es hat {e.duration[1]} gedauert.
duration # The whole thing lasted {e.duration[0]}. # Das Ganze dauerte {e.duration[1]}. # Das Ganze hat {e.duration[1]} gedauert.
duration # {She} needed {e.duration[0]} for it. # {Sie} brauchte dafür {e.duration[1]}. # {Sie} hat dafür {e.duration[1]} gebraucht.
cost # It cost {e.cost} euros. # Es kostete {e.cost} Euro. # Es hat {e.cost} Euro gekostet.
cost # {She} spent {e.cost} euros on it. # {Sie} gab dafür {e.cost} Euro aus. # {Sie} hat dafür {e.cost} Euro ausgegeben.
cost # A total of {e.cost} euros was needed. # Insgesamt brauchte man {e.cost} Euro. # Insgesamt hat man {e.cost} Euro gebraucht.
crowd # {e.crowd} people watched. # {e.crowd} Leute sahen zu. # {e.crowd} Leute haben zugesehen.
crowd # A crowd of {e.crowd} people gathered. # Es versammelten sich {e.crowd} Leute. # Es haben sich {e.crowd} Leute versammelt.
crowd # {e.crowd} visitors came. # {e.crowd} Besucher kamen. # {e.crowd} Besucher sind gekommen.
idea # The idea came from {e.idea.name}. # Die Idee kam von {e.idea.name}. # Die Idee ist von {e.idea.name} gekommen.
idea # {e.idea.name} had suggested it. # {e.idea.name} hatte es vorgeschlagen. # {e.idea.name} hatte es vorgeschlagen.
idea # It was {e.idea.name} who had the idea. # Die Idee hatte {e.idea.name}. # Die Idee hatte {e.idea.name}.
payer # {e.payer.name} paid for it. # {e.payer.name} bezahlte dafür. # {e.payer.name} hat dafür bezahlt.
payer # {e.payer.name} paid for everything. # {e.payer.name} bezahlte alles. # {e.payer.name} hat alles bezahlt.
payer # {e.payer.name} took over the costs. # {e.payer.name} übernahm die Kosten. # {e.payer.name} hat die Kosten übernommen.
owner # Before that, {thing} had belonged to {e.owner.name}. # Vorher {hatte} {thing_nom} {e.owner.name} gehört. # Vorher {hatte} {thing_nom} {e.owner.name} gehört.
owner # {e.owner.name} was the previous owner of {thing}. # {e.owner.name} besaß vorher {thing_acc}. # {e.owner.name} hat vorher {thing_acc} besessen.
reward # As thanks, {she} was given {reward_en}. # Zum Dank bekam {sie} {reward_acc}. # Zum Dank hat {sie} {reward_acc} bekommen.
reward # As a reward, {she} received {reward_en}. # Als Belohnung erhielt {sie} {reward_acc}. # Als Belohnung hat {sie} {reward_acc} erhalten.
reward # {She} was delighted with {reward_en} as a present. # {Sie} freute sich über {reward_acc} als Geschenk. # {Sie} hat sich über {reward_acc} als Geschenk gefreut.
plan # Next, {she} wants to {plan_en}. # Als Nächstes will {sie} {plan_de}. # Als Nächstes will {sie} {plan_de}.
plan # Soon {she} will {plan_en}. # Bald wird {sie} {plan_de}. # Bald wird {sie} {plan_de}.
plan # {She} is already planning to {plan_en}. # {Sie} hat schon vor, {plan_zu}. # {Sie} hat schon vor, {plan_zu}.
plan # {She} promised to {plan_en} soon. # {Sie} versprach, bald {plan_zu}. # {Sie} hat versprochen, bald {plan_zu}.
time # It happened {e.time[0]}. # Es geschah {e.time[1]}. # Es ist {e.time[1]} geschehen.
time # It all began {e.time[0]}. # Alles begann {e.time[1]}. # Alles hat {e.time[1]} begonnen.
reason # {She} did it because {e.reason[0]}. # {Sie} tat es, weil {e.reason[1]}. # {Sie} hat es getan, weil {e.reason[1]}.
reason # It was necessary because {e.reason[0]}. # Es war nötig, weil {e.reason[1]}. # Es war nötig, weil {e.reason[1]}.
reason # Why? Because {e.reason[0]}. # Warum? Weil {e.reason[1]}. # Warum? Weil {e.reason[1]}.
weather # {e.weather[0]} # {e.weather[1]} # {e.weather[2]}
mood # Afterwards {she} was {e.mood[0]}. # Danach war {sie} {e.mood[1]}. # Danach war {sie} {e.mood[1]}.
mood # {agent} looked {e.mood[0]}. # {agent} wirkte {e.mood[1]}. # {agent} hat {e.mood[1]} gewirkt.
home # {agent} lives in {e.home}. # {agent} wohnt in {e.home}. # {agent} wohnt in {e.home}.
home # {agent} grew up in {e.home}. # {agent} wuchs in {e.home} auf. # {agent} ist in {e.home} aufgewachsen.
""".strip().splitlines():
    _simple(*(part.strip() for part in _row.split(" # ")))


@fact("place")
def happened_at(e, s, rng):
    if e.kind == "move":
        return (f"The way to {e.place.en_name} was long.", f"Der Weg {e.place.de_to} war lang.")
    return (f"It happened {e.place.en}.",
            f"Es geschah {e.place.de_where}." if s.tense == "preterite" else f"Es ist {e.place.de_where} geschehen.")


@fact("place")
def meeting_place(e, s, rng):
    if e.kind == "move":
        return (f"{capitalise(e.agent.she[0])} had never been to {e.place.en_name} before.",
                f"{capitalise(e.agent.she[1])} war noch nie {e.place.de_where} gewesen.")
    return (f"Everyone had met {e.place.en}.", f"Alle hatten sich {e.place.de_where} getroffen.")


# What other people did: true sentences that a summary should leave out.

@fact("other")
def a_year_earlier(e, s, rng):
    return (f"A year earlier, {english_core(e, ('place',), tense='had', subject=e.agent.name)}.",
            german_core(e, ("place",), "pluperfect", opening="ein Jahr zuvor", subject=e.agent.name) + ".")


@fact("other")
def in_contrast(e, s, rng):
    finite, end = verb_group(e.verb, s.tense)
    return (f"{english_core(e, ('time',), subject=e.agent.name + ', in contrast,')}.",
            main_clause(f"{e.agent.name} dagegen", finite, german_middle(e, ("time",)), end) + ".")


@fact("other")
def will_do(e, s, rng):
    return (f"{capitalise(e.time[0])}, {e.agent.name} will {english_core(e, ('place',), tense='to')}.",
            main_clause(e.time[1], "wird", [e.agent.name, *german_middle(e, ("place",))], e.verb.de) + ".")


@fact("other")
def meanwhile(e, s, rng):
    return (f"Meanwhile, {english_core(e, ('place',), subject=e.agent.name)}.",
            german_core(e, ("place",), s.tense, opening="inzwischen", subject=e.agent.name) + ".")


def sentence(pattern, e: Event, style: Style, rng: random.Random) -> tuple[str, str]:
    """One pattern, spelled out: (English, German), both with a capital letter."""
    english, german = pattern(e, style, rng)
    return capitalise(english), capitalise(german)


def pattern_count() -> int:
    return len(MAIN_PATTERNS) + sum(len(patterns) for patterns in FACT_PATTERNS.values())


# ---- documents ---------------------------------------------------------------------------------------------------------

SOMETIMES = ("companion", "duration", "cost", "crowd", "idea", "payer", "owner", "reward", "plan", "weather", "mood", "home")


@dataclass(frozen=True)
class Document:
    """Sentence pairs in order, and the names of the facts that the document tells (what can be asked)."""

    event: Event
    sentences: tuple[tuple[str, str], ...]
    facts: frozenset[str]

    @property
    def en(self) -> str:
        return " ".join(english for english, _ in self.sentences)

    @property
    def de(self) -> str:
        return " ".join(german for _, german in self.sentences)


def write_document(e: Event, rng: random.Random, tense: str = "preterite", facts: int | None = None) -> Document:
    """40 to 120 English words on one event: its main sentence, its place, time and reason, more facts, and distractors."""
    style = Style(tense, rng.random() < 0.4)
    while True:
        n = rng.randint(3, 6) if facts is None else facts
        main = sentence(rng.choice(MAIN_PATTERNS), e, style, rng)
        chosen = rng.sample([f for f in SOMETIMES if not (f == "owner" and e.kind == "move")], n)
        told = set(chosen)
        for name, text in (("time", e.time[0]), ("place", e.place.en_name), ("reason", e.reason[0])):
            if text not in main[0] and text not in main[0].lower():
                chosen.append(name)
            told.add(name)
        if e.kind == "move" and e.place.en_name not in main[0]:
            chosen = [c for c in chosen if c != "place"]
            told.discard("place")
        rest = [sentence(rng.choice(FACT_PATTERNS[name]), e, style, rng) for name in chosen]
        rest += [sentence(rng.choice(FACT_PATTERNS["other"]), other, style, rng) for other in e.others]
        if e.companion.name in main[0]:
            told.add("companion")
        rng.shuffle(rest)
        # Pronouns need someone to point to: the main sentence comes first, or after one sentence that names people itself.
        position = 1 if rest and rng.random() < 0.35 and not NEEDS_AN_AGENT & set(rest[0][0].rstrip(".").split()) else 0
        sentences = rest[:position] + [main] + rest[position:]
        words = sum(len(english.split()) for english, _ in sentences)
        if 40 <= words <= 120:
            return Document(e, tuple(sentences), frozenset(told | {"who", "what"}))
        facts = None


NEEDS_AN_AGENT = set("She He she he her him it It Why? happened Afterwards agent".split())
