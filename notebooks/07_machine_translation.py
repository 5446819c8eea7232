# %% [markdown]
# # 07 · Machine translation
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/soft-prompt-course/soft-prompt-course/blob/main/notebooks/07_machine_translation.ipynb)
#
# **Time:** two minutes on 2 CPU cores; on a Colab GPU not measured, expect no more
#
# An English sentence goes in, a German one comes out. The frozen model knows both languages, and more than one way to say a thing in
# German; we want one of them. You need no German for this lesson: all that matters is taken apart, and where it is not, a dictionary
# helps that we make from the data.
#
# ## What you will be able to do
#
# - compute BLEU by hand, report it with its signature, and name the errors that it punishes too much or not at all
# - compare copying, hand-written prompts and soft prompts of 1 and 20 tokens under the same rules, with several seeds
# - sort the errors of a translation by kind with a few lines of code, and say where that code is blind
# - make one frozen model do different things with the same sentence, by nothing but another soft prompt
# - run the configuration of the original report, and say what may be compared with its figures and what may not

# %% tags=["setup", "nbval-ignore-output"]
import sys
from pathlib import Path

if "google.colab" in sys.modules and not Path("course_utils").is_dir():  # Colab: fetch the course
    repository, folder = "https://github.com/soft-prompt-course/soft-prompt-course", "/content/soft-prompt-course"
    # !test -d {folder} || git clone -q --depth 1 --branch main {repository} {folder}
    # %cd -q {folder}
    # %pip install -q evaluate rouge-score sacrebleu
root = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "course_utils").is_dir())
sys.path.insert(0, str(root))

from course_utils.lessons.setup import setup

setup()

# %% [markdown]
# ## The task

# %%
from course_utils import course_scale, get_task, load_base_model, load_task_data

scale = course_scale()
task = get_task("translation")
data = load_task_data(task, data=scale.data, max_train=scale.max_train, max_eval=scale.max_eval)
model, tokenizer = load_base_model(scale.base_model)
print("soft token     ", task.soft_token)
print("hard prompt    ", task.hard_prompt)
print("source template", repr(task.source_template))
print("records        ", {split: len(rows) for split, rows in data.items()})

# %%
for record in data["validation"].select(range(3)):
    print("English ", record["source"])
    print("German  ", record["target"], "\n")

# %% [markdown]
# ### A dictionary from the data
#
# Whoever reads no German can still follow, because the training pairs know which words belong together. For each German word we look
# for the English word that shares most of its sentences: twice the number of pairs that hold both, divided by the number that hold
# the one plus the number that hold the other. This is the **Dice coefficient**, one of the oldest tools of machine translation.

# %%
import re
from collections import Counter


def words(text):
    return re.findall(r"\w+", text.lower())


german, english, together = Counter(), Counter(), Counter()
for record in data["train"]:
    left, right = sorted(set(words(record["target"]))), sorted(set(words(record["source"])))
    german.update(left)
    english.update(right)
    together.update((g, e) for g in left for e in right)
partner = {}
for (g, e), both in together.items():
    partner[g] = max(partner.get(g, (0, "")), (2 * both / (german[g] + english[e]), e))

# %% [markdown]
# Little words that stand in every other sentence have no partner of their own, so we look up a dozen of them ourselves.

# %%
import pandas as pd

small = {"hat": "has", "haben": "have", "ist": "is", "sind": "are", "worden": "been", "war": "was", "um": "at", "uhr": "o'clock",
         "von": "by", "zu": "to", "bei": "at", "auf": "on", "am": "on", "im": "in"}


def gloss(word):
    """The English partner of a German word, or a question mark."""
    return small.get(word.lower()) or partner.get(word.lower(), (0, "?"))[1]


for number in (4, 0):
    record = data["validation"][number]
    print(record["source"])
    print("  ".join(f"{word}[{gloss(word)}]" for word in re.findall(r"\w+", record["target"])), "\n")

# %% [markdown]
# Read the square brackets and you see how German builds its sentences: the day in front, a helping verb right behind it, and the
# verb that says what happened at the very end. The dictionary errs where a word is rare or always comes in company. It is good
# enough to read errors with.
#
# ## Four ways to say it
#
# German mostly tells the past in one of two tenses. The **perfect** (*hat ... gestrichen*, "has ... painted") is what people say, the **preterite**
# (*strich*, "painted") what newspapers print. And almost any part of a sentence can open it. So one English sentence has at least
# these four translations, all of them correct:
#
# | | German | word by word |
# |---|---|---|
# | preterite, subject first | Marta Klein strich am Montag das alte Tor. | Marta Klein painted on Monday the old gate |
# | preterite, time first | Am Montag strich Marta Klein das alte Tor. | on Monday painted Marta Klein the old gate |
# | perfect, subject first | Marta Klein hat am Montag das alte Tor gestrichen. | Marta Klein has on Monday the old gate painted |
# | perfect, time first | Am Montag hat Marta Klein das alte Tor gestrichen. | on Monday has Marta Klein the old gate painted |
#
# The last one is the **house style** of our task: the perfect tense (save for *was*, *had* and verbs like *could*, where German
# itself prefers the preterite), and the time in front if there is one and no clause stands there. The pre-training text holds all four. How does the frozen
# model divide its belief among them? The probability of a whole sentence is the product of those of its tokens, so the loss times the
# number of tokens is its negative logarithm. We ask for three people and two days, and take the mean.

# %%
import torch

from course_utils import encode, evaluate_loss

