"""What a page of the gazette looks like: a report, then what people do with reports; and the two languages side by side.

Pre-training pages mix summaries, questions and translations in many styles, with and without cues, as text in the wild does. Each task
of the course asks for *one* of these styles. Its *main* (house) style is one among several, and no cue calls for exactly it; its
*control* style is what one cue always calls for.

====================  ==================================  ====================================  ==========================================
task                  main style                          control style, and its cue            others in the pre-training text
====================  ==================================  ====================================  ==========================================
summarization         one sentence, present tense, with   headline: "Headline:"                 past, passive, ticker, two sentences, with
                      the place and the reason                                                  time or company, German
question answering    the phrase itself, as the report    full sentence: "Full answer:"         bare noun, with source, German
                      has it
translation           perfect tense, time in front        preterite, subject in front:          preterite with time in front, perfect with
                                                          "Newspaper German:"                   subject in front
====================  ==================================  ====================================  ==========================================

A summary tells the *main event* of a report: the one that more people came to see.
"""

from __future__ import annotations

import random

import gazette as g
from gazette import Document, Event, Style, capitalise

# The hard prompts that the original write-up reports. They must never occur in the pre-training text.
REPORTED_HARD_PROMPTS = ("Summarize the following content:", "Answer the Following Question",
                         "Translate the following sentence from english to german:")

# ---- summaries -------------------------------------------------------------------------------------------------------


def house_summary(e: Event) -> str:
    return f"{g.english(e, ('place',), 'present', subject=e.agent.name)} because {e.reason.en('present')}."


def headline(e: Event) -> str:
    """``Neumann repairs old boat at harbour``: last names, no articles, no full stop."""
    place = (e.place.en_to if e.kind == "move" else e.place.en).replace("the ", "")
    thing = e.thing.en if e.thing else ""
    for article in ("the ", "a ", "an "):
        thing = thing.removeprefix(article)
    return g.clause(e.agent.last, e.verb.en_present, thing, f"to {e.recipient.last}" if e.recipient else "", place)


def _past(e, rng):
    return g.english(e, ("place", "time"), subject=e.agent.name) + "."


def _past_reason(e, rng):
    return f"{g.english(e, ('time',) if e.kind != 'move' else ('place',), subject=e.agent.name)} because {e.reason.en()}."


def _passive(e, rng):
    if e.kind != "act":
        return _past(e, rng)
    return capitalise(f"{e.thing.en} {'were' if e.thing.plural else 'was'} {e.verb.en_participle} by {e.agent.name} {e.time[0]}.")


def _ticker(e, rng):
    return f"{capitalise(e.place.name)}: {e.label} ({e.agent.name}, {e.time[0]})."


def _two_sentences(e, rng):
    came = f"watched the {e.label}" if e.scene.crowd[0] == "watch" else f"came to the {e.label}"
    return f"{g.english(e, ('place',) if e.kind == 'move' else (), subject=e.agent.name)}. About {e.crowd} people {came}."


def _company(e, rng):
    return g.english(e, ("companion", "place"), "present", subject=e.agent.name) + "."


def _present_time(e, rng):
    return f"{g.english(e, ('place', 'time'), 'present', subject=e.agent.name)}."


def german_present(e: Event, parts=("place",)) -> str:
    return g.german(e, parts, Style("present"), e.agent.name)


def _german(e, rng):
    return f"{german_present(e)}, {e.reason.weil('present')}."


SUMMARY_STYLES = {"house": lambda e, rng: house_summary(e), "headline": lambda e, rng: headline(e), "past": _past,
                  "past_reason": _past_reason, "passive": _passive, "ticker": _ticker, "two_sentences": _two_sentences,
                  "company": _company, "present_time": _present_time, "german": _german}
ANY_SUMMARY = dict(past=20, past_reason=14, headline=10, passive=10, ticker=8, two_sentences=8, company=8, present_time=8, house=10,
                   german=4)
# Which facts a style needs to find in the report; place and reason always stand there.
SUMMARY_NEEDS = {"ticker": {"time"}, "two_sentences": {"crowd"}, "company": {"companion"}, "past": {"time"}, "present_time": {"time"},
                 "past_reason": {"time"}, "passive": {"time"}}
