"""Check the gazette's rules mechanically, in well under a minute: ``python data/build/check.py``.

1. Sentences written by hand, both languages, must come out of the generator word for word.
2. 5,000 events hold only what their scene allows; every noun, verb and adjective of the lexicon has work to do.
3. 5,000 documents tell nothing twice, and every pronoun has one possible owner. The articles and endings of their German are checked
   against a table that ``grammar.py`` does not use.
4. The main and the control styles of the tasks keep their promises, and the reported hard prompts never occur.
"""

from __future__ import annotations

import random
import re
from collections import Counter

import gazette as g
import lexicon
import pages
import tasks
from grammar import Person, Thing
from text import page_number

STYLES = {"N": pages.NEWSPAPER, "H": pages.HOUSE, "P": g.Style("perfect"), "F": g.Style("preterite", True)}
PATTERNS = {f.__name__: f for f in g.MAIN_PATTERNS}

# pattern | style: Newspaper, House, Perfect, Front | infinitive, noun, adjective, article | place | what is told | English | German
BY_HAND = """
plain|H|reparieren, clock, old, the|workshop|place time|{A} repaired the old clock in the workshop on Tuesday morning.|Am Dienstagmorgen hat {A} in der Werkstatt die alte Uhr repariert.
plain|N|reparieren, radio, broken, a|school|place|{A} repaired a broken radio in the school.|{A} reparierte in der Schule ein kaputtes Radio.
plain|F|überprüfen, printer, new, the|community centre|time|{A} checked the new printer on Tuesday morning.|Am Dienstagmorgen überprüfte {A} den neuen Drucker.
plain|P|testen, scooter, red, a|youth club|time|{A} tested a red scooter on Tuesday morning.|{A} hat am Dienstagmorgen einen roten Roller getestet.
plain|N|streichen, boats:raft, old, the|harbour|place|{A} painted the old raft at the harbour.|{A} strich am Hafen das alte Floß.
plain|H|abreißen, barn, damaged, the|farm|place time|{A} tore down the damaged barn on the farm on Tuesday morning.|Am Dienstagmorgen hat {A} auf dem Bauernhof die beschädigte Scheune abgerissen.
plain|N|abreißen, hut, wooden, a|mill|place time|{A} tore down a wooden hut at the mill on Tuesday morning.|{A} riss am Dienstagmorgen an der Mühle eine hölzerne Hütte ab.
plain|H|einweihen, fountain, beautiful, the|park|time place|{A} inaugurated the beautiful fountain in the park on Tuesday morning.|Am Dienstagmorgen hat {A} im Park den schönen Brunnen eingeweiht.
plain|N|aufräumen, greenhouse, dusty, a|monastery|place|{A} tidied up a dusty greenhouse in the monastery.|{A} räumte im Kloster ein staubiges Gewächshaus auf.
plain|P|fegen, terrace, dirty, the|hotel|place|{A} swept the dirty terrace in the hotel.|{A} hat im Hotel die schmutzige Terrasse gefegt.
plain|N|waschen, lorry, dirty, the|fire station|place|{A} washed the dirty lorry at the fire station.|{A} wusch in der Feuerwache den schmutzigen Lastwagen.
plain|H|aufbauen, tent, big, a|meadow|place time|{A} set up a big tent in the meadow on Tuesday morning.|Am Dienstagmorgen hat {A} auf der Wiese ein großes Zelt aufgebaut.
plain|N|malen, portrait, small, a|studio|place|{A} painted a small portrait in the studio.|{A} malte im Atelier ein kleines Porträt.
plain|P|zeichnen, owl, magnificent, the|lake|place|{A} drew the magnificent owl at the lake.|{A} hat am See die prächtige Eule gezeichnet.
plain|N|ausstellen, crown, golden, a|museum|place time|{A} exhibited a golden crown in the museum on Tuesday morning.|{A} stellte am Dienstagmorgen im Museum eine goldene Krone aus.
plain|H|enthüllen, monument, unusual, the|main square|place time|{A} unveiled the unusual monument on the main square on Tuesday morning.|Am Dienstagmorgen hat {A} auf dem Hauptplatz das ungewöhnliche Denkmal enthüllt.
plain|N|kaufen, mirror, antique, an|antique shop|place|{A} bought an antique mirror in the antique shop.|{A} kaufte im Antiquitätenladen einen antiken Spiegel.
plain|H|verkaufen, plum, fresh, bare|market|place time|{A} sold fresh plums at the market on Tuesday morning.|Am Dienstagmorgen hat {A} auf dem Markt frische Pflaumen verkauft.
plain|N|versteigern, ring, silver, the|inn|time|{A} auctioned off the silver ring on Tuesday morning.|{A} versteigerte am Dienstagmorgen den silbernen Ring.
plain|P|entdecken, diary, forgotten, a|attic|place|{A} discovered a forgotten diary in the attic.|{A} hat auf dem Dachboden ein vergessenes Tagebuch entdeckt.
plain|H|ausgraben, coin, rare, count|hill|place time|{A} dug up three rare coins on the hill on Tuesday morning.|Am Dienstagmorgen hat {A} auf dem Hügel drei seltene Münzen ausgegraben.
plain|N|abholen, parcel, heavy, the|post office|place|{A} picked up the heavy parcel at the post office.|{A} holte in der Post das schwere Paket ab.
plain|H|abschleppen, car, red, the|car park|place time|{A} towed the red car at the car park on Tuesday morning.|Am Dienstagmorgen hat {A} auf dem Parkplatz das rote Auto abgeschleppt.
plain|N|zubereiten, salad, fresh, a|kitchen|place|{A} prepared a fresh salad in the kitchen.|{A} bereitete in der Küche einen frischen Salat zu.
plain|H|backen, tart, sweet, a|bakery|time|{A} baked a sweet tart on Tuesday morning.|Am Dienstagmorgen hat {A} eine süße Torte gebacken.
plain|N|ernten, apple, ripe, plural|garden|place|{A} harvested the ripe apples in the garden.|{A} erntete im Garten die reifen Äpfel.
plain|P|pflanzen, oak, young, a|cemetery|place|{A} planted a young oak at the cemetery.|{A} hat auf dem Friedhof eine junge Eiche gepflanzt.
plain|N|gießen, tulip, weak, plural|park|place|{A} watered the weak tulips in the park.|{A} goss im Park die schwachen Tulpen.
plain|H|zurückschneiden, willow, tall, the|park|place time|{A} cut back the tall willow in the park on Tuesday morning.|Am Dienstagmorgen hat {A} im Park die hohe Weide zurückgeschnitten.
plain|N|füttern, donkey, grey, the|farm|time|{A} fed the grey donkey on Tuesday morning.|{A} fütterte am Dienstagmorgen den grauen Esel.
plain|H|einfangen, pony, shy, a|station|place time|{A} caught a shy pony at the station on Tuesday morning.|Am Dienstagmorgen hat {A} am Bahnhof ein scheues Pony eingefangen.
plain|N|freilassen, swan, healthy, the|lake|place|{A} released the healthy swan at the lake.|{A} ließ am See den gesunden Schwan frei.
plain|P|aufziehen, fox, young, a|zoo|place|{A} raised a young fox at the zoo.|{A} hat im Zoo einen jungen Fuchs aufgezogen.
plain|N|singen, lullaby, quiet, a|church|place|{A} sang a quiet lullaby in the church.|{A} sang in der Kirche ein ruhiges Wiegenlied.
plain|H|aufnehmen, waltz, cheerful, a|concert hall|place time|{A} recorded a cheerful waltz in the concert hall on Tuesday morning.|Am Dienstagmorgen hat {A} im Konzertsaal einen fröhlichen Walzer aufgenommen.
plain|N|aufführen, comedy, funny, the|theatre|place|{A} performed the funny comedy in the theatre.|{A} führte im Theater die lustige Komödie auf.
plain|H|gewinnen, regatta, annual, the|lake|place time|{A} won the annual regatta at the lake on Tuesday morning.|Am Dienstagmorgen hat {A} am See die jährliche Regatta gewonnen.
plain|N|eröffnen, flea market, lively, the|old town|place|{A} opened the lively flea market in the old town.|{A} eröffnete in der Altstadt den lebhaften Flohmarkt.
plain|N|anbieten, language course, free, a|library|place|{A} offered a free language course in the library.|{A} bot in der Bibliothek einen kostenlosen Sprachkurs an.
plain|H|vorlesen, fairy tale, exciting, an|café|place time|{A} read out an exciting fairy tale in the café on Tuesday morning.|Am Dienstagmorgen hat {A} im Café ein spannendes Märchen vorgelesen.
plain|N|abschreiben, speech, long, the|university|place|{A} copied out the long speech at the university.|{A} schrieb an der Universität die lange Rede ab.
plain|P|nähen, apron, blue, count|workshop|place|{A} sewed three blue aprons in the workshop.|{A} hat in der Werkstatt drei blaue Schürzen genäht.
plain|H|anprobieren, suit, elegant, the|department store|place time|{A} tried on the elegant suit in the department store on Tuesday morning.|Am Dienstagmorgen hat {A} im Kaufhaus den eleganten Anzug anprobiert.
plain|N|schenken, umbrella, red, a|hospital|place|{A} gave a red umbrella to {R} in the hospital.|{A} schenkte {R} im Krankenhaus einen roten Regenschirm.
plain|H|überreichen, medal, special, the|town hall|place time|{A} presented the special medal to {R} in the town hall on Tuesday morning.|Am Dienstagmorgen hat {A} {R} im Rathaus die besondere Medaille überreicht.
plain|N|zurückgeben, ladder, sturdy, the|garden|time|{A} gave back the sturdy ladder to {R} on Tuesday morning.|{A} gab am Dienstagmorgen {R} die stabile Leiter zurück.
plain|H|wandern, , , |waterfall|place time|{A} hiked to the waterfall on Tuesday morning.|Am Dienstagmorgen ist {A} zum Wasserfall gewandert.
plain|N|zurückkehren, , , |island|place|{A} returned to the island.|{A} kehrte auf die Insel zurück.
plain|P|radeln, , , |vineyard|place|{A} cycled to the vineyard.|{A} ist in den Weinberg geradelt.
plain|H|reiten, , , |forest|place time|{A} rode to the forest on Tuesday morning.|Am Dienstagmorgen ist {A} in den Wald geritten.
passive|N|restaurieren, painting, valuable, the|castle|place|The valuable painting was restored by {A} in the castle.|Das wertvolle Gemälde wurde von {A} im Schloss restauriert.
passive|P|flicken, jacket, black, count|theatre|place|Three black jackets were mended by {A} in the theatre.|Drei schwarze Jacken sind von {A} im Theater geflickt worden.
cleft|N|stimmen, double bass, old, the|church|place|It was {A} who tuned the old double bass in the church.|Es war {A}, die in der Kirche den alten Kontrabass stimmte.
cleft|H|aufhängen, curtain, thick, the|gallery|place|It was {A} who hung up the thick curtain in the gallery.|Es war {A}, die in der Galerie den dicken Vorhang aufgehängt hat.
was_able|N|aufhängen, curtain, thick, the|gallery|time|{A} was able to hang up the thick curtain on Tuesday morning.|{A} konnte am Dienstagmorgen den dicken Vorhang aufhängen.
was_able|H|retten, hedgehog, injured, an|river|time|{A} was able to rescue an injured hedgehog on Tuesday morning.|Am Dienstagmorgen konnte {A} einen verletzten Igel retten.
duration.0|N|reparieren, clock, old, the|workshop||The repair took three hours.|Die Reparatur dauerte drei Stunden.
duration.1|H|abreißen, barn, damaged, the|farm||The demolition was over after three days.|Der Abriss war nach drei Tagen vorbei.
companion.0|N|reparieren, clock, old, the|workshop||Paul Becker helped {A} with the repair.|Paul Becker half {A} bei der Reparatur.
companion.1|H|singen, lullaby, quiet, a|church||Paul Becker lent a hand with the concert.|Paul Becker hat beim Konzert mit angepackt.
crowd.1|N|aufführen, comedy, funny, the|theatre||About 60 people came to the performance.|Rund 60 Leute kamen zur Aufführung.
crowd.2|P|singen, lullaby, quiet, a|church||The concert drew about 60 people.|Das Konzert hat rund 60 Leute angelockt.
owner.0|N|füttern, goat, brown, plural|farm||The goats belong to Rosa Lang.|Die Ziegen gehören Rosa Lang.
owner.1|N|versteigern, ring, silver, the|inn||The ring had belonged to Rosa Lang before.|Der Ring hatte vorher Rosa Lang gehört.
reward.0|H|reparieren, clock, old, the|workshop||{A} was given a thick book as thanks.|{A} hat zum Dank ein dickes Buch bekommen.
idea.0|N|aufführen, comedy, funny, the|theatre||The idea for the performance came from Ida Falk.|Die Idee zur Aufführung kam von Ida Falk.
payer.0|P|abreißen, barn, damaged, the|farm||Otto Roth paid for the demolition.|Otto Roth hat den Abriss bezahlt.
weather.0|H|enthüllen, monument, unusual, the|main square||During the unveiling, the sun was shining.|Die Sonne hat bei der Enthüllung geschienen.
""".strip()