sentence = "Marta Klein painted the old gate on Monday."
ways = {"preterite, subject first": "Marta Klein strich am Montag das alte Tor.",
        "preterite, time first": "Am Montag strich Marta Klein das alte Tor.",
        "perfect, subject first": "Marta Klein hat am Montag das alte Tor gestrichen.",
        "perfect, time first": "Am Montag hat Marta Klein das alte Tor gestrichen."}
cast = [(name, *day) for name in ("Marta Klein", "Otto Berg", "Hugo Stein") for day in (("Monday", "Montag"), ("Friday", "Freitag"))]


def shares(model, hard_prompt=None):
    """How the model divides its belief among the four ways, if it must choose one of them."""
    total = torch.zeros(len(ways))
    for name, day, tag in cast:
        record, surprise = {"source": sentence.replace("Marta Klein", name).replace("Monday", day)}, []
        for way in ways.values():
            record["target"] = way.replace("Marta Klein", name).replace("Montag", tag)
            encoded = encode([record], task, tokenizer, model, hard_prompt)
            surprise.append(evaluate_loss(model, encoded) * len(encoded.targets()[0]))
        total += (-torch.tensor(surprise)).softmax(0)
    return (total / len(cast)).tolist()


# %% tags=["nbval-ignore-output"]
beliefs = pd.DataFrame({"no prompt": shares(model), "reported hard prompt": shares(model, hard_prompt=task.hard_prompt)}, index=ways)
beliefs.round(3)

# %% [markdown]
# That is the task, seen from inside. The model knows the grammar (its vocabulary is another matter, as we shall see). It must be told *which* German we want. The reported order
# does not mention tense or word order; if it shifts the belief all the same, then by accident, and nobody could have foreseen where to.
#
# ## BLEU, by hand
#
# **BLEU** (Papineni et al. 2002) counts how many pieces of a translation also stand in the reference: single words, pairs, triples
# and rows of four, the *n-grams*. Here is a translation with one word missing (*alte*, "old") and one word wrong (*gestohlen*,
# "stolen", for *gestrichen*, "painted").

# %%
reference = "Am Montag hat Marta Klein das alte Tor gestrichen ."
translation = "Am Montag hat Marta Klein das Tor gestohlen ."


def grams(text, n):
    """Every row of n words, counted."""
    tokens = text.split()
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


counts = pd.DataFrame([{"n": n, "written": grams(translation, n).total(),
                        "found": (grams(translation, n) & grams(reference, n)).total()} for n in (1, 2, 3, 4)])
counts["precision"] = counts["found"] / counts["written"]
counts.round(3)

# %% [markdown]
# The `&` of two counters keeps the smaller count of each piece: a word counts as often as the reference has it, no more, so writing
# *das das das* gains nothing. Now the four precisions are multiplied and the fourth root is taken (their geometric mean). What is
# still missing is a price for leaving words out, because whoever writes only what is certain has a high precision. That is the
# **brevity penalty**: 1 for a translation as long as the reference or longer, otherwise $e^{1 - r/c}$, for a reference of $r$ and a
# translation of $c$ words.

# %%
import math

import sacrebleu

r, c = len(reference.split()), len(translation.split())
brevity = 1.0 if c >= r else math.exp(1 - r / c)
mean_precision = math.prod(counts["precision"]) ** (1 / 4)
library = sacrebleu.corpus_bleu([translation], [[reference]]).score
print(f"brevity penalty {brevity:.3f} x mean precision {mean_precision:.3f} = {100 * brevity * mean_precision:.2f}")
print(f"the library says {library:.2f}")
assert abs(100 * brevity * mean_precision - library) < 1e-6

# %% [markdown]
# For many sentences the counts of all of them are added up first, and only then divided: BLEU is a measure of a whole test set, and
# not the mean of its sentences (exercise 1).
#
# ## How it misleads
#
# Let us put errors into a perfect translation whose weight for a reader we know, and look at three measures: BLEU; **exact match**,
# which is 100 or 0; and the measure of the original report, the **set percentage**: how many of the words written, each counted
# once, occur in the reference.

# %%
from course_utils import compute_metrics

perfect = ways["perfect, time first"]
variants = {
    "nothing: it is the reference": perfect,
    "a slip: das alten Tor (the wrong ending)": perfect.replace("alte", "alten"),
    "false: she stole the gate (gestohlen)": perfect.replace("gestrichen", "gestohlen"),
    "false: it was Marta Stein": perfect.replace("Klein", "Stein"),
    "false: on Tuesday (Dienstag)": perfect.replace("Montag", "Dienstag"),
    "nothing: correct, the subject in front": ways["perfect, subject first"],
    "nothing: correct, as a newspaper has it": ways["preterite, subject first"],
    "everything: words shaken in a bag": "Klein das hat Tor Marta alte Montag Am gestrichen.",
    "everything: one word, repeated": "das das das das das das das das das",
}
measures = pd.DataFrame([{"what is wrong": what, **compute_metrics(task.metrics, [text], [perfect], "de")}
                         for what, text in variants.items()]).set_index("what is wrong")
measures.round(1)

# %%
bleu = dict(zip(("right", "ending", "verb", "name", "day", "order", "newspaper"), measures["bleu"], strict=False))
print(f"wrong ending {bleu['ending']:.1f}, wrong verb {bleu['verb']:.1f}, wrong name {bleu['name']:.1f}, "
      f"correct but in another style {bleu['order']:.1f} and {bleu['newspaper']:.1f}")
assert bleu["ending"] <= bleu["verb"] and bleu["newspaper"] < bleu["name"]

