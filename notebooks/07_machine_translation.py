# %% [markdown]
# # 07 · Machine translation
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/soft-prompt-course/soft-prompt-course/blob/main/notebooks/07_machine_translation.ipynb)
#
# **Time:** 1 to 2 minutes on 2 CPU cores; not measured on a Colab GPU
#
# An English sentence goes in, a German one comes out. The model knows nearly all the words. What is left for a prompt to do?
#
# **For whom:** you have done lessons 02 and 03. You need no German. **Study time:** 60 minutes, and 50 more for the exercises.
#
# ## What you will be able to do
#
# - compute BLEU by hand, report it with its signature, and say how far style moves it
# - sort the errors of a translation by kind, and test the sorter first
# - train prompts of 1 and 20 tokens, and compare them with hard prompts by a paired test
# - say what a prompt can change, and what it hardly adds

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
# ## What goes in, what comes out
#
# The **base model** was trained before, on a small town's newspaper, and is **frozen**: its weights stay as they are. The newspaper prints
# word lists and many sentences in English and German, also behind the line `German:`. So this model has been trained to translate; a prompt
# need not teach it. (Two attention heads started as a copying circuit: see the data card.)
#
# A **soft prompt** is a few trained vectors in front of the text, **virtual tokens**; their number is the **prompt length**. The English
# sentence is the **source**, the German one the **target** or, in scores, the **reference**. A **cue** is the last line before the answer,
# here `German:`. **Logits** score the next token, a **label** is the right one.

# %%
import matplotlib.pyplot as plt

from course_utils import GPT2WithSoftPrompt, collate, course_scale, encode, get_task, load_base_model, load_task_data
from course_utils.lessons.pictures import soft_prompt_in_front

scale, task = course_scale(), get_task("translation")
data = load_task_data(task, data=scale.data, max_train=scale.max_train, max_eval=scale.max_eval)
model, tokenizer = load_base_model(scale.base_model)
soft_20 = GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=20)
one = collate(encode([min(data["train"], key=lambda record: len(record["source"]))], task, tokenizer, soft_20).items, tokenizer.pad_token_id)
blocks = model.config.num_hidden_layers
soft_prompt_in_front(one, tokenizer, model.get_input_embeddings().weight, soft_20.soft_embedding.weight, blocks)
plt.show()

# %% [markdown]
# Only the blue table will be trained. The loss counts the German tokens and the end token.
#
# ## One sentence, two styles
#
# German tells the past in two tenses. The **perfect** has a helping verb and a participle at the end (*hat ... gestrichen*, "has ...
# painted"). The **preterite** has no helping verb (*strich*). A sentence can open with the time or with the subject. All four combinations are
# correct; the newspaper uses all. Our tasks use two:
#
# - the **target style**: perfect, time in front;
# - the **control style**: preterite, subject in front.
#
# One thing is built in. After the cue `Newspaper German:` the newspaper always uses the control style. *No* cue of the newspaper asks for
# exactly the target style. Other words may still do it; later we search for them.

# %%
import pandas as pd

pd.set_option("display.max_colwidth", 110)
# always the course's own data: public data has no second style
styles = {"target style": load_task_data(task), "control style": load_task_data(task, "control")}
held_out = {name: records["validation"].select(range(100)) for name, records in styles.items()}
sources = held_out["target style"]["source"]
pd.DataFrame({"source": sources, **{name: records["target"] for name, records in held_out.items()}}).head(4).T

# %% [markdown]
# ## The puzzle: what is missing?
#
# Without a prompt, the model reads the sentence and the cue `German:`, and always writes the most likely next token
# (**greedy** decoding).
# **BLEU** is a score from 0 to 100.

# %% tags=["nbval-ignore-output"]
from course_utils import Bleu, compute_metrics, generate_texts, with_hard_prompt


def translate(system, texts, hard_prompt=None):
    """German for English texts, behind a hard prompt if there is one."""
    lines = [with_hard_prompt(hard_prompt, task.source({"source": text})) for text in texts]
    return generate_texts(system, tokenizer, lines, task.max_new_tokens, batch_size=100)


def bleu(predictions, references):
    return compute_metrics(["bleu"], predictions, references, "de")["bleu"]


wanted, control = (held_out[name]["target"] for name in ("target style", "control style"))
answers = {"no prompt": translate(model, sources)}
print(f"no prompt: BLEU {bleu(answers['no prompt'], wanted):.1f} on {len(sources)} validation sentences\n({Bleu.signature})")

# %% [markdown]
# Does the model lack words, or does it write in another style? BLEU alone cannot tell.
#
# ## BLEU, worked through
#
# BLEU (Papineni et al. 2002) counts **n-grams**: 1, 2, 3 or 4 words in a row. How many of the translation's n-grams also stand in the
# reference? Here is an answer in another style.

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.charts import bleu_picture
from course_utils.lessons.german_errors import ENDING, FRONT, KINDS, NOUN, ORDER, TENSE, VERB, GermanErrors

sorter = GermanErrors(styles["target style"]["train"], other_tense=styles["control style"]["train"])
faults = [sorter.sort(*each) for each in zip(answers["no prompt"], wanted, sources, strict=True)]
styled = [i for i, each in enumerate(faults) if each and each <= {TENSE, FRONT, ORDER}]
example = min(styled or [0], key=lambda i: len(wanted[i]))
bleu_picture(wanted[example], answers["no prompt"][example])
plt.show()