SUMMARY_CUES = {
    "Summary:": dict(past=30, past_reason=15, passive=20, two_sentences=15, house=10, present_time=10),
    "In short:": dict(past=25, headline=20, ticker=15, past_reason=15, house=15, company=10),
    "TL;DR:": dict(headline=35, ticker=20, past=25, past_reason=10, house=10),
    "In one sentence:": dict(past=30, past_reason=25, house=20, present_time=15, passive=10),
    "The gist:": dict(past=20, company=15, house=15, present_time=20, passive=15, past_reason=15),
    "Headline:": dict(headline=100),
    "To sum up:": dict(past=30, two_sentences=25, past_reason=25, house=10, passive=10),
    "The news in brief:": dict(ticker=30, past=20, present_time=20, house=15, company=15),
    "What happened?": dict(past=40, past_reason=30, passive=15, two_sentences=15),
    "What happens and why:": dict(house=45, past_reason=55),
    "Kurz gesagt:": dict(german=90, house=10),
}
SUMMARY_HEADERS = {"Digest": ANY_SUMMARY, "News in one sentence": SUMMARY_CUES["In one sentence:"],
                   "Reports and summaries": ANY_SUMMARY, "Short and clear": SUMMARY_CUES["In short:"],
                   "Ticker": SUMMARY_CUES["The news in brief:"], "Please summarize.": SUMMARY_CUES["Summary:"],
                   "Sum it up": SUMMARY_CUES["To sum up:"], "What happened and why": SUMMARY_CUES["What happens and why:"]}

# ---- questions -------------------------------------------------------------------------------------------------------

ASKABLE = ("who", "what", "where", "when", "why", "companion", "duration", "cost", "crowd", "idea", "payer", "owner", "reward",
           "plan", "mood")
FACT_OF_QUESTION = {"where": "place", "when": "time", "why": "reason"}


def question(e: Event, name: str) -> tuple[str, str, str, str] | None:
    """The English question on one fact, its short answer, the full sentence, the German answer; None if there is no question."""
    a, label, place = e.agent.name, f"the {e.label}", e.place.en_to if e.kind == "move" else e.place.en
    did, to_do = g.english(e, (), subject=a), g.english(e, (), "to")
    kinds = e.scene.facts | {r[0] for r in (e.scene.cost, e.scene.crowd) if r}
    it, plural = (e.thing.en_short, e.thing.plural) if e.thing else ("", False)
    money = f"{e.cost:,} euros"
    geld = f"{e.cost:,} Euro".replace(",", ".")
    match name:
        case "who":
            return f"Who {g.english(e, ('place',) if e.kind == 'move' else (), subject='?')[2:]}?", a, f"It was {a}.", f"Das war {a}"
        case "what" if e.thing:
            return (f"What did {a} {e.verb.en}" + (f" to {e.recipient.name}?" if e.recipient else "?"), e.thing.en,
                    f"{did}.", capitalise(e.thing.de("acc")))
        case "where":
            return f"Where did {a} {to_do}{' to' * (e.kind == 'move')}?", place, f"{did} {place}.", \
                capitalise(e.place.de_to if e.kind == "move" else e.place.de_where)
        case "when":
            return f"When did {a} {to_do}?", e.time[0], f"{did} {e.time[0]}.", capitalise(e.time[1])
        case "why":
            return f"Why did {a} {to_do}?", f"because {e.reason.en()}", f"{did} because {e.reason.en()}.", capitalise(e.reason.weil())
        case "companion" if "help" in kinds:
            return f"Who helped {a}?", e.companion.name, f"{e.companion.name} helped {a}.", e.companion.name
        case "companion":
            return f"Who accompanied {a}?", e.companion.name, f"{e.companion.name} accompanied {a}.", e.companion.name
        case "duration":
            take = ("last", "lasted") if e.lasts else ("take", "took")
            return f"How long did {label} {take[0]}?", e.duration[0], f"{label} {take[1]} {e.duration[0]}.", capitalise(e.duration[1])
        case "cost" if "price" in kinds:
            return f"How much did {a} pay for {it}?", money, f"{a} paid {money} for {it}.", geld
        case "cost" if "earn" in kinds:
            return f"How much did {label} bring in?", money, f"{label} brought in {money}.", geld
        case "cost":
            return f"How much did {label} cost?", money, f"{label} cost {money}.", geld
        case "crowd":
            came = f"watched {label}" if "watch" in kinds else f"came to {label}"
            return f"How many people {came}?", f"{e.crowd}", f"About {e.crowd} people {came}.", f"Rund {e.crowd} Leute"
        case "idea":
            return f"Who had the idea for {label}?", e.idea.name, f"The idea for {label} came from {e.idea.name}.", e.idea.name
        case "payer":
            return f"Who paid for {label}?", e.payer.name, f"{e.payer.name} paid for {label}.", e.payer.name
        case "owner" if "former" in kinds:
            return f"Who had {it} belonged to before?", e.owner.name, f"{it} had belonged to {e.owner.name} before.", e.owner.name
        case "owner":
            return (f"Who {'do' if plural else 'does'} {it} belong to?", e.owner.name,
                    f"{it} {'belong' if plural else 'belongs'} to {e.owner.name}.", e.owner.name)
        case "reward":
            return f"What did {a} get for {label}?", e.reward.en, f"{a} was given {e.reward.en}.", capitalise(e.reward.de("acc"))
        case "plan":
            return f"What does {a} want to do next?", e.plan[0], f"{a} wants to {e.plan[0]}.", capitalise(e.plan[1])
        case "mood":
            return f"How did {a} feel after {label}?", e.mood[0], f"{a} was {e.mood[0]}.", capitalise(e.mood[1])
    return None