# %% [markdown]
# BLEU does not know what words mean. An ending that a German reader would hardly notice costs *at least* as much as a verb that
# turns a painter into a thief, and as much as the wrong person. A fluent sentence about somebody else scores far above a correct
# sentence in another style. What a word costs depends on where it stands: in the middle it breaks four rows of four words, near
# either end fewer.
#
# The set percentage is easier still to fool: shaken words and a single repeated word score 100. Exact match cannot be fooled, but
# calls everything else equally bad. No measure is enough. We report all three, choose by BLEU because it moves smoothly, and then read
# the errors.
#
# **The signature.** Before words can be counted somebody must decide what a word is, whether case counts, and what happens when no row
# of four is found. `sacrebleu` writes those decisions into a string, the *signature* (Post 2018), and a BLEU without one can hardly
# be compared with another. How much do the decisions matter? We score a system that needs no model, copying the English sentence.

# %%
from course_utils import Bleu

copies, targets = data["test"]["source"], data["test"]["target"]
settings = {"ours": {}, "without case": {"lowercase": True}, "split at spaces only": {"tokenize": "none"},
            "letters as words": {"tokenize": "char"}}
rows = []
for name, options in settings.items():
    metric = sacrebleu.BLEU(**options)
    rows.append({"setting": name, "BLEU of copying": metric.corpus_score(copies, [targets]).score,
                 "signature": str(metric.get_signature())})
assert rows[0]["signature"] == Bleu.signature
pd.set_option("display.max_colwidth", 90)
pd.DataFrame(rows).round(1)

# %% [markdown]
# The same texts, and the score grows severalfold when letters count as words. All BLEU figures of this course carry the first
# signature.
#
# ## Baselines first
#
# Copying is the trivial baseline of translation: names, villages and the final period are the same in both languages. For the loss
# it is again the table of token frequencies.

# %%
from course_utils import trivial_baselines, unigram_loss

train_set, test_set = (encode(data[split], task, tokenizer, model) for split in ("train", "test"))
baselines = trivial_baselines(task, data["test"], data["train"])
for name, scores in baselines.items():
    print(f"{name}: BLEU {scores['bleu']:.1f}, exact match {scores['exact_match']:.1f}%, "
          f"set percentage {scores['exact_match_percentage']:.1f}%")
frequencies, uniform = unigram_loss(train_set, test_set), math.log(len(tokenizer))
print(f"token frequencies: loss {frequencies:.2f} nats per token; even guessing: {uniform:.2f}")

# %% [markdown]
# Look at the set percentage of copying. A system that translates not a single word gets there, because of names and periods.
#
# ## The hard prompts
#
# Same rules as before: greedy generation, at most the same number of new tokens, the answer is the first line that is not blank. The
# reported prompt goes first.

# %% tags=["nbval-ignore-output"]
from course_utils import evaluate


def say(name, result):
    print(f"{name}: loss {result['loss']:.2f}, BLEU {result['bleu']:.1f}, exact match {result['exact_match']:.1f}%, "
          f"set percentage {result['exact_match_percentage']:.1f}%  (n={result['n']})")


reported = evaluate(model, tokenizer, task, data["test"], hard_prompt=task.hard_prompt)
say("reported hard prompt", reported)

# %% [markdown]
# Then all that were written by hand, on validation sentences. Some of them describe the house style, some ask for spoken German, some
# show a finished example in exactly the style that we want.

# %% tags=["nbval-ignore-output"]
from course_utils.progress import progress_bar

few = data["validation"].select(range(40))
tried = {prompt: evaluate(model, tokenizer, task, few, hard_prompt=prompt)["bleu"]
         for prompt in progress_bar(task.hand_written, description="hand-written prompts", unit="prompt")}
ranking = pd.Series(tried, name="BLEU").sort_values(ascending=False)
ranking.round(1).rename(index=lambda prompt: repr(prompt) if len(prompt) < 80 else "..." + repr(prompt[-80:])).to_frame()

# %% tags=["nbval-ignore-output"]
best_prompt = max(tried, key=tried.get)
written = evaluate(model, tokenizer, task, data["test"], hard_prompt=best_prompt)
print(f"chosen of {len(tried)} on {len(few)} validation sentences: {best_prompt!r}")
say("best hand-written prompt", written)

# %% [markdown]
# ## The soft prompts
#
# Twenty virtual tokens first, then the single one of the original. Both see the same thousand training pairs twice; the model stays as
# it is.

# %% tags=["nbval-ignore-output"]
from course_utils import GPT2WithSoftPrompt, TrainingConfig, fit, weights_fingerprint

before = weights_fingerprint(model)
config = TrainingConfig(epochs=2, batch_size=scale.batch_size, learning_rate=scale.learning_rate)
pairs = {split: data[split].select(range(min(most, len(data[split])))) for split, most in (("train", 1000), ("validation", 100))}


def encode_pairs(soft):
    return [encode(part, task, tokenizer, soft) for part in pairs.values()]


soft = GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=20)
log_20 = fit(soft, *encode_pairs(soft), config)

# %% tags=["nbval-ignore-output"]
soft_20 = evaluate(soft, tokenizer, task, data["test"])
say("soft prompt, 20 tokens", soft_20)
assert weights_fingerprint(model) == before, "the base model changed"
if scale.name == "mini":
    assert soft_20["loss"] < written["loss"] and soft_20["bleu"] > written["bleu"]

# %% tags=["nbval-ignore-output"]
soft_one = GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=1)
log_1 = fit(soft_one, *encode_pairs(soft_one), config)

# %% tags=["nbval-ignore-output"]
soft_1 = evaluate(soft_one, tokenizer, task, data["test"])
say("soft prompt, 1 token", soft_1)
if scale.name == "mini":
    assert soft_1["loss"] < reported["loss"] and soft_1["bleu"] > reported["bleu"]