# %% [markdown]
# Each bar covers one n-gram; green ones stand in the reference, too. The shares of green bars are the four **precisions**. BLEU is their
# geometric mean, times the **brevity penalty**: 1 for a translation at least as long as the reference, otherwise $e^{1 - r/c}$ for $r$
# words in the reference and $c$ in the translation.
#
# The line in brackets above is the **signature** (Post 2018): references per sentence (`nrefs`), capitals (`case`), words (`tok`; a full
# stop is one), what happens if no n-gram of some length is found (`smooth`). Compare systems only under one signature.

# %%
import math
from collections import Counter

import sacrebleu

reference = "Am Montag hat Marta Klein im Park das alte Tor gestrichen ."
translation = "Am Montag hat Marta Klein im Park das Tor gestrichen ."


def grams(text, n):
    """Every n-gram, counted."""
    words = text.split()
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


found = [(grams(translation, n) & grams(reference, n)).total() for n in (1, 2, 3, 4)]
made = [grams(translation, n).total() for n in (1, 2, 3, 4)]
r, c = len(reference.split()), len(translation.split())
by_hand = 100 * min(1, math.exp(1 - r / c)) * math.prod(f / m for f, m in zip(found, made, strict=True)) ** (1 / 4)
library = sacrebleu.corpus_bleu([translation], [[reference]]).score
print(f"found {found} of {made}, lengths {c} and {r}: BLEU {by_hand:.2f} by hand, {library:.2f} by sacrebleu")

# %% [markdown]
# The `&` keeps the smaller count. A test set adds up all counts and divides once.
#
# What does a mistake cost? **Exact match** is the percentage of translations that equal the reference, capitals and punctuation aside.
# **Shared tokens** (the report that this course checks calls them "exact match") are the percentage of the translation's different words
# that occur in the reference.

# %%
from course_utils.metrics import SCORES

perfect = "Am Montag hat Marta Klein im Park das alte Tor gestrichen."
variants = {
    "none": perfect,
    "a wrong ending (alten)": perfect.replace("alte", "alten"),
    "another verb (stolen)": perfect.replace("gestrichen", "gestohlen"),
    "another person": perfect.replace("Klein", "Stein"),
    "none, the control style": "Marta Klein strich am Montag im Park das alte Tor.",
    "all words shuffled": "im Klein das hat Tor Marta Park alte Montag Am gestrichen.",
    "one word, repeated": "das das das das das das",
}
costs = pd.DataFrame([{"mistake": name, "text": text, **compute_metrics(task.metrics, [text], [perfect], "de")} for name, text in variants.items()])
names = {key: SCORES[key].label for key in task.metrics}
costs.set_index("mistake").rename(columns=names).round(1)

# %% [markdown]
# BLEU does not know what words mean. The wrong ending costs more than the verb that makes the painter a thief, because of its place: a word
# in the middle belongs to ten n-grams, the verb before the full stop to seven. The correct sentence in the control style scores far below.
# Shared tokens are easy to fool: the shuffled sentence and the repeated *das* get 100.
#
# ## A sorter for errors
#
# `GermanErrors` compares a translation with its reference and names what differs in **style** (tense, time in front, other order),
# **facts** (name, time or number, noun, verb or its prefix, other word) and **grammar** (an ending, no such word). Two more kinds: "too
# short or too long", "another sentence". Capital letters mean nouns; a helping verb (*hat*,
# *ist*) too many or too few is another tense.

# %%
print(f"{len(sorter.nouns):,} noun forms, {len(set(sorter.verb_of.values()))} verbs, {len(sorter.known):,} word forms in all")
for form in (("strich",), ("sang",), ("holte", "ab"), ("las", "vor")):
    print(f"{' ... '.join(form):12} belongs to {sorter.verb_of[form]}")

# %% [markdown]
# To test the sorter, we first plant errors.

# %%
source = "Marta Klein painted the old gate in the park on Monday."
planted = [(perfect.replace("alte", "alten"), {ENDING}), (perfect.replace("Montag", "Dienstag"), {"fact: time or number"}),
           (perfect.replace("Tor", "Fenster"), {NOUN}), (perfect.replace("gestrichen", "verkauft"), {VERB}),
           (perfect.replace("Klein", "Stein"), {"fact: name"}), (perfect.replace("alte", "neue"), {"fact: other word"}),
           (perfect.replace("Am Montag hat Marta Klein", "Marta Klein hat am Montag"), {FRONT}), ("Gestern war das Wetter gut.", {"another sentence"}),
           ("Am Montag strich Marta Klein im Park das alte Tor.", {TENSE}), (perfect.replace("im Park das alte Tor", "das alte Tor im Park"), {ORDER}),
           (perfect.replace("gestrichen", "gestreicht"), {VERB, "grammar: no such word"}), (perfect.replace(" gestrichen.", ""), {VERB, "too short or too long"})]
for text, kinds in planted:
    print("found" if sorter.sort(text, perfect, source) == kinds else "MISSED", f"{', '.join(sorted(kinds)):33} {text}")

# %% [markdown]
# All are found, and nothing else is reported. Next a null test: the references in the control style are correct, so the sorter must report
# style only.

# %%
def count_kinds(predictions):
    """How many of the held-out translations have each kind of error."""
    kinds = Counter(kind for each in zip(predictions, wanted, sources, strict=True) for kind in sorter.sort(*each))
    return pd.Series({kind: kinds[kind] for kind in KINDS})


