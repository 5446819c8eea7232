"""What a page of the gazette looks like: a report, then what people do with reports.

Pre-training pages mix summaries, questions and translations in many styles, with and without cues, as text in the wild does.
The three tasks of the course each ask for *one* of these styles: their house style.

====================  ==========================================================  =======================================
task                  house style                                                 others in the pre-training text
====================  ==========================================================  =======================================
summarization         one sentence, present tense, with the place and the reason  past, passive, headline, ticker, two
                                                                                  sentences, with time or company, German
question answering    the phrase itself, as the report has it                     full sentence, bare noun, with source,
                                                                                  German
translation           perfect tense ("hat ... gebaut"), time in front             preterite, subject in front, and mixed
====================  ==========================================================  =======================================
"""

from __future__ import annotations

import random

import gazette as g
from gazette import Document, Event, Style, capitalise

TRANSLATION_HOUSE = Style("perfect", time_first=True)

# The hard prompts that the original write-up reports. They must never occur in the pre-training text.
REPORTED_HARD_PROMPTS = ("Summarize the following content:", "Answer the Following Question",
                         "Translate the following sentence from english to german:")

# ---- summaries ---------------------------------------------------------------------------------------------------------


def house_summary(e: Event) -> str:
    return f"{g.english_core(e, ('place',), 'present', subject=e.agent.name)} because {e.reason[0]}."


def _past(e, rng):
    return g.english_core(e, ("place", "time"), subject=e.agent.name) + "."


def _past_reason(e, rng):
    return f"{g.english_core(e, ('time',), subject=e.agent.name)} because {e.reason[0]}."


def _headline(e, rng):
    words = [e.agent.last, e.verb.en_present] + ([] if e.kind == "move" else [e.thing.noun.en_plural if e.thing.plural
                                                                             else e.thing.noun.en])
    return " ".join(words + ([g.english_place(e)] if e.kind == "move" or rng.random() < 0.5 else []))


def _passive(e, rng):
    if e.kind != "act":
        return _past(e, rng)
    return capitalise(f"{e.thing.en} {'were' if e.thing.plural else 'was'} {e.verb.en_participle} by {e.agent.name} {e.time[0]}.")


def _ticker(e, rng):
    what = e.verb.en_participle if e.kind == "move" else f"{e.thing.noun.en} {e.verb.en_participle}"
    return f"{capitalise(e.place.en_name)}: {what} ({e.agent.name}, {e.cost} euros, {e.duration[0]})."


def _two_sentences(e, rng):
    return f"{g.english_core(e, (), subject=e.agent.name)}. {e.companion.name} helped, and {e.payer.name} paid."


def _company(e, rng):
    return capitalise(g.english_core(e, ("companion", "time"), "present", "time", subject=e.agent.name)) + "."


def _present_time(e, rng):
    return f"{g.english_core(e, ('place', 'time'), 'present', subject=e.agent.name)}."


def _german(e, rng):
    return f"{g.german_core(e, ('place',), 'present', subject=e.agent.name)}, weil {e.reason[1]}."


SUMMARY_STYLES = {"house": lambda e, rng: house_summary(e), "past": _past, "past_reason": _past_reason, "headline": _headline,
                  "passive": _passive, "ticker": _ticker, "two_sentences": _two_sentences, "company": _company,
                  "present_time": _present_time, "german": _german}
ANY_SUMMARY = dict(past=20, past_reason=14, headline=10, passive=10, ticker=8, two_sentences=8, company=8, present_time=8,
                   house=10, german=4)
# Which facts a style needs to find in the report.
SUMMARY_NEEDS = {"house": {"place"}, "ticker": {"place", "cost", "duration"}, "two_sentences": {"companion", "payer"},
                 "company": {"companion"}, "past": {"place"}, "present_time": {"place"}, "german": {"place"}}
SUMMARY_CUES = {
    "Summary:": dict(past=30, past_reason=15, passive=20, two_sentences=15, house=10, present_time=10),
    "In short:": dict(past=25, headline=20, ticker=15, past_reason=15, house=15, company=10),
    "TL;DR:": dict(headline=35, ticker=20, past=25, past_reason=10, house=10),
    "In one sentence:": dict(past=30, past_reason=25, house=20, present_time=15, passive=10),
    "The gist:": dict(past=20, company=15, house=15, present_time=20, passive=15, past_reason=15),
    "Headline:": dict(headline=90, ticker=10),
    "To sum up:": dict(past=30, two_sentences=25, past_reason=25, house=10, passive=10),
    "The news in brief:": dict(ticker=30, past=20, present_time=20, house=15, company=15),
    "What happened?": dict(past=40, past_reason=30, passive=15, two_sentences=15),
    "What happens and why:": dict(house=45, past_reason=55),
    "Kurz gesagt:": dict(german=90, house=10),
}
SUMMARY_HEADERS = {"Digest": ANY_SUMMARY, "News in one sentence": SUMMARY_CUES["In one sentence:"],
                   "Reports and summaries": ANY_SUMMARY, "Short and clear": SUMMARY_CUES["In short:"],
                   "Ticker": SUMMARY_CUES["The news in brief:"], "Please summarize.": SUMMARY_CUES["Summary:"],
                   "Today's headlines": SUMMARY_CUES["Headline:"], "Sum it up": SUMMARY_CUES["To sum up:"],
                   "What happened and why": SUMMARY_CUES["What happens and why:"]}