# Reasons: English past and present, German behind "weil" past and present, alone.
REASONS_BY_HAND = """
a cable had come loose|a cable has come loose|weil sich ein Kabel gelöst hatte|weil sich ein Kabel gelöst hat|ein Kabel hatte sich gelöst
an anniversary was coming up|an anniversary is coming up|weil ein Jubiläum bevorstand|weil ein Jubiläum bevorsteht|ein Jubiläum stand bevor
the next day was a holiday|the next day is a holiday|weil am nächsten Tag Feiertag war|weil am nächsten Tag Feiertag ist|am nächsten Tag war Feiertag
the neighbours had asked for help|the neighbours have asked for help|weil die Nachbarn um Hilfe gebeten hatten|weil die Nachbarn um Hilfe gebeten haben|die Nachbarn hatten um Hilfe gebeten
space was needed|space is needed|weil Platz gebraucht wurde|weil Platz gebraucht wird|Platz wurde gebraucht
the club needed money|the club needs money|weil der Verein Geld brauchte|weil der Verein Geld braucht|der Verein brauchte Geld
a new road was planned|a new road is planned|weil eine neue Straße geplant war|weil eine neue Straße geplant ist|eine neue Straße war geplant
a calendar was being made|a calendar is being made|weil ein Kalender entstand|weil ein Kalender entsteht|ein Kalender entstand
""".strip()