def words_right(predictions, sources=sources, references=wanted):
    """For each translation: 1 if all nouns and verbs of the reference are there, in any form and tense."""
    pairs = zip(predictions, references, sources, strict=True)
    return [float(False not in sorter.words_right(*each)) for each in pairs]


print(count_kinds(control)[lambda kinds: kinds > 0].to_dict())
print(f"words right in the control style: {100 * sum(words_right(control)) / len(control):.0f}%")

# %% [markdown]
# It reports style only.
#
# **Where it is blind.** A synonym counts as wrong. Errors in one place can hide each other. It knows only this newspaper's German.

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown

errors, both = count_kinds(answers["no prompt"]), [list(each) for each in zip(wanted, control, strict=True)]
Markdown(f"Without a prompt **{100 * sum(words_right(answers['no prompt'])) / len(sources):.0f}%** of the translations have all nouns and verbs. "
         f"{errors[TENSE]} of {len(sources)} are in another tense, and {errors[FRONT]} differ in whether the time comes first. "
         f"BLEU is {bleu(answers['no prompt'], wanted):.1f}, and {bleu(answers['no prompt'], both):.1f} with two references for each sentence, one in each style "
         "(so `nrefs:2`: only the references change, the translations do not): "
         f"a second accepted style wins back {bleu(answers['no prompt'], both) - bleu(answers['no prompt'], wanted):.0f} of {100 - bleu(answers['no prompt'], wanted):.0f} missing points.")

# %% [markdown]
# The newspaper also mixes the two choices (such as the perfect with the subject in front). Neither reference accepts that fully, so some of
# the rest may be style, too.
#
# ## Where the choice is made
#
# We take one sentence and look at the next token at two places: the first German word, and the word after the subject. We ask in three
# ways: no prompt, the report's **hard prompt** (made of words), and another cue. In templates `{text}` is the sentence without its cue,
# `{source}` with it, `\n` a line break.

# %%
cue = "{text}Newspaper German:"
ways = {"no prompt": (model, None), "hard prompt, reported": (model, task.hard_prompt), "hand-written: Newspaper German": (model, cue)}
pairs = zip(*held_out.values(), strict=True)
record, subject = next((ours, " " + " ".join(theirs["target"].split()[:2])) for ours, theirs in pairs
                       if " ".join(theirs["target"].split()[:2]) in ours["source"] and FRONT in sorter.sort(theirs["target"], ours["target"], ours["source"]))
for name, (_, prompt) in ways.items():
    print(f"{name}: {with_hard_prompt(prompt, task.source(record))!r}")
print("reference:", record["target"])

# %% tags=["nbval-ignore-output"]
import torch

from course_utils import source_ids
from course_utils.lessons.charts import next_token_bars


@torch.no_grad()
def next_logits(system, hard_prompt, begun=""):
    """Logits of the token that follows the source and what the answer has begun with."""
    ids = torch.tensor([source_ids(tokenizer, with_hard_prompt(hard_prompt, task.source(record)) + begun)])
    return system(ids.to(system.device)).logits[0, -1]


next_token_bars({name: next_logits(*way) for name, way in ways.items()}, tokenizer, k=1)
plt.show()
print("The answer has begun with:", subject)
next_token_bars({name: next_logits(*way, subject) for name, way in ways.items()}, tokenizer, k=2)
plt.show()

# %% [markdown]
# In the first figure `Sabine` is the subject and `Am` begins the time. In the second `empfahl` is the preterite, `hat` begins the perfect.
# Without a prompt the model is undecided, after `Newspaper German:` certain; after the reported prompt `Am` has most, and other tokens nearly all the rest. For many sentences, we compare the probability of the
# whole target in both styles.

# %%
from course_utils.loss import token_losses
from course_utils.systems import as_system


@torch.no_grad()
def log_probabilities(system, records, hard_prompt=None):
    """The log-probability of each record's target: minus the sum of its tokens' losses. [records]"""
    system, encoded = as_system(system), encode(records, task, tokenizer, system, hard_prompt)
    batch = {name: tensor.to(system.device) for name, tensor in collate(encoded.items, encoded.pad_id).items()}
    losses, row = token_losses(system, batch)   # [targets], [targets]
    return -torch.zeros(len(encoded)).index_add_(0, row.cpu(), losses.cpu())


# %%
differ = [i for i, each in enumerate(both) if each[0] != each[1]][:60]
two = [records.select(differ) for records in held_out.values()]


def target_shares(system, hard_prompt=None):
    """For each sentence: the probability of the target style, if it is that or the control style."""
    ours, theirs = (log_probabilities(system, records, hard_prompt) for records in two)
    return (ours - theirs).sigmoid().numpy()


# %% tags=["nbval-ignore-output"]
from course_utils.lessons.charts import resampled_interval


def in_words(shares):
    """Each way's mean share of the target style, with its 95% interval over sentences."""
    intervals = {name: resampled_interval(each) for name, each in shares.items()}
    return "; ".join(f"{name}: **{100 * shares[name].mean():.0f}%** [{100 * low:.0f}, {100 * high:.0f}]" for name, (low, high) in intervals.items())


shares = {name: target_shares(*way) for name, way in ways.items()}
change = shares["hard prompt, reported"] - shares["no prompt"]
low, high = resampled_interval(change)
Markdown(f"Target style, mean of {len(differ)} sentences: {in_words(shares)}. The reported prompt changes it by {100 * change.mean():+.0f} points "
         f"[{100 * low:+.0f}, {100 * high:+.0f}]" + (": whether it shifts the style we cannot tell here." if low <= 0 <= high else "."))