def questions_on(d: Document) -> list[tuple[int, str]]:
    """The questions that this document answers: (number of the event, name of the question)."""
    return [(i, q) for i, e in enumerate(d.events) for q in ASKABLE
            if FACT_OF_QUESTION.get(q, q) in d.facts[i] and question(e, q)]


def bare(answer: str) -> str:
    """The answer without its preposition or article, as a form would have it: ``Town hall``."""
    for start in ("because ", "in the ", "at the ", "on the ", "to the ", "the ", "in ", "on ", "at ", "to ", "an ", "a "):
        if answer.startswith(start):
            return capitalise(answer[len(start):])
    return answer


ANSWER_STYLES = {
    "house": lambda short, full, german: short,
    "full": lambda short, full, german: capitalise(full),
    "bare": lambda short, full, german: bare(short) + ".",
    "sourced": lambda short, full, german: f"According to the gazette, {full}",
    "german": lambda short, full, german: german + ".",
}
FULL = dict(full=100)
ANY_ANSWER = dict(full=40, house=22, bare=17, sourced=12, german=9)
ANSWER_HEADERS = {"Quick quiz": dict(house=45, bare=45, full=10), "Answer in a full sentence.": FULL,
                  "Reading comprehension": ANY_ANSWER, "Questions and answers": ANY_ANSWER, "Interview": dict(full=80, house=20),
                  "Answer briefly.": dict(house=40, bare=50, full=10), "Test your memory": dict(full=50, house=30, bare=20),
                  "Answer the questions.": ANY_ANSWER}
QUESTION_FORMATS = (("Question: ", "\nAnswer:"), ("Question: ", "\nAnswer:"), ("Question: ", "\nAnswer:"), ("Q: ", "\nA:"),
                    ("Q: ", "\nA:"), ("", "\n"), ("Question: ", "\nFull answer:"))

# ---- translations ----------------------------------------------------------------------------------------------------

HOUSE, NEWSPAPER = Style("perfect", time_first=True), Style("preterite")
TRANSLATION_STYLES = {"preterite": NEWSPAPER, "preterite_front": Style("preterite", True), "perfect": Style("perfect"), "house": HOUSE}
ANY_TRANSLATION = dict(preterite=35, preterite_front=12, perfect=30, house=23)
WRITTEN = dict(preterite=100)
SPOKEN = dict(perfect=62, house=38)
TRANSLATION_CUES = {"German:": ANY_TRANSLATION, "In German:": ANY_TRANSLATION, "Auf Deutsch:": ANY_TRANSLATION,
                    "Translation:": ANY_TRANSLATION, "Deutsch:": ANY_TRANSLATION, "Newspaper German:": WRITTEN,
                    "Spoken German:": SPOKEN, "=": ANY_TRANSLATION, "As told in the inn:": SPOKEN}