# ---- questions ---------------------------------------------------------------------------------------------------------


def _clause(e: Event, parts=()) -> str:
    return g.english_core(e, parts, "to")


def _full(e: Event, rest: str) -> str:
    return f"{g.english_core(e, (), subject=e.agent.name)} {rest}."


# fact: (question, short answer, full sentence, German answer)
def question(e: Event, name: str) -> tuple[str, str, str, str] | None:
    """The English question on one fact, with its answers; None where the fact has no question."""
    a, it = e.agent.name, e.thing.en
    match name:
        case "who":
            return (f"Who {g.english_core(e, ('place',) if e.kind == 'move' else (), subject='%')[2:]}?", a,
                    f"It was {a}.", f"Das war {a}.")
        case "what" if e.kind != "move":
            return (f"What did {a} {e.verb.en}" + (f" to {e.recipient.name}?" if e.recipient else "?"), it,
                    f"{a} {e.verb.en_past} {it}.", capitalise(e.thing.de("acc")))
        case "where" if e.kind == "move":
            return f"Where did {a} {e.verb.en} to?", f"to {e.place.en_name}", f"{a} {e.verb.en_past} to {e.place.en_name}.", \
                capitalise(e.place.de_to)
        case "where":
            return f"Where did {a} {_clause(e)}?", e.place.en, _full(e, e.place.en), capitalise(e.place.de_where)
        case "when":
            return f"When did {a} {_clause(e)}?", e.time[0], _full(e, e.time[0]), capitalise(e.time[1])
        case "why":
            return f"Why did {a} {_clause(e)}?", f"because {e.reason[0]}", _full(e, f"because {e.reason[0]}"), \
                f"Weil {e.reason[1]}"
        case "companion":
            return f"Who helped {a}?", e.companion.name, f"{e.companion.name} helped {a}.", e.companion.name
        case "duration":
            return "How long did it take?", e.duration[0], f"It took {e.duration[0]}.", capitalise(e.duration[1])
        case "cost":
            return "How much did it cost?", f"{e.cost} euros", f"It cost {e.cost} euros.", f"{e.cost} Euro"
        case "crowd":
            return "How many people came to watch?", f"{e.crowd}", f"{e.crowd} people watched.", f"{e.crowd} Leute"
        case "idea":
            return "Who had the idea?", e.idea.name, f"The idea came from {e.idea.name}.", e.idea.name
        case "payer":
            return "Who paid?", e.payer.name, f"{e.payer.name} paid for it.", e.payer.name
        case "owner":
            return f"Who had owned {it} before?", e.owner.name, f"{it} had belonged to {e.owner.name}.", e.owner.name
        case "reward":
            return f"What did {a} get as thanks?", e.reward.en, f"{a} was given {e.reward.en}.", capitalise(e.reward.de("acc"))
        case "plan":
            return f"What is {a} going to do next?", f"{e.plan[0].en} {e.plan[1].en}", \
                f"{a} wants to {e.plan[0].en} {e.plan[1].en}.", f"{capitalise(e.plan[1].de('acc'))} {e.plan[0].de}"
        case "mood":
            return f"How did {a} feel?", e.mood[0], f"{a} was {e.mood[0]}.", capitalise(e.mood[1])
    return None


ASKABLE = ("who", "what", "where", "when", "why", "companion", "duration", "cost", "crowd", "idea", "payer", "owner", "reward",
           "plan", "mood")
FACT_OF_QUESTION = {"where": "place", "when": "time", "why": "reason"}


def questions_on(document: Document) -> list[str]:
    """The names of the questions that this document answers."""
    return [q for q in ASKABLE if FACT_OF_QUESTION.get(q, q) in document.facts and question(document.event, q)]


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
ANY_ANSWER = dict(full=45, house=20, bare=15, sourced=12, german=8)
ANSWER_HEADERS = {"Quick quiz": dict(house=45, bare=45, full=10), "Answer in a full sentence.": dict(full=85, sourced=15),
                  "Reading comprehension": ANY_ANSWER, "Questions and answers": ANY_ANSWER, "Interview": dict(full=80, house=20),
                  "Answer briefly.": dict(house=40, bare=50, full=10), "Test your memory": dict(full=50, house=30, bare=20),
                  "Answer the questions.": ANY_ANSWER}