# %% [markdown]
# ## Two prompts learn to choose
#
# We train 20 virtual tokens and 1 virtual token on the same 160 pairs: 12 epochs (passes over the pairs) of 10 steps. A **step** is one
# update on 16 pairs. The learning rates are about three times those of the studies below, which train longer.

# %%
from course_utils import TrainingConfig, fit, weights_fingerprint

soft_1 = GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=1)
before, shown = weights_fingerprint(model), sources[:3]
train_part = data["train"].select(range(min(160, len(data["train"]))))
check_part = data["validation"].select(range(40))


def train(system, learning_rate):
    """Train on the 160 pairs. Returns the log, and steps -> translations of the three shown sentences."""
    texts, sets = {0: translate(system, shown)}, [encode(part, task, tokenizer, system) for part in (train_part, check_part)]

    def after_epoch(row):
        texts[10 * row["epoch"]] = translate(system, shown)

    config = TrainingConfig(epochs=12, batch_size=16, learning_rate=learning_rate)
    return fit(system, *sets, config, after_epoch, progress=False), texts


# %% tags=["nbval-ignore-output"]
log_20, texts_20 = train(soft_20, 0.1)
log_1, texts_1 = train(soft_1, 0.3)
print("base model unchanged:", weights_fingerprint(model) == before)

# %% tags=["nbval-ignore-output"]
from course_utils.evaluation import evaluate_loss
from course_utils.lessons.charts import learning_curves

levels = {name: evaluate_loss(model, encode(check_part, task, tokenizer, model, prompt))
          for name, prompt in (("no prompt", None), ("hard prompt, reported", task.hard_prompt))}
curves = {name: ([10 * row["epoch"] for row in log.epochs], [row["validation_loss"] for row in log.epochs])
          for name, log in (("soft prompt, 20 tokens", log_20), ("soft prompt, 1 token", log_1))}
learning_curves(curves, "steps", "validation loss, nats per target token", levels, log_y=True)
plt.show()
print("losses at the end:", {name: round(values[-1], 3) for name, (_, values) in curves.items()})

# %% [markdown]
# The loss is the mean of $-\ln p$ over the target tokens, in **nats**. Both prompts end below both dashed lines
# (one run each, 40 records, no test).
#
# What the 20 tokens write (before training: 20 random tokens of the table):

# %% tags=["nbval-ignore-output"]
from IPython.display import display

from course_utils.lessons.written import written

for i in range(3):
    display(written({step: texts_20[step][i] for step in (0, 10, 50, 120)}, wanted[i], sources[i]))
print("The second sentence, by the model without a prompt:", answers["no prompt"][1])

# %% [markdown]
# In the first sentence the order of time and subject changes and comes back. In the third the tense changes, in the second the place (*auf dem
# Markt*) appears, and *Zirkusvorstellung* (circus show) becomes *Plakate* (posters). The model knew both; the random start had disturbed it.
#
# ## What each prompt chose
#
# New here are a header (a first line) and the cue `Spoken German:`. In the newspaper each of them calls for the perfect, and for the time in
# front in four of ten sentences. The last column counts translations with all nouns and verbs right.

# %% tags=["nbval-ignore-output"]
spoken = "German lesson: the spoken past\n{text}Spoken German:"
asked = {"hard prompt, reported": (model, task.hard_prompt), "hand-written: Newspaper German": (model, cue),
         "hand-written: Spoken German": (model, spoken), "soft prompt, 1 token": (soft_1, None), "soft prompt, 20 tokens": (soft_20, None)}
answers |= {name: translate(system, sources, prompt) for name, (system, prompt) in asked.items()}
pd.DataFrame({name: {"BLEU, target style": bleu(texts, wanted), "BLEU, control style": bleu(texts, control), "BLEU, either": bleu(texts, both),
                     "words right, %": 100 * sum(words_right(texts)) / len(texts)} for name, texts in answers.items()}).T.round(1)

# %% [markdown]
# `Newspaper German:` scores high against the control style, the trained prompts against the target style.
#
# Which differences are more than luck? A **paired bootstrap** (Koehn 2004) draws 1,000 test sets: 100 of our 100 sentences, some twice,
# some never, the same for both systems. If the middle 95% of the differences of BLEU lie on one side of 0, we say "higher" or "lower".

# %% tags=["nbval-ignore-output"]
from course_utils import paired_bootstrap


def versus(first, second, references, what):
    test = paired_bootstrap("bleu", answers[first], answers[second], references, "de")
    low, high = test.interval
    print(f"{what}: {first} against {second}: {test.difference:+.1f} BLEU [{low:+.1f}, {high:+.1f}], {test.verdict}")


versus("soft prompt, 20 tokens", "no prompt", wanted, "target style")
versus("soft prompt, 20 tokens", "soft prompt, 1 token", wanted, "target style")
versus("hard prompt, reported", "no prompt", wanted, "target style")
versus("hand-written: Newspaper German", "no prompt", control, "control style")
versus("soft prompt, 20 tokens", "hand-written: Newspaper German", both, "either style")

# %% [markdown]
# This is the luck of the *sentences*; another training seed may differ, too.
#
# The sorter counts translations with each kind of error:

# %% tags=["nbval-ignore-output"]
errors = pd.DataFrame({name: count_kinds(texts) for name, texts in answers.items()})
errors.columns = [name.replace("hand-written: ", "").replace("hard prompt, ", "") for name in errors.columns]
errors[errors.sum(axis=1) > 0]