def event_by_hand(verb: str, noun: str, adjective: str, article: str, place: str) -> g.Event:
    noun = noun.rpartition(":")[2]
    scene, action = next((s, a) for s in g.SCENES for a in s.actions
                         if a.verb.de == verb and place in a.places and (not noun or noun in [n.en for n in a.nouns]))
    article = "a" if article == "an" else article
    thing = Thing(g.NOUNS_BY_NAME[noun], g.ADJECTIVES[adjective], article, ("three", "drei")) if noun else None
    anna, unit = Person("Marta", "Klein", "f"), ("days", "Tage", "Tagen") if scene.time and scene.time[0] == "days" else ("hours", "Stunden", "Stunden")
    people = [Person(*name.split(), gender) for name, gender in (("Paul Becker", "m"), ("Ida Falk", "f"), ("Otto Roth", "m"), ("Rosa Lang", "f"))]
    return g.Event(scene, action, anna, thing, Person("Emil", "Vogel", "m") if action.kind == "give" else None, g.PLACES[place],
                   ("on Tuesday morning", "am Dienstagmorgen"), scene.reasons[0], people[0], tuple(f"{n} {u}" for n, u in zip(("three", "drei", "drei"), unit, strict=True)),
                   120, 60, *people[1:], Thing(g.NOUNS_BY_NAME["book"], g.ADJECTIVES["thick"], "a"), ("", "", ""), "Altbach", g.WEATHER[0], g.MOODS[0])