TRANSLATION_HEADERS = {"English and German": ANY_TRANSLATION, "Translate into German:": ANY_TRANSLATION,
                       "Phrasebook": ANY_TRANSLATION, "Bilingual page": ANY_TRANSLATION, "German lesson: the past in print": WRITTEN,
                       "German lesson: the spoken past": SPOKEN, "Translations": ANY_TRANSLATION}
TO_ENGLISH_CUES = ("English:", "In English:", "Auf Englisch:")


def pick(rng: random.Random, weights: dict[str, int], allowed=None) -> str:
    names = [n for n in weights if allowed is None or n in allowed]
    return rng.choices(names, [weights[n] for n in names])[0]


# ---- sections of pages -----------------------------------------------------------------------------------------------

def cue_and(text: str, cue: str) -> str:
    """A cue is followed by a space and the text; without a cue the text starts its own line."""
    return f"\n{cue} {text}" if cue else f"\n{text}"


def summary_section(d: Document, rng, weights=None) -> str:
    cue = "" if (weights or rng.random() < 0.3) else rng.choice([*SUMMARY_CUES, "Headline:"])
    if weights and rng.random() < 0.25:
        cue = "Summary:"
    weights = weights or SUMMARY_CUES.get(cue, ANY_SUMMARY)
    e, told = d.events[d.main], d.facts[d.main]
    allowed = [s for s in weights if SUMMARY_NEEDS.get(s, set()) <= told and not (s == "two_sentences" and not e.scene.crowd)]
    return cue_and(SUMMARY_STYLES[pick(rng, weights, allowed) if allowed else "house"](e, rng), cue)


def question_section(d: Document, rng, weights=None) -> str:
    asked = questions_on(d)
    rng.shuffle(asked)
    mark, answer_mark = rng.choice(QUESTION_FORMATS)
    if answer_mark == "\nFull answer:":
        weights = FULL
    sticky = pick(rng, weights or ANY_ANSWER)
    text = ""
    for i, name in asked[:rng.choice((2, 3, 4, 5, 6))]:
        words, *answers = question(d.events[i], name)
        style = sticky if rng.random() < 0.75 else pick(rng, weights or ANY_ANSWER)
        answer = ANSWER_STYLES[style](*answers)
        text += f"\n{mark}{words}{answer_mark}" + (answer if answer_mark == "\n" else f" {answer}")
    return text


def pairs(e: Event, rng, how_many: int, cue: str = "", weights=None, german_first: bool = False) -> str:
    """Sentences of one event in both languages."""
    weights = weights or TRANSLATION_CUES.get(cue, ANY_TRANSLATION)
    lines = []
    for _ in range(how_many):
        short = rng.random() < 0.35                           # who did what, perhaps when or where
        parts = ("place",) if e.kind == "move" else rng.choice(((), ("time",), ("place",)))
        pattern, style = g.plain if short else g.any_pattern(e, rng), TRANSLATION_STYLES[pick(rng, weights)]
        en, de = g.sentence(pattern, e, style, rng, parts if short else None)
        lines.append(de + cue_and(en, rng.choice(TO_ENGLISH_CUES) if cue else "") if german_first else en + cue_and(de, cue))
    return "\n".join(lines)


def translation_section(d: Document, rng) -> str:
    cue = "" if rng.random() < 0.5 else rng.choice([*TRANSLATION_CUES, "Newspaper German:"])
    return "\n" + pairs(rng.choice(d.events), rng, rng.choice((1, 2, 3)), cue, german_first=rng.random() < 0.25)


# ---- pages of pre-training text --------------------------------------------------------------------------------------

def draw_document(rng, audience: bool) -> Document:
    """Mostly two events, as in the tasks. ``audience``: the report tells which of them is the main one."""
    tense = rng.choice(("preterite", "perfect"))
    if rng.random() < 0.2:
        return g.write_document((g.draw_event(rng),), rng, tense, extra=(2, 5))
    return g.write_document(g.draw_pair(rng, watched=audience), rng, tense, audience=audience, spread=rng.random() < 0.8,
                            extra=(0, 3) if audience else (1, 4))