# %% [markdown]
# Count the errors of tense and front: fewer of tense with the spoken cue, of both with the 20 tokens. With the reported prompt more facts are wrong.

# %% tags=["nbval-ignore-output"]
import numpy

loss_of_words = numpy.array(words_right(answers["hard prompt, reported"])) - words_right(answers["no prompt"])
low, high = resampled_interval(loss_of_words)
lost = [i for i, each in enumerate(loss_of_words) if each < 0]
for i in lost[:3]:
    print(f"{sources[i]}\n   without: {answers['no prompt'][i]}\n   reported: {answers['hard prompt, reported'][i]}")
Markdown(f"With the reported prompt the share of translations with all words right changes by **{100 * loss_of_words.mean():+.0f} points** [{100 * low:+.0f}, {100 * high:+.0f}]. "
         f"Errors of tense and front: {errors['no prompt'][[TENSE, FRONT]].sum()} without a prompt, "
         f"{errors['soft prompt, 20 tokens'][[TENSE, FRONT]].sum()} with the trained prompt of 20 tokens.")

# %% [markdown]
# Words can shift the style (newspaper cue) and disturb the translation (reported prompt). The second is partly built in: the instruction
# "Translate the following sentence ..." never stands in the newspaper.
#
# The first choice point again, with the trained prompts:

# %% tags=["nbval-ignore-output"]
trained = {"no prompt": (model, None), "soft prompt, 1 token": (soft_1, None), "soft prompt, 20 tokens": (soft_20, None)}
next_token_bars({name: next_logits(*way) for name, way in trained.items()}, tokenizer, k=1)
plt.show()
shares |= {name: target_shares(*way) for name, way in trained.items()}
Markdown(f"Target style, mean of {len(differ)} sentences: {in_words({name: shares[name] for name in trained})}.")

# %% [markdown]
# Here the one token still prefers the subject in front. Over 60 sentences the target style's mean share was higher than without a prompt (one run, no test).
#
# ## All systems, on the test
#
# The studies train each system on all 2,000 pairs with a learning rate searched on validation, with three seeds, for at most 8 epochs, and
# keep the epoch of the lowest validation loss. Here are all hand-written prompts on validation; neighbours are too close to rank.

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.checks_07 import hand_written_scores, shortened

by_prompt, pool = hand_written_scores(), styles["target style"]["validation"]
plain = generate_texts(*load_base_model("course-gpt2-m"), [task.source(each) for each in pool], task.max_new_tokens, batch_size=100)
nothing = bleu(plain, pool["target"])
print(f"no prompt: BLEU {nothing:.1f} in the target style, n = {len(pool)}; {(by_prompt.iloc[:, 0] < nothing).sum()} of {len(by_prompt)} prompts score lower (no test)")
by_prompt.rename(index=shortened).round(1)

# %% tags=["nbval-ignore-output"]
scores = by_prompt.iloc[:, 0]
asks, description = "{text}German, in the perfect tense, with the time in front:", "Translate into German, in the perfect tense, with the time in front:\n{source}"
header, example = "Translate into German:\n{source}", "Marta Klein painted the old gate on Monday.\n{}: Am Montag hat Marta Klein das alte Tor gestrichen.\n{}"
Markdown(f"""
- The cue that describes the target style word for word is in place **{list(scores.index).index(asks) + 1}** of {len(scores)}, with BLEU {scores[asks]:.1f}. It stands where `German:` stood,
  and this model has never read it. The same words as a header, with `German:` kept, have {scores[description]:.1f}; the header without them has
  {scores[header]:.1f}. Here the description does not help in either place: the model was never trained to follow instructions.
- One solved example in the target style, in front: {scores[example.format('German', '{source}')]:.1f}; without any prompt: {nothing:.1f}. With the cue `Spoken German:`
  it is {scores[example.format('Spoken German', '{text}Spoken German:')]:.1f}, and {scores['{text}Spoken German:']:.1f} without the example. An example need not help here: the newspaper chooses the style of each line anew.
""")

# %% [markdown]
# Now the test: all choices are made. First our own prompts.

# %% tags=["nbval-ignore-output"]
from course_utils import evaluate, save_results, trivial_baselines

looked = {"hard prompt, reported": (model, task.hard_prompt), "best hand-written prompt": (model, by_prompt.index[0]),
          "soft prompt, 1 token": (soft_1, None), "soft prompt, 20 tokens": (soft_20, None)}
live = {name: evaluate(system, tokenizer, task, data["test"], prompt, batch_size=100) for name, (system, prompt) in looked.items()}
live |= trivial_baselines(task, data["test"])
rows = [{"system": name, "seeds": [0] if name.startswith("soft") else [], "loss": each.get("loss"), "metrics": {key: each[key] for key in task.metrics}}
        for name, each in live.items()]
save_results("07_machine_translation", {"task": task.name, "base_model": scale.base_model, "test_size": len(data["test"]),
                                        "bleu_signature": Bleu.signature, "rows": rows})
pd.DataFrame({row["system"]: {"loss": row["loss"], **row["metrics"]} for row in rows}).T.rename(columns=names).astype(float).round(2)

# %% [markdown]
# Next the studies, with seeds as dots and intervals over test records and seeds (rough, with three). **Full fine-tuning** trains all
# weights, **LoRA** small matrices that are added to them. **Discrete search** looks for 20 ordinary tokens with the same records. **Solved
# examples** are training pairs in front of the source. (Hard prompts differ a little from above: the study cut overlong translations earlier.)