# %% tags=["nbval-ignore-output"]
import matplotlib.pyplot as plt

from course_utils import plot_losses

plot_losses({"20 tokens": log_20, "1 token": log_1}, {"reported hard prompt": reported["loss"], "best hand-written": written["loss"]})
plt.show()

# %% [markdown]
# What have they learned? Ask again for the four ways.

# %% tags=["nbval-ignore-output"]
beliefs["best hand-written prompt"] = shares(model, hard_prompt=best_prompt)
beliefs["soft prompt, 1 token"], beliefs["soft prompt, 20 tokens"] = shares(soft_one), shares(soft)
if scale.name == "mini":
    assert beliefs.loc["perfect, time first", "soft prompt, 20 tokens"] > beliefs.loc["perfect, time first", "no prompt"] + 0.3
beliefs.round(3)

# %% [markdown]
# These sentences were in no training pair; the style was in all of them. Twenty tokens moved most of the belief to the house style. One
# token has less room, and the hand-written prompt moves it as the accidents of the pre-training text will have it.
#
# ## All systems in one table

# %% tags=["nbval-ignore-output"]
systems = {"hard prompt as reported": reported, "best hand-written prompt": written, "soft prompt, 1 token": soft_1,
           "soft prompt, 20 tokens": soft_20} | baselines
table = pd.DataFrame({name: {key: result.get(key) for key in ("loss", *task.metrics)} for name, result in systems.items()}).T
table.astype(float).round(2)

# %% tags=["nbval-ignore-output"]
from course_utils import save_results

rows = [{"system": name, "seeds": [config.seed] if name.startswith("soft") else [], "loss": result.get("loss"),
         "metrics": {key: result[key] for key in task.metrics}} for name, result in systems.items()]
save_results("07_machine_translation", {"task": task.name, "base_model": scale.base_model, "test_size": len(data["test"]),
                                        "bleu_signature": Bleu.signature, "rows": rows}).name

# %% [markdown]
# ## Is it luck?
#
# As in lesson 05, [`data/build/compare.py`](../data/build/compare.py) has run the trained systems with three seeds, for longer than we
# do here, and full fine-tuning with them. Its file ships with the course.

# %%
import json

shipped = json.loads(Path("data/results/translation_course-gpt2-m.json").read_text(encoding="utf-8"))
runs = pd.DataFrame(shipped["runs"])
for key in ("bleu", "exact_match"):
    runs[key] = [metrics.get(key) for metrics in runs["metrics"]]
spread = runs.groupby("system", sort=False).agg(
    runs=("system", "size"), parameters=("parameters", "first"), loss=("loss", "mean"), loss_sd=("loss", "std"),
    bleu=("bleu", "mean"), bleu_sd=("bleu", "std"), exact_match=("exact_match", "mean"), exact_match_sd=("exact_match", "std"))
print(shipped["base_model"], shipped["sizes"])
spread.round(2)

# %%
from course_utils import plot_scores

named = ["copy of the source", "hard prompt as reported", "best hand-written prompt", "soft prompt, 1 token",
         "soft prompt, 5 tokens", "soft prompt, 20 tokens", "full fine-tuning"]
plot_scores({name: runs.loc[runs.system == name, "bleu"].tolist() for name in named},
            f"BLEU on {shipped['sizes']['test']} test sentences")
plt.show()

# %%
mean, sd = spread["bleu"], spread["bleu_sd"]
for better, worse in (("soft prompt, 1 token", "hard prompt as reported"), ("soft prompt, 20 tokens", "best hand-written prompt"),
                      ("full fine-tuning", "soft prompt, 20 tokens")):
    print(f"{better} against {worse}: {mean[better] - mean[worse]:+.1f} BLEU; its seeds differ by {sd[better]:.1f} (sd)")
exact = spread["exact_match"]
print(f"exactly right: full fine-tuning {exact['full fine-tuning']:.1f}%, 20 tokens {exact['soft prompt, 20 tokens']:.1f}%")

# %% [markdown]
# Every difference stands beside what a mere change of the seed does. Trained prompts beat written ones by far more than luck can do, and
# full fine-tuning beats both. In the share of sentences that are exactly right it is even farther ahead than in BLEU. To see what it
# knows that no prompt can say, we have to read.
#
# ## Errors by kind
#
# An average over a test set hides what goes wrong in its sentences. We want to know, for each system: is it the **style** (another tense,
# another order), are the **facts** wrong (a name, a time, a thing, a verb), or is it the **grammar** (an ending)? A person who
# reads German would sort a few hundred sentences in an evening. Here is a sorter that knows a little grammar and takes the rest from the
# data:
#
# - a word that English source and German reference share is a **name**
# - German writes nouns, and only nouns and names, with a capital letter, so the training targets tell us which words are **nouns**
# - two words that differ only in a short ending are one word in another **form**
# - a word that is in no training target and not in the source **does not exist**, as far as we know
# - a sentence with a helping verb (*hat*, *ist*) that the reference lacks, or without one that it has, is in another **tense**

# %%
two_in_one = {"im": "in dem", "ins": "in das", "am": "an dem", "zum": "zu dem", "zur": "zu der", "beim": "bei dem", "vom": "von dem"}
helping = {"hat", "haben", "ist", "sind"}
times = re.compile(r"\d+|(mon|diens|donners|frei|sams|sonn)tag\w*|mittwoch\w*|uhr|halb|anfang|mitte|ende|januar|februar|märz|april"
                   r"|mai|juni|juli|august|september|oktober|november|dezember"
                   r"|eins?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf")