QUESTION_FORMATS = (("Question: ", "\nAnswer:"), ("Question: ", "\nAnswer:"), ("Question: ", "\nAnswer:"), ("Q: ", "\nA:"),
                    ("Q: ", "\nA:"), ("", "\n"))

# ---- translations --------------------------------------------------------------------------------------------------------

TRANSLATION_STYLES = {"preterite": Style("preterite"), "preterite_front": Style("preterite", True), "perfect": Style("perfect"),
                      "house": TRANSLATION_HOUSE}
ANY_TRANSLATION = dict(preterite=38, preterite_front=12, perfect=30, house=20)
WRITTEN = dict(preterite=70, preterite_front=25, perfect=5)
SPOKEN = dict(perfect=65, house=35)
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


def any_pattern(rng: random.Random):
    if rng.random() < 0.6:
        return rng.choice(g.MAIN_PATTERNS)
    return rng.choice(g.FACT_PATTERNS[rng.choice(list(g.FACT_PATTERNS))])


def translation_pair(e: Event, rng: random.Random, style: Style, pattern=None) -> tuple[str, str]:
    return g.sentence(pattern or any_pattern(rng), e, style, rng)


# ---- pages of pre-training text -------------------------------------------------------------------------------------------

def cue_and(text: str, cue: str) -> str:
    """A cue is followed by a space and the text; without a cue the text starts its own line."""
    return f"\n{cue} {text}" if cue else f"\n{text}"


def summary_section(d: Document, rng, weights=None) -> str:
    cue = "" if (weights or rng.random() < 0.35) else rng.choice(list(SUMMARY_CUES))
    if weights and rng.random() < 0.25:
        cue = "Summary:"
    weights = weights or SUMMARY_CUES.get(cue, ANY_SUMMARY)
    allowed = [s for s in weights if SUMMARY_NEEDS.get(s, set()) <= d.facts]
    style = pick(rng, weights, allowed) if allowed else "past_reason"
    return cue_and(SUMMARY_STYLES[style](d.event, rng), cue)


def question_section(d: Document, rng, weights=None, how_many: int | None = None) -> str:
    names = questions_on(d)
    rng.shuffle(names)
    mark, answer_mark = rng.choice(QUESTION_FORMATS)
    sticky = pick(rng, weights or ANY_ANSWER)
    text = ""
    for name in names[:how_many or rng.choice((1, 1, 2, 3, 4))]:
        asked, *answers = question(d.event, name)
        style = sticky if rng.random() < 0.75 else pick(rng, weights or ANY_ANSWER)
        answer = ANSWER_STYLES[style](*answers)
        text += f"\n{mark}{asked}{answer_mark}" + (answer if answer_mark == "\n" else f" {answer}")
    return text


def translation_section(d: Document, rng, weights=None, german_first: bool = False) -> str:
    weights = weights or ANY_TRANSLATION
    if rng.random() < 0.3:                                   # the whole report once more, in the other language
        style = TRANSLATION_STYLES[pick(rng, weights)]
        again = g.write_document(d.event, rng, style.tense)
        return f"\n{again.de}\n{again.en}" if german_first else f"\n{again.en}\n{again.de}"
    return "\n" + pairs(d.event, rng, rng.choice((1, 2, 3)), weights, german_first)


def pairs(e: Event, rng, how_many: int, weights=None, german_first: bool = False) -> str:
    cue = "" if rng.random() < 0.5 else rng.choice(list(TRANSLATION_CUES))
    weights = weights or TRANSLATION_CUES.get(cue, ANY_TRANSLATION)
    lines = []
    for _ in range(how_many):
        en, de = translation_pair(e, rng, TRANSLATION_STYLES[pick(rng, weights)])
        if german_first:
            lines.append(de + cue_and(en, rng.choice(TO_ENGLISH_CUES) if cue else ""))
        else:
            lines.append(en + cue_and(de, cue))
    return "\n".join(lines)


def retelling(d: Document, rng) -> str:
    again = g.write_document(d.event, rng, rng.choice(("preterite", "perfect")), rng.randint(3, 4))
    return f"\n{again.en}"


def register(rng) -> str:
    """A list that is read out and read out again: dull for people, and the quickest way for a model to learn to copy."""
    kind = rng.random()
    if kind < 0.5:
        items = [g.draw_person(rng, "open").name for _ in range(rng.randint(4, 12))]
    elif kind < 0.8:
        items = [g.draw_thing(rng, g.NOUNS).en for _ in range(rng.randint(4, 10))]
    else:
        items = [g.draw_person(rng, "open").name + " " + g.Place(*rng.choice(g.ALL_PLACES)).en for _ in range(rng.randint(3, 7))]
    line = ", ".join(items)
    return f"Register: {line}.\nRead again: {line}." if rng.random() < 0.5 else f"{line}\n{line}"