# %%
from course_utils import Study, summary_table, verdict
from course_utils.lessons.checks_07 import BEST, FULL, LORA, ONE, REPORTED, SEARCHED, TWENTY, score_picture
from course_utils.tasks import data_root
from course_utils.verdicts import TestRuns

results, verdicts = data_root() / "results", {}
studies = {"target style": Study("main", results), "control style": Study("control", results)}
tables = {style: summary_table(study, task.name, "course-gpt2-m") for style, study in studies.items()}
wrote = {style: TestRuns(study, task.name, "course-gpt2-m") for style, study in studies.items()}     # what the systems wrote, read once
for style in tables:
    score_picture(style, studies[style], tables[style])
    plt.show()

# %%
for style, table in tables.items():
    examples = [(name, BEST) for name in table["system"] if name.startswith("solved")]
    for pair in [(ONE, REPORTED), (TWENTY, REPORTED), (TWENTY, BEST), (BEST, REPORTED), *examples, (SEARCHED, BEST), (TWENTY, SEARCHED), (TWENTY, ONE), (LORA, TWENTY), (FULL, TWENTY)]:
        if set(pair) <= set(table["system"]):
            verdicts[(style, *pair)] = verdict(studies[style], task.name, "course-gpt2-m", *pair, runs=wrote[style])
display(Markdown("\n".join(f"- {style}: {each}" for (style, *_), each in verdicts.items())))
gap, own_cue, searched = (verdicts[each].difference for each in (("target style", TWENTY, BEST), ("control style", TWENTY, BEST), ("target style", SEARCHED, BEST)))
Markdown(f"In the target style the best hand-written prompt is **{gap:.1f}** BLEU behind 20 trained tokens; in the control style, which a header or a cue calls for, "
         f"**{own_cue:.1f}** (one model, two styles). In the target style the search among real tokens closes **{100 * searched / gap:.0f}%** of the gap.\n\n"
         "What is left of the gap is what vectors can do that tokens cannot, or what a better search would find. "
         f"Against 20 tokens LoRA has {verdicts['target style', LORA, TWENTY].difference:+.1f} BLEU, full fine-tuning "
         f"{verdicts['target style', FULL, TWENTY].difference:+.1f} (verdicts above). So near to 100 there is little room for more.")

# %% [markdown]
# ## When the model does not know the words
#
# So far the base model was course-gpt2-m, the middle one of s, m and l; all have read the same text. We count words right, as above.

# %%
test = styles["target style"]["test"]


def right_in(study, base, system):
    """Words right in the stored test translations of a system, [seeds, records]."""
    runs = TestRuns(Study(study, results), task.name, base)
    return numpy.array([words_right(runs.predictions[run], test["source"], test["target"]) for run in runs.runs_of(system)])


right, rows, sizes = {}, [], {"course-gpt2-s": "scale", "course-gpt2-m": "main", "course-gpt2-l": "scale"}
for base, study in sizes.items():
    for row in summary_table(Study(study, results), task.name, base).itertuples():
        if row.system in (TWENTY, LORA, FULL):
            right[base, row.system] = right_in(study, base, row.system)
            rows.append({"base model": base, "system": row.system, "BLEU": row.mean, "words right, %": 100 * right[base, row.system].mean()})
pd.DataFrame(rows).set_index(["base model", "system"]).unstack("base model").reindex(columns=list(sizes), level=1).round(1)

# %% tags=["nbval-ignore-output"]
from course_utils.metrics import verdict_of

small = load_base_model("course-gpt2-s")
plain = generate_texts(*small, [task.source(each) for each in test], task.max_new_tokens, batch_size=100)
right["course-gpt2-s", "no prompt"] = numpy.array([words_right(plain, test["source"], test["target"])])
lines = []
for base, first, second in (("course-gpt2-s", TWENTY, "no prompt"), ("course-gpt2-s", LORA, TWENTY), ("course-gpt2-s", FULL, LORA), ("course-gpt2-m", FULL, TWENTY)):
    gain = right[base, first].mean(0) - right[base, second].mean(0)   # [records]
    low, high = resampled_interval(gain)
    lines.append(f"- {base}: from {second} ({100 * right[base, second].mean():.0f}%) to {first} ({100 * right[base, first].mean():.0f}%): "
                 f"{100 * gain.mean():+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}], {verdict_of(low, high)}")
Markdown("Translations with all words right, with 95% intervals over the test records (not over seeds):\n\n" + "\n".join(lines) + "\n\n"
         "On course-gpt2-s the prompt raises this share a little, full fine-tuning much more. LoRA trains fewer weights and lies nearer the prompt; other settings "
         "differ, too. On course-gpt2-m nearly all is right, so little is left to add. This fits the idea that a prompt mostly chooses among what a model can do. "
         "It does not prove it: on course-gpt2-s the prompt's share rose, too.")

# %% [markdown]
# ## The original's numbers
#
# The report sets one virtual token for GPT-2, ten epochs, batches of one. The study "as_reported" does so with course-gpt2-m and a rate of ours.

# %%
from course_utils.lessons.checks_07 import original_numbers

original, repeated = original_numbers(results)
copy = trivial_baselines(task, test)["copy of the source"]
print(f"runs of the study as_reported: {len(repeated)}")
print(f"copying the English sentence: BLEU {copy['bleu']:.1f}, shared tokens {copy['exact_match_percentage']:.1f}%")
print(f"loss of uniform guessing over GPT-2's {50257:,} tokens: {math.log(50257):.2f}; over ours: {math.log(len(tokenizer)):.2f}")
original