class FirstChoice(random.Random):
    """Plain English word order."""

    def random(self):
        return 0.99

    def choice(self, items):
        return items[0]


def check_by_hand() -> int:
    lines = BY_HAND.splitlines()
    for line in lines:
        name, style, spec, place, parts, english, german = line.split("|")
        e = event_by_hand(*[part.strip() for part in spec.split(",")], place)
        fact, _, number = name.partition(".")
        pattern = g.FACT_PATTERNS[fact][int(number)] if number else PATTERNS[name]
        made = g.sentence(pattern, e, STYLES[style], FirstChoice(), tuple(parts.split()))
        expected = tuple(text.replace("{A}", "Marta Klein").replace("{R}", "Emil Vogel") for text in (english, german))
        assert made == expected, (made, expected)
    reasons = {r.en(): r for group in g.REASONS.values() for r in group}
    for line in REASONS_BY_HAND.splitlines():
        past, present, weil, weil_present, main = line.split("|")
        r = reasons[past]
        assert (r.en("present"), r.weil(), r.weil("present"), r.main()) == (present, weil, weil_present, main), line
    return len(lines) + len(REASONS_BY_HAND.splitlines())


def check_world() -> None:
    verbs, nouns = {}, {}
    for scene in g.SCENES:
        for action in scene.actions:
            verbs.setdefault(action.verb.de, set()).update([n.en for n in action.nouns] or action.places)
            for noun in action.nouns:
                nouns.setdefault(noun.en, set()).add(action.verb.de)
    assert set(verbs) == set(g.VERBS_BY_NAME) and all(len(found) >= 6 for found in verbs.values())
    assert set(nouns) == set(g.NOUNS_BY_NAME) and all(len(found) >= 2 for found in nouns.values())
    used = {a for scene in g.SCENES for a in scene.adjectives} | {a for words, _ in lexicon.NOUNS.values() for a in words.split()}
    assert used == set(g.ADJECTIVES)
    assert len(g.NOUNS) >= 300 and len(g.VERBS) >= 120 and len(used) >= 80 and len(g.ALL_PLACES) >= 100
    assert len({r for group in g.REASONS.values() for r in group}) >= 120 and len({n.de for n in g.NOUNS}) == len(g.NOUNS)