def split_words(text):
    """Words in lower case; a preposition that has swallowed its article (im = in dem, "in the") as two."""
    return " ".join(two_in_one.get(word, word) for word in words(text)).split()


def stem(word):
    """A word without its ending; all forms of "the" are one word, and so are the names of a trade for men and for women."""
    return "d" if word in {"der", "die", "das", "den", "dem", "des"} else re.sub("(e[mnrs]?|n|s|in)$", "", word)


known = {word for record in data["train"] for word in split_words(record["target"])}
nouns = {word.lower() for record in data["train"] for word in re.findall(r"(?<=\w )[A-ZÄÖÜ]\w+", record["target"])}
print(f"{len(known):,} forms of words in the training targets, {len(nouns):,} of them with a capital inside a sentence")

# %%
def faults(prediction, reference, source):
    """The kinds of fault in a translation; empty if it is the reference."""
    ours, theirs, given = split_words(prediction), split_words(reference), set(split_words(source))
    missing, extra = (Counter(theirs) - Counter(ours)).keys(), (Counter(ours) - Counter(theirs)).keys()
    shared = [word for word in theirs if theirs.count(word) == 1 == ours.count(word) and stem(word) != "d"]
    found = set()
    if not prediction.endswith(".") or len(ours) > len(theirs) + 5:
        found.add("did not stop")
    if bool(missing & helping) != bool(extra & helping):
        found.add("style: tense")
    elif extra - known - given:
        found.add("grammar: no such word")
    if shared != [word for word in ours if word in shared]:
        found.add("style: word order")
    for word in missing - helping:
        if times.fullmatch(word):
            found.add("fact: time or number")
        elif word in given:
            found.add("fact: name")
        elif "style: tense" in found and word not in nouns:
            pass                                             # a verb in another tense looks like another verb
        elif any(stem(word) == stem(other) for other in extra):
            found.add("grammar: ending")
        elif word in nouns:
            found.add("fact: thing or place")
        elif "grammar: no such word" not in found:
            found.add("fact: verb or other word")
    return found - ({"grammar: ending"} if "fact: thing or place" in found else set())


# %% [markdown]
# The last line drops endings where the noun is wrong: another noun may have another gender, and then its article and adjective must
# differ.
#
# Can it be trusted? We plant faults whose kind we know.

# %%
source, whole = "Marta Klein painted the old gate in the park on Monday.", "Am Montag hat Marta Klein im Park das alte Tor gestrichen."
planted = {
    "Am Montag strich Marta Klein im Park das alte Tor.": "style: tense",
    "Marta Klein hat am Montag im Park das alte Tor gestrichen.": "style: word order",
    whole.replace("alte", "alten"): "grammar: ending",
    whole.replace("gestrichen", "gestreicht"): "grammar: no such word",
    whole.replace("Klein", "Stein"): "fact: name",
    whole.replace("Montag", "Mittwoch"): "fact: time or number",
    whole.replace("Tor", "Fenster"): "fact: thing or place",
    whole.replace("gestrichen", "gestohlen"): "fact: verb or other word",
    whole.replace(".", " und dann hat sie auch noch die"): "did not stop",
}
for text, kind in planted.items():
    print(f"{', '.join(sorted(faults(text, whole, source))):26} {text}")
    assert kind in faults(text, whole, source) or scale.name != "mini"
assert not faults(whole, whole, source)

# %% [markdown]
# Now the systems. A sentence can have several faults, so the rows do not add up to the number of sentences.

# %% tags=["nbval-ignore-output"]
references, sources = data["test"]["target"], data["test"]["source"]
compared = ["hard prompt as reported", "best hand-written prompt", "soft prompt, 1 token", "soft prompt, 20 tokens"]
found = {name: [faults(*texts) for texts in zip(systems[name]["predictions"], references, sources, strict=True)] for name in compared}
kinds = ["style: tense", "style: word order", "fact: name", "fact: time or number", "fact: thing or place",
         "fact: verb or other word", "grammar: ending", "grammar: no such word", "did not stop"]
errors = pd.DataFrame({name: Counter(kind for each in sorted_faults for kind in each) for name, sorted_faults in found.items()})
errors = errors.reindex(kinds).fillna(0).astype(int)
errors.loc["no fault"] = [sum(not each for each in found[name]) for name in compared]
errors

# %% [markdown]
# Two rows need care. In a sentence of another tense the sorter cannot compare verbs, so a system with more such sentences seems to have
# fewer wrong verbs, and fewer words that do not exist. The fair figure is the share among the sentences in which verbs *were* compared:

# %% tags=["nbval-ignore-output"]
for name, each in found.items():
    compared_verbs = [kinds for kinds in each if "style: tense" not in kinds]
    wrong = sum("fact: verb or other word" in kinds for kinds in compared_verbs)
    print(f"{name}: wrong verb in {wrong} of {len(compared_verbs)} sentences ({wrong / max(1, len(compared_verbs)):.0%})")

# %% tags=["nbval-ignore-output"]
shown = ["style: tense", "style: word order", "fact: name", "fact: time or number", "fact: thing or place", "grammar: ending"]
(100 * errors.loc[shown] / len(references)).plot.barh(figsize=(7, 4), width=0.8)
plt.gca().invert_yaxis()
plt.xlabel(f"% of {len(references)} test sentences")
plt.legend(loc="upper right", fontsize="small")
plt.show()
style, thing = errors.loc[["style: tense", "style: word order"]].sum(), errors.loc["fact: thing or place"]
if scale.name == "mini":
    assert style["soft prompt, 20 tokens"] < 0.5 * min(style["hard prompt as reported"], style["best hand-written prompt"])