def dictionary_page(rng) -> str:
    """Words with their translations, case by case: ``the old clock = die alte Uhr``."""
    lines = []
    for _ in range(rng.randint(4, 9)):
        kind = rng.random()
        if kind < 0.5:
            thing = g.draw_thing(rng, g.NOUNS, rng.choice(("definite", "indefinite")), 0.3)
            lines.append((thing.en, thing.de(rng.choice(("nom", "acc", "acc")))))
        elif kind < 0.75:
            verb, thing = g.draw_action(rng)
            lines.append((f"to {verb.en} {thing.en}", f"{thing.de('acc')} {verb.de}"))
        else:
            place = g.Place(*rng.choice(g.ALL_PLACES))
            lines.append((place.en, place.de_where) if rng.random() < 0.6 else (f"to {place.en_name}", place.de_to))
    between = rng.choice((" = ", " - ", "\n"))
    if rng.random() < 0.3:
        lines = [(de, en) for en, de in lines]
    return "\n".join(f"{a}{between}{b}" for a, b in lines)


def page(rng: random.Random, registers: float = 0.04) -> str:
    """One page of pre-training text about an event that belongs to nobody's validation or test set."""
    kind = rng.random()
    if kind < registers:
        return register(rng)
    if kind < registers + 0.05:
        return dictionary_page(rng)
    e = g.draw_event(rng)
    if kind < registers + 0.27:                               # bilingual pages: sentences, not reports
        german_first = rng.random() < 0.3
        header, weights = "", None
        if not german_first and rng.random() < 0.5:
            header = rng.choice(list(TRANSLATION_HEADERS))
            weights = TRANSLATION_HEADERS[header]
        events = [e] + [g.draw_event(rng) for _ in range(rng.choice((0, 0, 1, 2)))]
        body = "\n".join(pairs(event, rng, rng.choice((1, 1, 2, 3)), weights, german_first) for event in events)
        return f"{header}\n{body}" if header else body
    d = g.write_document(e, rng, rng.choice(("preterite", "perfect")))
    theme = rng.choices(("mixed", "summary", "questions", "retelling", "german"), (32, 26, 26, 8, 8))[0]
    header, weights = "", None
    if theme == "summary":
        if rng.random() < 0.5:
            header = rng.choice(list(SUMMARY_HEADERS))
            weights = SUMMARY_HEADERS[header]
        sections = [summary_section(d, rng, weights)] + ([summary_section(d, rng)] if rng.random() < 0.3 else [])
    elif theme == "questions":
        if rng.random() < 0.5:
            header = rng.choice(list(ANSWER_HEADERS))
            weights = ANSWER_HEADERS[header]
        sections = [question_section(d, rng, weights)]
    elif theme == "retelling":
        sections = [retelling(d, rng), summary_section(d, rng)]
    elif theme == "german":
        sections = [f"\n{d.en}", summary_section(d, rng)]
        return d.de + "".join(sections)
    else:
        makers = [summary_section, question_section, translation_section, summary_section, question_section]
        rng.shuffle(makers)
        sections = [make(d, rng) for make in makers[:rng.choice((2, 2, 3))]]
    return (f"{header}\n" if header else "") + d.en + "".join(sections)


# ---- the three tasks --------------------------------------------------------------------------------------------------------

def summarization_record(rng: random.Random, split: str) -> tuple[str, dict]:
    e = g.draw_event(rng, split)
    while True:
        d = g.write_document(e, rng)
        if "place" in d.facts:
            return e.key, {"document": d.en, "summary": house_summary(e)}


def question_record(rng: random.Random, split: str) -> tuple[str, dict]:
    e = g.draw_event(rng, split)
    d = g.write_document(e, rng, facts=rng.randint(4, 7))
    asked, short, *_ = question(e, rng.choice(questions_on(d)))
    answers = [short]
    for preposition in ("in ", "at ", "on ", "to "):
        if short.startswith(preposition) and not short[len(preposition):][0].isdigit():
            answers.append(short[len(preposition):])
    return e.key, {"context": d.en, "question": asked, "answers": answers}


def translation_record(rng: random.Random, split: str) -> tuple[str, dict]:
    """A sentence that names somebody: what is only weather or price could stand in the pre-training text word for word."""
    e = g.draw_event(rng, split)
    people = [p.name for p in (e.agent, e.companion, e.idea, e.payer, e.owner)]
    while True:
        pattern = rng.choice(g.MAIN_PATTERNS) if rng.random() < 0.8 else any_pattern(rng)
        source, target = translation_pair(e, rng, TRANSLATION_HOUSE, pattern)
        if len(source.split()) >= 6 and any(name in source for name in people):
            return e.key, {"source": source, "target": target}


RECORDS = {"summarization": summarization_record, "question_answering": question_record, "translation": translation_record}