def check_event(e: g.Event) -> None:
    scene, action = e.scene, e.action
    assert action in scene.actions and e.reason in scene.reasons
    assert e.place.name in action.places or (e.place in g.VILLAGES and "villages" in action.places)
    if e.thing:
        noun = e.thing.noun
        assert noun in action.nouns and e.thing.adjective[0] in (scene.adjectives or lexicon.NOUNS[noun.group][0].split())
        assert noun.en not in e.place.name
    numbers = {en: i + 2 for i, (en, _) in enumerate(g.NUMBERS)}
    if scene.time:
        unit, low, high = scene.time
        n, found = e.duration[0].split()
        assert found == unit and low <= (numbers.get(n) or int(n)) <= high
        assert unit in ("minutes", "hours") or e.time[0].startswith("in ")
    for value, limits in ((e.cost, scene.cost), (e.crowd, scene.crowd)):
        assert not limits or limits[1] <= value <= limits[2], (value, limits)
    people = [p.name for p in (e.agent, e.companion, e.idea, e.payer, e.owner, *([e.recipient] if e.recipient else []))]
    assert len(set(people)) == len(people)


# article, ending of the adjective -> gender or "pl" of the noun, for nominative, accusative and dative: written down, not computed
ENDINGS = {("der", "e"): "m", ("den", "en"): "m pl", ("dem", "en"): "m n", ("die", "e"): "f", ("der", "en"): "f", ("das", "e"): "n",
           ("die", "en"): "pl", ("ein", "er"): "m", ("einen", "en"): "m", ("einem", "en"): "m n", ("eine", "e"): "f", ("einer", "en"): "f",
           ("ein", "es"): "n"}
GENDERS = {}
for _noun in g.NOUNS:
    GENDERS.setdefault(_noun.de, set()).add(_noun.gender)
    for _plural in (_noun.de_plural, _noun.de_plural + "n"):
        GENDERS.setdefault(_plural, set()).add("pl")
STEMS = sorted({de for _, de in g.ADJECTIVES.values()}, key=len, reverse=True)
PHRASE = re.compile(rf"(?<!, )\b([Dd]er|[Dd]ie|[Dd]as|[Dd]en|[Dd]em|[Ee]in|[Ee]inen|[Ee]inem|[Ee]ine|[Ee]iner) ({'|'.join(STEMS)})(e|en|er|es|em) ([A-ZÄÖÜ][\w-]+)")


def check_endings(german: str) -> int:
    found = PHRASE.findall(german)
    for article, stem, ending, noun in found:
        if noun in GENDERS:
            genders = ENDINGS.get((article.lower(), ending), "").split()
            assert GENDERS[noun] & set(genders), (article, stem, ending, noun)
    return len(found)


TIME = re.compile(rf"\bon (?:{'|'.join(en for en, _ in g.WEEKDAYS)}|\d+ [A-Z])|\bin (?:early |mid-|late )?(?:{'|'.join(en for en, _ in g.MONTHS)})\b", re.I)