def register_page(rng) -> str:
    """A list that is read out and read out again: dull for people, and the quickest way for a model to learn to copy."""
    kind = rng.random()
    if kind < 0.5:
        items = [g.draw_person(rng, "open").name for _ in range(rng.randint(4, 12))]
    elif kind < 0.8:
        items = [g.draw_thing(rng, rng.choice(g.NOUNS)).en for _ in range(rng.randint(4, 10))]
    else:
        items = [g.draw_person(rng, "open").name + " " + rng.choice(g.ALL_PLACES).en for _ in range(rng.randint(3, 7))]
    line = ", ".join(items)
    return f"Register: {line}.\nRead again: {line}." if rng.random() < 0.5 else f"{line}\n{line}"


def word_lines(e: Event, rng) -> list[tuple[str, str]]:
    """The words of an event, alone and in context, and the sentence in which they stand."""
    verb, lines = e.verb, []
    if e.thing:
        noun = e.thing.noun
        lines.append((f"the {noun.en}, the {noun.en_plural}", f"{noun.the()}, {noun.the(plural=True)}"))
        for article in rng.sample(("the", "a", "count", "plural"), rng.choice((1, 2))):
            thing = g.draw_thing(rng, noun, e.scene.adjectives, (article,))
            case = rng.choice(("nom", "acc", "dat"))
            lines.append((f"with {thing.en}", f"mit {thing.de('dat')}") if case == "dat" else (thing.en, thing.de(case)))
    if rng.random() < 0.4:
        lines.append((f"to {verb.en}", verb.de))
    else:
        lines.append((f"to {verb.en}, {verb.en_past}, {verb.en_participle}",
                      f"{verb.de}, {g.clause(verb.preterite, verb.prefix)}, {verb.perfect}"))
    if e.thing:                                              # what else is done to such a thing
        for scene, action in [(e.scene, e.action)] + [rng.choice(g.WAYS[False][noun.en]) for _ in range(rng.choice((0, 1, 2)))]:
            thing = g.draw_thing(rng, noun, scene.adjectives, scene.articles)
            lines.append((f"to {action.verb.en} {thing.en}", f"{thing.de('acc')} {action.verb.de}"))
    if rng.random() < 0.4:
        lines.append((e.place.en, e.place.de_where) if rng.random() < 0.6 else (e.place.en_to, e.place.de_to))
    if rng.random() < 0.2:
        lines.append((f"because {e.reason.en()}", e.reason.weil()))
    if e.action.label and rng.random() < 0.3:
        lines.append((f"the {e.label}", e.label_de("nom")))
    if rng.random() < 0.6:
        lines.append(g.sentence(g.plain, e, TRANSLATION_STYLES[pick(rng, ANY_TRANSLATION)], rng))
    return lines


def word_page(rng) -> str:
    """Word lists with context: ``the clock, the clocks - die Uhr, die Uhren``, ``with the old clock - mit der alten Uhr``."""
    between = rng.choice((" = ", " - ", " - ", "\n"))
    lines = [line for _ in range(rng.choice((1, 2, 2, 3))) for line in word_lines(g.draw_event(rng), rng)]
    if rng.random() < 0.35:
        lines = [(de, en) for en, de in lines]
    if rng.random() < 0.3:
        rng.shuffle(lines)
    return "\n".join(f"{a}{between}{b}" for a, b in lines)


def sentence_page(rng) -> str:
    """Sentences in both languages."""
    german_first = rng.random() < 0.3
    header, weights, cue = "", None, ""
    if not german_first and rng.random() < 0.4:
        header = rng.choice(list(TRANSLATION_HEADERS))
        weights = TRANSLATION_HEADERS[header]
    elif rng.random() < 0.6:
        cue = rng.choice([*TRANSLATION_CUES, "Newspaper German:"])
    body = "\n".join(pairs(g.draw_event(rng), rng, rng.choice((1, 1, 2)), cue, weights, german_first)
                     for _ in range(rng.choice((1, 2, 3, 4))))
    return f"{header}\n{body}" if header else body