# %% [markdown]
# The values cannot be compared: other model, other data, no signature. The order can, with doubt. The report prints the hard prompt's BLEU
# as 4.298931957798081e-1. We read 0.43 of 100. On a scale of 0 to 1 it would be 43, the order reversed; its loss speaks against that.
#
# **Uniform guessing** gives all tokens the same probability. The original's hard prompt has a higher loss, which a working model hardly
# reaches on ordinary text. Lesson 04 shows a mistake with such a pattern; that the original made it is a hypothesis.
#
# ## Real sentences
#
# The study "real" repeats the comparison: SmolLM2 (135 million parameters) translates Multi30k, captions of photos.
# Columns: mean, lowest and highest BLEU, number of runs. An interval spans those of all seeds.

# %%
from course_utils.lessons.scaling import real_table

if found := real_table():
    display(found[0])
    print("\n".join(found[1]))
    if (highest := found[0]["mean"].max()) < 10:
        print(f"The highest mean is {highest:.1f} of 100: all translations are poor. By its model card SmolLM2 mainly understands and writes English.")
else:
    print("No rows are stored yet, so this question stays open here.")

# %% [markdown]
# Only directions can be compared: model and sentences differ. We built nothing in here, and one token's lead over the hard prompt does not show.
#
# ## Exercises
#
# ### 1. Predict, then run (easy, 5 minutes)
#
# The reference is `Am Freitag hat Otto Berg im Hafen das kleine Boot verkauft.` ("On Friday Otto Berg sold the small boat in the harbour.")
# Order five translations by their BLEU, the highest first:
#
# - **A** Otto Berg hat am Freitag im Hafen das kleine Boot verkauft. (correct)
# - **B** Am Freitag hat Otto Berg im Hafen (unfinished)
# - **C** Am Freitag hat Otto Berg im Hafen das kleine Boot nicht verkauft. (he did *not*)
# - **D** Am Freitag hat das kleine Boot im Hafen Otto Berg verkauft. (the boat sold Otto)
# - **E** verkauft Am Freitag hat Otto Berg im Hafen das kleine Boot. (no German)

# %%
def order_by_bleu():
    """Five letters, the translation with the highest BLEU first, such as "ABCDE"."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_07 import check_07_order_by_bleu

check_07_order_by_bleu(order_by_bleu)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Count the 4-grams that survive. The brevity penalty for seven words of twelve is 0.49.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def order_by_bleu():
#     return "ECABD"
# ```
#
# First comes what is no German, then the opposite of what happened.
# </details>
#
# ### 2. The probability of a style (medium, 15 minutes)
#
# Write the core of `target_shares` yourself, from logits and labels of the same sentences in two styles. Labels are -100
# where nothing counts. Return the probability of the first style if only these two are possible.

# %%
def style_probability(first_logits, first_labels, second_logits, second_labels):
    """Logits [batch, text, vocabulary] and labels [batch, text] of two styles -> probability of the first, [batch]."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_07 import check_07_style_probability

check_07_style_probability(style_probability)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The logits at one place predict the next label. `log_softmax`, `gather` the label's column (-100 replaced by 0), set what does not
# count to 0, add up. Softmax of two logarithms is the sigmoid of their difference.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def style_probability(first_logits, first_labels, second_logits, second_labels):
#     def log_probability(logits, labels):
#         labels = labels[:, 1:]
#         counts = labels != -100
#         chosen = logits[:, :-1].log_softmax(-1).gather(2, labels.masked_fill(~counts, 0)[..., None])[..., 0]
#         return (chosen * counts).sum(1)
#
#     return (log_probability(first_logits, first_labels) - log_probability(second_logits, second_labels)).sigmoid()
# ```
#
# Why no mean over tokens? The probability of a sentence is a product.
# </details>
#
# ### 3. Find the bug (medium, 10 minutes)
#
# A colleague's bootstrap calls nearly every difference luck. Write it without the bug.

# %%
def buggy_interval(first, second, draws=1000, seed=0):
    """The 95% interval of the difference of two systems' mean scores, over records drawn with replacement."""
    generator, n, means = numpy.random.default_rng(seed), len(first), []
    for _ in range(draws):
        ours = [first[i] for i in generator.integers(n, size=n)]
        theirs = [second[i] for i in generator.integers(n, size=n)]
        means.append(numpy.mean(ours) - numpy.mean(theirs))
    return tuple(numpy.quantile(means, (0.025, 0.975)))


# %%
def paired_interval(first, second, draws=1000, seed=0):
    """Two lists of scores for the same records -> (low, high) of the difference of their means."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_07 import check_07_paired_interval

check_07_paired_interval(paired_interval)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Which sentences does each system get in one draw?
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# import numpy
#
# def paired_interval(first, second, draws=1000, seed=0):
#     generator, difference = numpy.random.default_rng(seed), numpy.array(first) - numpy.array(second)
#     means = difference[generator.integers(len(difference), size=(draws, len(difference)))].mean(1)
#     return tuple(numpy.quantile(means, (0.025, 0.975)))
# ```
#
# The colleague draws twice: each system gets other sentences, easy or hard ones, and that luck is added to the difference.
# </details>
#
# ### 4. A prompt for the other style (experiment, 20 minutes)
#
# Train a soft prompt of at most 5 tokens for the control style. The check calls your function with 96 pairs; try
# `styles["control style"]["train"].select(range(96))`. Length, initialisation, rate and epochs are your choice; note why. On 40 unseen
# sentences the loss must be at least a tenth below that without a prompt, and below that of the same sentences in the target
# style. The base model must stay unchanged.

# %%
def other_style(model, tokenizer, records):
    """Train a soft prompt for the control style on `records`. Returns the system, a GPT2WithSoftPrompt."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_07 import check_07_other_style