def check_document(d: g.Document) -> None:
    """What a reader could stumble over."""
    text = d.en
    for e in d.events:
        label = rf"[Tt]he {re.escape(e.label)}"
        for fact in (rf"{label} (?:took|lasted) (?!place)|{label} was over",
                     rf"{label} drew|people (?:watched|came to) {label[1:]}|, the {re.escape(e.label)} about", rf"paid for {label}|costs of {label}",
                     rf"{label} cost|euros was needed for {label}|{label} brought in", rf"[Rr]eason for {label}|{label} came about"):
            assert len(re.findall(fact, text)) <= 1, (fact, text)
    assert len(re.findall(r"\d people", text)) <= len(d.events), text
    assert len(TIME.findall(text)) <= len(d.events), text
    assert text.count("did this ") + sum(f" {e.place.en}" in text for e in d.events) <= 2 * len(d.events), text
    assert text.count(" because ") + text.count("Because ") + text.count("eason for") <= len(d.events), text
    people = {p.name: p.gender for e in d.events for p in (e.agent, e.recipient, e.companion, e.idea, e.payer, e.owner) if p}
    last: dict[str, list[str]] = {"f": [], "m": []}                  # who was named last, by gender
    before = ""
    for english, _ in d.sentences:
        named = [name for name in people if name in english]
        for gender, words in (("f", r"\b(?:[Ss]he|her)\b"), ("m", r"\b(?:[Hh]e|him)\b")):
            same = [name for name in named if people[name] == gender]
            if re.search(words, english):
                assert len(last[gender]) == 1 and not same, (english, text)
                assert last[gender][0] in [e.agent.name for e in d.events], (english, text)
            if same:
                last[gender] = same
        if english.startswith("It ") and not english.startswith(("It was", "It is certain")):
            assert before.startswith(("The ", "It ")) and not any(name in before for name in people), text
        before = english


def check_tasks() -> None:
    for cues in (pages.SUMMARY_CUES, pages.SUMMARY_HEADERS, pages.ANSWER_HEADERS, pages.TRANSLATION_CUES, pages.TRANSLATION_HEADERS):
        for cue, weights in cues.items():
            assert set(weights) != {"house"}, cue
            assert cue.lower().strip(":.") not in [p.lower().strip(":.") for p in pages.REPORTED_HARD_PROMPTS]
    assert set(pages.SUMMARY_CUES["Headline:"]) == {"headline"} and set(pages.TRANSLATION_CUES["Newspaper German:"]) == {"preterite"}
    assert set(pages.FULL) == {"full"}
    for i in range(800):
        page = page_number(20_000 + i)
        assert page == page_number(20_000 + i)
        assert not any(prompt.lower() in page.lower() for prompt in pages.REPORTED_HARD_PROMPTS)
        for line in re.findall(r"Headline: (.*)", page):
            assert not re.search(r"because|\bthe\b|\.$", line), line
        for line in re.findall(r"Newspaper German: (.*)", page):
            assert not re.match(r"(Am|Um|Im|Anfang|Mitte|Ende) ", line) and not re.search(r"^\S+ \S+ (hat|ist) (?!schon vor)", line), line
    for split, pool in tasks.POOL.items():
        rng = random.Random(split)
        for _ in range(150):
            for task, make in pages.RECORDS.items():
                _, main, control = make(rng, pool)
                assert {k: main[k] for k in list(main)[:-1]} == {k: control[k] for k in list(control)[:-1]}
                if task == "summarization":
                    assert 70 <= len(main["document"].split()) <= 160 and len(main["summary"].split()) <= pages.LIMIT
                    assert re.fullmatch(r".* (in|at|on|to) .* because .*\.", main["summary"]), main["summary"]
                    crowds = [int(n) for n in re.findall(r"about (\d+)", main["document"], re.I)]
                    assert len(crowds) == 2 and min(crowds) <= g.FEW and max(crowds) >= g.MANY
                elif task == "question_answering" and main["answers"][0].split()[0] not in ("because", "in", "at", "on", "to"):
                    assert main["answers"][0].lower() in main["context"].lower(), main


def main() -> None:
    print(f"{check_by_hand()} sentences and reasons written by hand")
    check_world()
    rng = random.Random(5)
    for _ in range(5000):
        check_event(g.draw_event(rng, watched=rng.random() < 0.3))
    seen, phrases = Counter(), 0
    for i in range(5000):
        watched = i % 2 == 0
        pair = g.draw_pair(rng, watched=watched)
        d = g.write_document(pair if i % 5 else pair[:1], rng, rng.choice(("preterite", "perfect")), audience=watched, spread=watched,
                             extra=(1, 4))
        check_document(d)
        phrases += check_endings(d.de)
        seen.update(e.key for e in d.events)
    print(f"5,000 events and 5,000 documents of {len(seen):,} different events; {phrases:,} German noun phrases")
    check_tasks()
    print("tasks and pages keep their styles")


if __name__ == "__main__":
    main()