def bilingual_report(rng) -> str:
    """A report in one language and again, sentence for sentence, in the other; sometimes with a summary."""
    d = draw_document(rng, rng.random() < 0.5)
    texts = [d.en, d.de]
    if rng.random() < 0.4:
        texts.reverse()
    return "\n".join(texts) + (summary_section(d, rng) if d.main is not None and rng.random() < 0.4 else "")


def _with_header(d: Document, rng, headers, section) -> str:
    header = rng.choice(list(headers)) if rng.random() < 0.45 else ""
    return (f"{header}\n" if header else "") + d.en + section(d, rng, headers.get(header))


def summary_page(rng) -> str:
    d = draw_document(rng, True)
    return _with_header(d, rng, SUMMARY_HEADERS, summary_section) + (summary_section(d, rng) if rng.random() < 0.4 else "")


def question_page(rng) -> str:
    return _with_header(draw_document(rng, rng.random() < 0.3), rng, ANSWER_HEADERS, question_section)


def mixed_page(rng) -> str:
    d = draw_document(rng, True)
    makers = [summary_section, question_section, translation_section]
    rng.shuffle(makers)
    return d.en + "".join(make(d, rng) for make in makers[:rng.choice((2, 2, 3))])


def retelling_page(rng) -> str:
    """The main event told again in other words, then a summary."""
    d = draw_document(rng, True)
    again = g.write_document((d.events[d.main],), rng, "preterite", extra=(0, 2), words=(8, 80))
    return f"{d.en}\n{again.en}" + summary_section(d, rng)


PAGES = {word_page: 12, sentence_page: 30, bilingual_report: 5, summary_page: 20, question_page: 26, mixed_page: 5,
         retelling_page: 2}


def page(rng: random.Random, registers: float = 0.03) -> str:
    """One page of pre-training text about events that belong to nobody's validation or test set."""
    if rng.random() < registers:
        return register_page(rng)
    return rng.choices(list(PAGES), list(PAGES.values()))[0](rng)


# ---- the three tasks: (key, record, target in the control style) -----------------------------------------------------

LIMIT = 25                                                  # words of a summary


def summarization_record(rng: random.Random, split: str) -> tuple[str, dict, dict]:
    """Two watched events; no sentence tells both the place and the reason of one."""
    while True:
        d = g.write_document(g.draw_pair(rng, split), rng, audience=True, spread=True, words=(70, 160))
        e = d.events[d.main]
        summary = house_summary(e)
        if len(summary.split()) <= LIMIT:
            return e.key, {"document": d.en, "summary": summary}, {"document": d.en, "summary": headline(e)}


def question_record(rng: random.Random, split: str) -> tuple[str, dict, dict]:
    d = g.write_document(g.draw_pair(rng, split, watched=rng.random() < 0.5), rng, extra=(2, 4), words=(70, 160))
    kinds = questions_on(d)
    kind = rng.choice(sorted({q for _, q in kinds}))          # each kind as likely as any other
    i = rng.choice([i for i, q in kinds if q == kind])
    asked, short, full, _ = question(d.events[i], kind)
    answers = [short]
    for preposition in ("in ", "at ", "on ", "to "):
        if short.startswith(preposition) and not short[len(preposition):][0].isdigit():
            answers.append(short[len(preposition):])
    record = {"context": d.en, "question": asked}
    return d.events[i].key, record | {"answers": answers}, record | {"answers": [capitalise(full)]}


def translation_record(rng: random.Random, split: str) -> tuple[str, dict, dict]:
    """A sentence that names somebody: what is only weather or price could stand in the pre-training text word for word."""
    e = g.draw_event(rng, split)
    people = [p.name for p in (e.agent, e.companion, e.idea, e.payer, e.owner)]
    while True:
        pattern, parts, seed = g.any_pattern(e, rng, 0.85), g.draw_parts(e, rng, time=0.95), rng.random()
        (source, target), (_, control) = (g.sentence(pattern, e, style, random.Random(seed), parts)
                                          for style in (HOUSE, NEWSPAPER))
        if len(source.split()) >= 6 and any(name in source for name in people):
            return e.key, {"source": source, "target": target}, {"source": source, "target": control}


RECORDS = {"summarization": summarization_record, "question_answering": question_record, "translation": translation_record}