check_07_other_style(other_style)

# %% [markdown]
# <details><summary>Hint</summary>
#
# See "Two prompts learn to choose". `fit` wants records to validate on: keep some of the 96.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# from course_utils import GPT2WithSoftPrompt, TrainingConfig, encode, fit
#
# def other_style(model, tokenizer, records):
#     soft = GPT2WithSoftPrompt(model, ["[TRANSLATION]"], prompt_length=5)
#     parts = [encode(records.select(part), "translation", tokenizer, soft) for part in (range(80), range(80, 96))]
#     fit(soft, *parts, TrainingConfig(epochs=6, learning_rate=0.1), progress=False)
#     return soft
# ```
#
# Is it better than `Newspaper German:`? Ask `paired_bootstrap`.
# </details>
#
# ## What we found

# %% tags=["nbval-ignore-output"]
scored = {name: bleu(texts, wanted) for name, texts in answers.items()}
small = {name: 100 * each.mean() for (base, name), each in right.items() if base == "course-gpt2-s"}
live_verdict = paired_bootstrap("bleu", answers[TWENTY], answers[ONE], wanted, "de").verdict
Markdown(f"""
- **BLEU by hand** is {by_hand:.2f}, as the library says. The {len(control)} references in the control style, all correct, have BLEU {bleu(control, wanted):.1f} against the target style.
- **The puzzle**: without a prompt BLEU is {scored['no prompt']:.1f}, or {bleu(answers['no prompt'], both):.1f} if either of two styles is accepted. A large part of what was missing is style.
- **The choice**: 120 steps bring 20 tokens to {scored[TWENTY]:.1f} and one token to {scored[ONE]:.1f} (one run each, {len(sources)} validation sentences, verdict: {live_verdict}).
  The studies' runs: {verdicts['target style', TWENTY, ONE]}.
- **The limit**: on course-gpt2-s, {small['no prompt']:.0f}% of the test translations have all words right without a prompt, {small[TWENTY]:.0f}% with 20 tokens, {small[LORA]:.0f}% with LoRA, {small[FULL]:.0f}% after full fine-tuning.
""")

# %% [markdown]
# **The original's claims on translation**, one sentence each:

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.checks_07 import claim, lower_loss

soft_hard, best_target, best_control, words_matter = (
    verdicts.get(key) for key in (("target style", ONE, REPORTED), ("target style", TWENTY, BEST), ("control style", TWENTY, BEST), ("control style", BEST, REPORTED)))
as_reported = f"With the reported settings BLEU is {', '.join(f'{each:.1f}' for each in repeated['bleu'])} ({len(repeated)} seed{'s' * (len(repeated) > 1)})" if len(repeated) else "The reported settings are not measured yet"
words_help = paired_bootstrap("bleu", answers["hand-written: Newspaper German"], answers["no prompt"], control, "de")
low, high = words_help.interval
Markdown(f"""
- *Soft beats hard (BLEU 6.80 against 0.43), one token against the same hard prompt*: **{claim(soft_hard)}** ({soft_hard}). {as_reported}; the hard prompt has {original['hard prompt', 'here']['BLEU']:.1f}. The original's values are not reproduced. Built in: the newspaper never has this hard prompt, and no cue asks for the target style.
- *Soft has the lower loss (8.99 against 11.91)*: {lower_loss(results)}; the values are not reproduced. The original's hard prompt has a higher loss than uniform guessing ({math.log(50257):.2f}).
- *The shared tokens (26.2%) show precision*: **not supported here**. One repeated word gets {costs['exact_match_percentage'].iloc[-1]:.0f}%, copying the source {copy['exact_match_percentage']:.1f}%.
- *BLEU measures accuracy and fluency*: **not supported here** across styles: the {len(control)} references in the control style, all correct and fluent, have BLEU {bleu(control, wanted):.1f} against the target style.
- *Hard prompts are "ineffective in fully harnessing the potential" of a model*: in the target style **{claim(best_target)}** ({best_target}), and where a cue calls for the style **{claim(best_control)}** ({best_control}).
  *Ineffective* as such: **{claim(words_help, higher="not supported here", lower="supported here")}**. In the control style `Newspaper German:` has {words_help.difference:+.1f} BLEU [{low:+.1f}, {high:+.1f}] against no prompt ({len(control)} validation sentences). Of two hard prompts, on the test: {words_matter}.
""")

# %% [markdown]
# ### Further reading
#
# - Papineni et al. (2002), [BLEU: a Method for Automatic Evaluation of Machine Translation](https://aclanthology.org/P02-1040/)
# - Post (2018), [A Call for Clarity in Reporting BLEU Scores](https://aclanthology.org/W18-6319/)
# - Koehn (2004), [Statistical Significance Tests for Machine Translation Evaluation](https://aclanthology.org/W04-3250/)
# - Callison-Burch, Osborne and Koehn (2006), [Re-evaluating the Role of BLEU in Machine Translation
#   Research](https://aclanthology.org/E06-1032/): better translations with lower scores
#
# Next: [08 · Soft versus hard prompts](08_soft_versus_hard.ipynb)