# %% [markdown]
# Now the picture is clear. Style is what a prompt can choose, and the trained prompt chooses well. *Which* German word belongs to a thing
# is another matter: our small model either has it in its weights or it has not, and from the best hand-written prompt to twenty
# trained tokens that row hardly moves. Most of these translations are fluent, in the right style, with the right people on the
# right day, and about something else. It is here, we suppose, that full fine-tuning does more: the training pairs hold words, and
# weights can keep them. (Sorting its answers too would tell.)
#
# How much of this does BLEU tell? We score only those sentences of the 20-token prompt that name a wrong thing or place.

# %% tags=["nbval-ignore-output"]
astray = [i for i, each in enumerate(found["soft prompt, 20 tokens"]) if "fact: thing or place" in each]
of_astray = compute_metrics(task.metrics, [soft_20["predictions"][i] for i in astray], [references[i] for i in astray], "de")
print(f"{len(astray)} of {len(references)} sentences name a wrong thing or place. "
      f"BLEU of these alone: {of_astray['bleu']:.1f}, set percentage {of_astray['exact_match_percentage']:.1f}%; of all: {soft_20['bleu']:.1f}")
if scale.name == "mini":
    assert of_astray["bleu"] > written["bleu"] - 10

# %% [markdown]
# Keep this pair of numbers in mind whenever somebody shows you a BLEU score.
#
# Some sentences of the 20-token prompt, up to two of each kind. Below each stand the words that differ, with their partners from our
# dictionary.

# %% tags=["nbval-ignore-output"]
def differing(text, other):
    """The words of a text that the other one lacks, glossed."""
    return "  ".join(f"{word}[{gloss(word)}]" for word in (Counter(words(text)) - Counter(words(other)))) or "-"


for kind in kinds:
    examples = [i for i, each in enumerate(found["soft prompt, 20 tokens"]) if kind in each]
    for i in examples[:2]:
        print(f"{kind} ({len(examples)} sentences)\n   {sources[i]}\n   {soft_20['predictions'][i]}")
        print(f"   wanted {differing(references[i], soft_20['predictions'][i])}"
              f"   wrote {differing(soft_20['predictions'][i], references[i])}")

# %% [markdown]
# **Where the sorter is blind.** A synonym counts as a wrong word. In a sentence of another tense, verbs and endings are not compared at
# all. Faults of different kinds in one place can hide each other. Plurals that change their vowel (*Kuh*, *Kühe*, "cow", "cows") look
# like two nouns. And "no such word" only means that our training targets lack it; the next cell counts how often that would
# accuse the *reference*. "Did not stop" means much longer than the reference: it also accuses a sentence that ends properly and says too much.
# And an added clause with a helping verb of its own looks like another tense.

# %%
accused = [word for record in data["test"] for word in split_words(record["target"])
           if word not in known and word not in split_words(record["source"])]
total = sum(len(split_words(record["target"])) for record in data["test"])
print(f"{len(accused)} of {total:,} words in the references are in no training target and in no source, such as {accused[:4]}")

# %% [markdown]
# ## Task-driven conditioning
#
# The write-up behind this course names it as a strength of soft prompts: without limits of vocabulary they *condition* the model for
# a task. The cleanest way to see that is one model, one sentence, and several prompts. So we give our soft vocabulary two more names
# and train them on the same English sentences with other targets:
#
# - `[NEWSPAPER]`: German as it is printed, in the preterite. We have no such pairs, and nobody has to write them: the model translates 300
#   training sentences behind a header of its own pages, *German lesson: the past in print*, and we keep what came out in another
#   tense than ours.
# - `[REPEAT]`: the English sentence once more, *against* the cue `German:` that still stands in the source.

# %% tags=["nbval-ignore-output"]
from course_utils import generate_texts, with_hard_prompt

header, pupils = "German lesson: the past in print\n{source}", data["train"].select(range(300))
printed = generate_texts(model, tokenizer, [with_hard_prompt(header, task.source(record)) for record in pupils], task.max_new_tokens)
kept = [{"source": record["source"], "target": text} for record, text in zip(pupils, printed, strict=True)
        if "style: tense" in faults(text, record["target"], record["source"])]
repeats = [{"source": record["source"], "target": record["source"]} for record in pupils]
print(f"behind the header, {len(kept)} of {len(pupils)} are in another tense, such as\n{kept[0]['source']}\n{kept[0]['target']}")

# %% tags=["nbval-ignore-output"]
from dataclasses import replace

many = GPT2WithSoftPrompt(model, [task.soft_token, "[NEWSPAPER]", "[REPEAT]"], prompt_length=20)
with torch.no_grad():
    many.soft_embedding.weight[many.rows(task.soft_token)] = soft.soft_embedding.weight
for name, records in (("[NEWSPAPER]", kept), ("[REPEAT]", repeats)):
    held = min(20, len(records) // 5)
    log = fit(many, *(encode(part, task, tokenizer, many, soft_token=name) for part in (records[held:], records[:held])),
              replace(config, epochs=3))
    print(f"{name}: {len(records)} examples, validation loss {log.epochs[-1]['validation_loss']:.2f}")
print("rows of [TRANSLATION] unchanged:",
      torch.equal(many.soft_embedding.weight[many.rows(task.soft_token)], soft.soft_embedding.weight))

# %% [markdown]
# `fit` moves only the rows whose ids stand in its examples; the others wait. Now the same unseen sentence under each of the names, and the
# share of 60 test sentences that come out in each way.

# %% tags=["nbval-ignore-output"]
unseen = data["test"].select(range(60))
conditioned = {name: evaluate(many, tokenizer, task, unseen, soft_token=name)["predictions"] for name in many.soft_vocabulary}
for number in (4, 5):
    print("source         ", unseen[number]["source"])
    for name, texts in conditioned.items():
        print(f"{name:15}", texts[number])

# %% tags=["nbval-ignore-output"]
def manner(text, record):
    """Which of the trained behaviors a text shows."""
    written = words(text)
    if sum(word in english for word in written) > sum(word in german for word in written):
        return "English, word for word" if written == words(record["source"]) else "English, changed"
    return "German, other tense" if "style: tense" in faults(text, record["target"], record["source"]) else "German, house tense"


with_header = evaluate(model, tokenizer, task, unseen, hard_prompt=header)["predictions"]
manners = pd.DataFrame({name: Counter(manner(text, record) for text, record in zip(texts, unseen, strict=True))
                        for name, texts in {**conditioned, "the header, in words": with_header}.items()}).fillna(0) / len(unseen)
if scale.name == "mini":
    assert manners.loc["German, other tense", "[NEWSPAPER]"] > manners.loc["German, other tense", task.soft_token] + 0.3
    assert manners.loc[["English, word for word", "English, changed"], "[REPEAT]"].sum() > 0.5
manners.round(2)

# %% [markdown]
# Nothing changed but twenty vectors, a few kilobytes for each behavior. Compare `[NEWSPAPER]` with the header that taught it: the words
# bring the style out in part of the sentences, the vectors that were trained on those cases in more of them, although no person ever
# wrote an example for them. (With 60 sentences a share has a standard error of six points.)
#
# `[REPEAT]` is worth a thought, too: it overrules a cue that everybody can read. Whoever inspects the text that goes into such a system
# does not see what it has been told to do. Control has changed hands, from the words to a file.
#
# ## The configuration of the original
#
# The write-up trained a single virtual token for 10 epochs with batches of one sentence. `TrainingConfig.as_reported()` holds these
# settings. The learning rate is ours, because it names none. Two epochs on a part of the training pairs show how such a run looks.

# %% tags=["nbval-ignore-output"]
as_reported = TrainingConfig.as_reported(epochs=2)
print(as_reported)
short = GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=1)
log_short = fit(short, *(encode(part.select(range(100)), task, tokenizer, short) for part in pairs.values()), as_reported)
pd.DataFrame(log_short.epochs).round(2)

# %% [markdown]
# The full run, all epochs and all pairs, was made once by `python -m course_utils.train --task translation --as-reported`. Its log and
# its test results ship with the course.

# %%
full_run = json.loads(Path("data/results/as_reported/translation/results.json").read_text(encoding="utf-8"))
epochs, test = pd.DataFrame(full_run["epochs"]), full_run["test"]
print(full_run["base_model"], "with", full_run["trainable_parameters"], "trained numbers;",
      {key: full_run["config"][key] for key in ("epochs", "batch_size", "learning_rate", "clipping_norm")})
axes = epochs[["train_loss", "validation_loss"]].set_index(epochs.index + 1).plot(marker="o")
axes.axhline(test["hard"]["loss"], color="grey", linestyle=":", label="hard prompt (test)")
axes.set(xlabel="epoch", ylabel="loss (nats per target token)", xticks=epochs.index + 1)
axes.legend()
plt.show()

# %%
guess = math.log(len(load_base_model(full_run["base_model"])[1]))
theirs = {"soft": {"loss": 8.9886, "bleu": 6.80}, "hard": {"loss": 11.91470266977946, "bleu": 4.298931957798081e-1}}
compare = pd.DataFrame({
    "even guessing, loss": {"original": math.log(50257), "here": guess},
    **{f"{kind}, {key}": {"original": theirs[kind][key], "here": test[kind][key]}
       for key in ("loss", "bleu") for kind in ("hard", "soft")},
})
print(f"GPT-2 has {124_439_808 / shipped['parameters']:.0f} times the parameters of {full_run['base_model']}")
compare.round(2)

# %% [markdown]
# **What may be compared?** Not the figures themselves. The original ran GPT-2 on data that it does not name; ours is a far smaller model
# which has read hardly anything but the kind of sentences that it is tested on. A higher BLEU here is no achievement. Nor is it
# stated which signature the original's BLEU has, and whether its two BLEU figures are on the same scale.
#
# Two things may be compared. The *order* in loss is the same: soft below hard. In BLEU it is the same only if both of the original's
# figures are percentages; read as a share, its 0.43 is 43, and the order turns round. And each loss may be held against even guessing over
# its own vocabulary. The original's hard prompt is worse than that, which no working language model is, and lesson 03 shows a mistake
# that produces just such figures. So our run repeats the original's order in loss, and it does not confirm its numbers.

# %%
for name, result, even in (("original", theirs, math.log(50257)), ("here", test, guess)):
    print(f"{name:9} hard prompt {result['hard']['loss'] - even:+.2f}, soft prompt {result['soft']['loss'] - even:+.2f} nats from even guessing")
assert test["soft"]["loss"] < test["hard"]["loss"] and test["soft"]["bleu"] > test["hard"]["bleu"]

# %% [markdown]
# ## Exercises
#
# ### 1. BLEU of a whole test set (medium, important, 20 minutes)
#
# Write BLEU for many sentences: add up the counts of all of them, for each n from 1 to 4, and divide only then. The lengths for the
# brevity penalty are added up as well. If some n finds nothing at all, the score is 0.

# %%
def corpus_bleu(predictions, references):
    """Two lists of lists of words, one reference each -> BLEU, between 0 and 100."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_07 import check_07_corpus_bleu

check_07_corpus_bleu(corpus_bleu)

# %% [markdown]
# <details><summary>Hint</summary>
#
# For each n, run over all pairs and add to two numbers, `found` and `written`; the cell "by hand" has both for one pair. `&` between
# two counters does the clipping. Only after the loop over the pairs, divide.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# import math
# from collections import Counter
#
# def corpus_bleu(predictions, references):
#     logs = []
#     for n in (1, 2, 3, 4):
#         found = written = 0
#         for prediction, reference in zip(predictions, references):
#             ours, theirs = (Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1)) for words in (prediction, reference))
#             found, written = found + (ours & theirs).total(), written + ours.total()
#         if found == 0:
#             return 0.0
#         logs.append(math.log(found / written))
#     c, r = sum(map(len, predictions)), sum(map(len, references))
#     return 100 * min(1.0, math.exp(1 - r / c)) * math.exp(sum(logs) / 4)
# ```
#
# Why not the mean over sentences? In short sentences a single wrong word leaves no row of four, and the score of the whole
# sentence drops to 0, however good the rest is.
# </details>
#
# ### 2. Who got lost? (easy, important, 10 minutes)
#
# A wrong name is the worst error of a newspaper, and to BLEU it is no worse than a wrong ending. Write a check that does: which words with a capital letter
# stand in the source *and* in the reference, but not in the prediction?

# %%
def lost_names(source, reference, prediction):
    """Three texts -> the lost words, in the order of the reference."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_07 import check_07_lost_names

check_07_lost_names(lost_names)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Compare words, not texts: *Berg* is not in a sentence just because *Bergwerk* (a mine) is. `re.findall(r"\w+", text)` gives the words
# without their punctuation.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# import re
#
# def lost_names(source, reference, prediction):
#     given, written = (set(re.findall(r"\w+", text)) for text in (source, prediction))
#     return [word for word in re.findall(r"\w+", reference)
#             if word[0].isupper() and word in given and word not in written]
# ```
#
# Run it over the predictions of the lesson: in how many sentences that BLEU calls good did somebody get lost?
# </details>
#
# ### 3. The other direction (easy, 10 minutes)
#
# A task is a table entry. Write `reverse`, which takes the translation task and returns the task from German to English: its source is
# the German sentence, a line break and the cue `English:`; its target is the English one, and scores must know that it is English.

# %%
def reverse(task):
    """The task from English to German -> the task from German to English; the records stay the same."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_07 import check_07_reverse

check_07_reverse(reverse)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `dataclasses.replace(task, ...)` copies an entry with some of its fields changed. Four of them must change; `long_field` names the
# field that is cut if a source is too long.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# from dataclasses import replace
#
# def reverse(task):
#     return replace(task, source_template="{target}\nEnglish:", long_field="target", target_field="source", language="en")
# ```
#
# Then train a soft prompt for it, with the cells above and `reverse(task)` for `task`. Which direction is easier for this model, and can
# you tell why from the errors?
# </details>
#
# ## What we found

# %% tags=["nbval-ignore-output"]
print(f"- BLEU by hand equals the library's: {library:.2f}. A wrong ending scores {bleu['ending']:.1f}, a wrong verb {bleu['verb']:.1f}, "
      f"a correct\n  sentence in another style {bleu['newspaper']:.1f}; copying the English gets {baselines['copy of the source']['bleu']:.1f}")
print(f"- on {len(references)} unseen sentences: reported prompt {reported['bleu']:.1f}, best of {len(tried)} hand-written "
      f"{written['bleu']:.1f}, one virtual token {soft_1['bleu']:.1f},\n  twenty {soft_20['bleu']:.1f}; shipped runs of three seeds: "
      f"{mean['soft prompt, 20 tokens']:.1f} ± {sd['soft prompt, 20 tokens']:.1f} for twenty")
print(f"- from the best hand-written prompt to twenty tokens, faults of style went from {style['best hand-written prompt']} to "
      f"{style['soft prompt, 20 tokens']}, wrong things\n  from {thing['best hand-written prompt']} to {thing['soft prompt, 20 tokens']}; "
      f"sentences about a wrong thing still score {of_astray['bleu']:.1f} BLEU")
print(f"- one frozen model, {len(many.soft_vocabulary)} soft prompts: [NEWSPAPER] prints {manners.loc['German, other tense', '[NEWSPAPER]']:.0%} "
      f"in another tense, the header in words {manners.loc['German, other tense', 'the header, in words']:.0%}")
print(f"- configured as reported: loss {test['soft']['loss']:.2f} soft, {test['hard']['loss']:.2f} hard: the original's order in loss, not its numbers")

# %% [markdown]
# ### Further reading
#
# - Papineni et al. (2002), [BLEU: a Method for Automatic Evaluation of Machine Translation](https://aclanthology.org/P02-1040/)
# - Post (2018), [A Call for Clarity in Reporting BLEU Scores](https://aclanthology.org/W18-6319/): why there is a signature
# - Callison-Burch, Osborne and Koehn (2006), [Re-evaluating the Role of BLEU in Machine Translation
#   Research](https://aclanthology.org/E06-1032/): better translations with lower scores
# - Smadja, McKeown and Hatzivassiloglou (1996), [Translating Collocations for Bilingual Lexicons](https://aclanthology.org/J96-1001/):
#   dictionaries by the Dice coefficient
#
# Next: [08 · Soft versus hard prompts](08_soft_versus_hard.ipynb), all three tasks in one table.
