# %% [markdown]
# # 07 · Machine translation
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/soft-prompt-course/soft-prompt-course/blob/main/notebooks/07_machine_translation.ipynb)
#
# **Time:** 1 to 2 minutes on 2 CPU cores; on a Colab GPU not measured, expect no more
#
# An English sentence goes in, a German one comes out. The model knows nearly all the words. What is left for a prompt to do?
#
# **For whom:** you have done lessons 02 and 03. You need no German. **Study time:** 60 minutes, and 50 more for the exercises.
#
# ## What you will be able to do
#
# - compute BLEU by hand, report it with its signature, and say how much of it is style
# - sort the errors of a translation by kind, and test the sorter first
# - train prompts of 1 and 20 tokens, and compare them with hard prompts by a paired test
# - tell what a prompt can choose from what it cannot add

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
# The **base model** has been trained before, on a small town's newspaper in English and German. It is **frozen**:
# its weights stay as they are. A **soft prompt** is a few trained vectors in front of the text. Each is a **virtual
# token**; their number is the **prompt length**. The English sentence is the **source**, the German one the **target**, which scores call the **reference**.

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
# German tells the past in two tenses. The **perfect** has a helping verb and a participle at the end (*hat ...
# gestrichen*, "has ... painted"). The **preterite** needs one word (*strich*, "painted"). And a sentence can open with the time or
# with the subject. All combinations are correct. Our data has two of them:
#
# - the **target style**, which this course asks for: perfect, time in front;
# - the **control style**: preterite, subject in front.
#
# One thing is built in. The newspaper uses both styles. After the cue `Newspaper German:` it always goes on in the control style. *No* cue
# calls for exactly the target style. So by construction words can ask for the control style, and no words can ask for exactly the target style.

# %%
import pandas as pd

pd.set_option("display.max_colwidth", 110)
styles = {"target style": load_task_data(task), "control style": load_task_data(task, "control")}
held_out = {name: records["validation"].select(range(100)) for name, records in styles.items()}
sources = held_out["target style"]["source"]
pd.DataFrame({"source": sources, **{name: records["target"] for name, records in held_out.items()}}).head(4).T

# %% [markdown]
# We look at 100 validation records. The test records wait for the end. (These are the gazette's in
# full mode, too: public data has no second style.)
#
# ## The puzzle: what is missing?
#
# The model translates without a prompt: it reads the sentence and the cue `German:`, and writes a line, greedily.
# **BLEU** is a score from 0 to 100; the next section takes it apart.

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
# In brackets stands the **signature** (Post 2018): what counts as a word (`tok`), whether capitals count (`case`), what
# happens if no row of four words is found (`smooth`). Only scores with the same signature can be compared.
#
# Does the model lack words, or does it write in another style? BLEU alone cannot tell.
#
# ## BLEU, worked through
#
# BLEU (Papineni et al. 2002) counts the words, pairs, triples and rows of four of a translation that also stand in the reference.
# Here is an answer of the model in another style than ours.

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
# Each bar is a row of words; green ones stand in the reference. The shares of green bars are the four **precisions**.
# BLEU is their geometric mean, times the **brevity penalty**: 1 for a translation at least as long as the reference, otherwise
# $e^{1 - r/c}$ for $r$ words in the reference and $c$ in the translation. The same in code:

# %%
import math
from collections import Counter

import sacrebleu

reference = "Am Montag hat Marta Klein im Park das alte Tor gestrichen ."
translation = "Am Montag hat Marta Klein im Park das Tor gestrichen ."


def grams(text, n):
    """Every row of n words, counted."""
    words = text.split()
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


found = [(grams(translation, n) & grams(reference, n)).total() for n in (1, 2, 3, 4)]
made = [grams(translation, n).total() for n in (1, 2, 3, 4)]
r, c = len(reference.split()), len(translation.split())
by_hand = 100 * min(1, math.exp(1 - r / c)) * math.prod(f / m for f, m in zip(found, made, strict=True)) ** (1 / 4)
library = sacrebleu.corpus_bleu([translation], [[reference]]).score
print(f"found {found} of {made}, lengths {c} and {r}: BLEU {by_hand:.2f} by hand, {library:.2f} by sacrebleu")

# %% [markdown]
# The `&` keeps the smaller count: a word counts at most as often as the reference has it. For many sentences the counts
# are added up first and divided once, so BLEU belongs to a test set.
#
# What does a mistake cost? Two more measures for comparison: **exact match** is the percentage of
# translations that equal the reference. The **set percentage**, which the original report calls exact match, is the share of the different
# words of the translation that occur in the reference.

# %%
perfect = "Am Montag hat Marta Klein im Park das alte Tor gestrichen."
variants = {
    "none": perfect,
    "a wrong ending (alten)": perfect.replace("alte", "alten"),
    "another verb (stolen)": perfect.replace("gestrichen", "gestohlen"),
    "another person": perfect.replace("Klein", "Stein"),
    "none, the control style": "Marta Klein strich am Montag im Park das alte Tor.",
    "all words shaken": "im Klein das hat Tor Marta Park alte Montag Am gestrichen.",
    "one word, repeated": "das das das das das das",
}
costs = pd.DataFrame([{"mistake": name, "text": text, **compute_metrics(task.metrics, [text], [perfect], "de")} for name, text in variants.items()])
costs.set_index("mistake").round(1)

# %% [markdown]
# BLEU does not know what words mean. The ending, which a reader would hardly notice, costs more than the verb that makes the painter a thief. The
# correct sentence in the control style scores far below all three. And the set percentage is easy to fool.
#
# ## A sorter for errors
#
# `GermanErrors` sorts errors into style, facts and grammar, with a little grammar and with what
# the training records show. Words with a capital letter are nouns. Words that source and target share are names. A helping verb (*hat*, *ist*)
# too many or too few is another tense. Verbs are learned from sentences that exist in both tenses.

# %%
print(f"{len(sorter.nouns):,} noun forms, {len(set(sorter.verb_of.values()))} verbs, {len(sorter.known):,} word forms in all")
for form in (("strich",), ("sang",), ("holte", "ab"), ("las", "vor")):
    print(f"{' ... '.join(form):12} is a form of {sorter.verb_of[form]}")

# %% [markdown]
# Can we trust it? First we plant errors.

# %%
source = "Marta Klein painted the old gate in the park on Monday."
planted = [(perfect.replace("alte", "alten"), ENDING), (perfect.replace("Montag", "Dienstag"), "fact: time or number"),
           (perfect.replace("Tor", "Fenster"), NOUN), (perfect.replace("gestrichen", "verkauft"), VERB),
           (perfect.replace("Klein", "Stein"), "fact: name"), (perfect.replace("Am Montag hat Marta Klein", "Marta Klein hat am Montag"), FRONT),
           ("Am Montag strich Marta Klein im Park das alte Tor.", TENSE), (perfect.replace("gestrichen", "gestreicht"), "grammar: no such word")]
for text, kind in planted:
    print("found" if kind in sorter.sort(text, perfect, source) else "MISSED", f"{kind:28} {text}")

# %% [markdown]
# Then a null test: the references in the control style. They are correct, so the sorter must report style and nothing else.

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
# **Where it is blind.** A synonym counts as wrong. A word that no training record has is "no such word". Errors in one place can hide each
# other. It knows this newspaper's German and no other.
#
# Now the puzzle.

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown

kinds, both = count_kinds(answers["no prompt"]), [list(each) for each in zip(wanted, control, strict=True)]
Markdown(f"Without a prompt **{100 * sum(words_right(answers['no prompt'])) / len(sources):.0f}%** of the translations have all nouns and verbs. "
         f"{kinds[TENSE]} of {len(sources)} are in another tense, and {kinds[FRONT]} differ in whether the time comes first. "
         f"BLEU is {bleu(answers['no prompt'], wanted):.1f}, and {bleu(answers['no prompt'], both):.1f} with two references for each sentence, one in each style: "
         f"of {100 - bleu(answers['no prompt'], wanted):.0f} missing points, {bleu(answers['no prompt'], both) - bleu(answers['no prompt'], wanted):.0f} are style.")

# %% [markdown]
# ## Where the choice is made
#
# The style hangs on few tokens. We take one validation sentence and look at the next token at two places: the first German word, and
# the word behind a subject in front. Three ways to ask: no prompt, the report's **hard prompt** (a prompt of words), and the control style's cue.

# %% tags=["nbval-ignore-output"]
import torch

from course_utils import source_ids
from course_utils.lessons.charts import next_token_bars

cue = "{text}Newspaper German:"
pairs = zip(*held_out.values(), strict=True)
record, subject = next((ours, " " + " ".join(theirs["target"].split()[:2])) for ours, theirs in pairs
                       if " ".join(theirs["target"].split()[:2]) in ours["source"] and FRONT in sorter.sort(theirs["target"], ours["target"], ours["source"]))
ways = {"no prompt": (model, None), "hard prompt, reported": (model, task.hard_prompt), "hand-written: Newspaper German": (model, cue)}


@torch.no_grad()
def next_logits(system, hard_prompt, begun=""):
    """Logits of the token that follows the source and what the answer has begun with."""
    ids = torch.tensor([source_ids(tokenizer, with_hard_prompt(hard_prompt, task.source(record)) + begun)])
    return system(ids.to(system.device)).logits[0, -1]


print(record["source"], "|", record["target"])
next_token_bars({name: next_logits(*way) for name, way in ways.items()}, tokenizer, k=2)
plt.show()

# %% tags=["nbval-ignore-output"]
print("The answer has begun with:", subject)
next_token_bars({name: next_logits(*way, subject) for name, way in ways.items()}, tokenizer, k=2)
plt.show()

# %% [markdown]
# The upper figure decides between time and subject in front, the lower one between the tenses. That is one sentence. For many, we compute the
# probability of each whole target (the product over its tokens) in both styles, and the share of the target style if only the two are possible.

# %% tags=["nbval-ignore-output"]
from course_utils.loss import token_losses
from course_utils.systems import as_system


@torch.no_grad()
def log_probabilities(system, records, hard_prompt=None):
    """The log-probability of each record's target: minus the sum of its tokens' losses. [records]"""
    system, encoded = as_system(system), encode(records, task, tokenizer, system, hard_prompt)
    batch = {name: tensor.to(system.device) for name, tensor in collate(encoded.items, encoded.pad_id).items()}
    losses, row = token_losses(system, batch)   # [targets], [targets]
    return -torch.zeros(len(encoded)).index_add_(0, row.cpu(), losses.cpu())


differ = [i for i, each in enumerate(both) if each[0] != each[1]][:60]
two = [records.select(differ) for records in held_out.values()]


def target_share(system, hard_prompt=None):
    """The mean probability of the target style, if it is that or the control style."""
    ours, theirs = (log_probabilities(system, records, hard_prompt) for records in two)
    return float((ours - theirs).sigmoid().mean())


share = {name: target_share(*way) for name, way in ways.items()}
Markdown("; ".join(f"{name}: **{100 * value:.0f}%** target style" for name, value in share.items()) + f" (mean of {len(differ)} sentences)")

# %% [markdown]
# ## Two prompts learn to choose
#
# We train 20 virtual tokens and 1 virtual token on the same 160 pairs in the target style: 12 epochs, 120 steps. After every 10 steps
# the prompt translates three held-out sentences.

# %% tags=["nbval-ignore-output"]
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

# %% [markdown]
# What the 20 tokens write, for the same three sentences:

# %% tags=["nbval-ignore-output"]
from IPython.display import display

from course_utils.lessons.written import written

for i in range(3):
    display(written({step: texts_20[step][i] for step in (0, 10, 50, 120)}, wanted[i], sources[i]))

# %% [markdown]
# Look at tense, order and nouns separately: which of them changes while the prompt learns? (Before training the prompt is 20 frequent
# tokens in no order.)
#
# ## What each prompt chose
#
# Six ways to ask. Each set of answers is scored three times: against the target style, against the control style,
# and against both. The last column leaves style aside.

# %% tags=["nbval-ignore-output"]
spoken = "German lesson: the spoken past\n{text}Spoken German:"
asked = {"hard prompt, reported": (model, task.hard_prompt), "hand-written: Newspaper German": (model, cue),
         "hand-written: Spoken German": (model, spoken), "soft prompt, 1 token": (soft_1, None), "soft prompt, 20 tokens": (soft_20, None)}
answers |= {name: translate(system, sources, prompt) for name, (system, prompt) in asked.items()}
pd.DataFrame({name: {"BLEU, target style": bleu(texts, wanted), "BLEU, control style": bleu(texts, control), "BLEU, either": bleu(texts, both),
                     "words right, %": 100 * sum(words_right(texts)) / len(texts)} for name, texts in answers.items()}).T.round(1)

# %% [markdown]
# Read across: the same answers are excellent or mediocre, depending on the references. `Newspaper German:` is the
# mirror image of the trained prompts.
#
# Which differences are more than luck? A **paired bootstrap** (Koehn 2004) draws as many sentences with replacement, the same for both systems,
# and computes the difference of BLEU, 1,000 times. If the middle 95% of the differences lie on one side of 0, we say "higher" or "lower".

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
# What does the reported hard prompt do? The sorter says.

# %% tags=["nbval-ignore-output"]
errors = pd.DataFrame({name: count_kinds(texts) for name, texts in answers.items()})
errors.columns = [name.replace("hand-written: ", "").replace("hard prompt, ", "") for name in errors.columns]
errors[errors.sum(axis=1) > 0]

# %% tags=["nbval-ignore-output"]
import numpy

from course_utils.lessons.charts import resampled_interval

loss_of_words = numpy.array(words_right(answers["hard prompt, reported"])) - words_right(answers["no prompt"])
low, high = resampled_interval(loss_of_words)
lost = [i for i, each in enumerate(loss_of_words) if each < 0]
for i in lost[:3]:
    print(f"{sources[i]}\n   without: {answers['no prompt'][i]}\n   reported: {answers['hard prompt, reported'][i]}")
Markdown(f"With the reported prompt the share of translations with all words right changes by **{100 * loss_of_words.mean():+.0f} points** [{100 * low:+.0f}, {100 * high:+.0f}]. "
         f"Errors of tense and front: {errors.loc[[TENSE, FRONT], 'no prompt'].sum()} without a prompt, "
         f"{errors.loc[[TENSE, FRONT], 'soft prompt, 20 tokens'].sum()} with the trained prompt of 20 tokens.")

# %% [markdown]
# Words in front of a sentence can shift the style, and they can disturb the translation. The newspaper never has this order in
# front of a sentence: we left it out on purpose, so this result is partly built in. A soft prompt is trained against both faults.
#
# The first choice point again, with the trained prompts:

# %% tags=["nbval-ignore-output"]
trained = {"no prompt": (model, None), "soft prompt, 1 token": (soft_1, None), "soft prompt, 20 tokens": (soft_20, None)}
next_token_bars({name: next_logits(*way) for name, way in trained.items()}, tokenizer, k=2)
plt.show()
share |= {name: target_share(*way) for name, way in trained.items()}
Markdown("; ".join(f"{name}: **{100 * value:.0f}%** target style" for name, value in share.items()))

# %% [markdown]
# ## All systems, on the test
#
# Our runs were short, and one each. The course's studies train every system with a searched learning rate, until validation stops
# improving, with three seeds. All choices were made on validation. Here are all hand-written prompts, as validation scored them:

# %%
from course_utils import Study, summary_table, verdict
from course_utils.tasks import data_root

results = data_root() / "results"
tried = Study("words.tried", results).table("data")
tried = tried[(tried["task"] == task.name) & (tried["base"] == "course-gpt2-m") & (tried["metric"] == "bleu") & tried["system"].str.startswith("hard prompt: ")]
tried = tried.assign(prompt=tried["system"].str.removeprefix("hard prompt: "), style=tried["data"].map({"embedded": "target style", "control": "control style"}))
by_prompt = tried.pivot_table("value", "prompt", "style").sort_values("target style", ascending=False)
by_prompt.rename(index=lambda prompt: repr(prompt) if len(prompt) < 70 else "..." + repr(prompt[-60:])).round(1)

# %%
described = "{text}German, in the perfect tense, with the time in front:"
Markdown(f"Of {len(by_prompt)} prompts, the cue that describes the target style word for word is on place **{list(by_prompt.index).index(described) + 1}**, "
         f"with BLEU {by_prompt.loc[described, 'target style']:.1f}. The newspaper has no such cue, and a base model follows no orders: it continues texts.")

# %% [markdown]
# Then the test, once. First our own prompts of 120 steps, beside hard prompts and copying the English sentence.

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
pd.DataFrame({row["system"]: {"loss": row["loss"], **row["metrics"]} for row in rows}).T.astype(float).round(2)

# %% [markdown]
# The studies' full runs, with three seeds as dots and intervals over the test records:

# %%
from course_utils.lessons.charts import score_figure

NAMES = {"hard prompt, best written": "best hand-written prompt"}
tables = {name: summary_table(Study(study, results), task.name, "course-gpt2-m") for name, study in (("target style", "main"), ("control style", "control"))}


def show_scores(name, study):
    """The scores of one style's study, best last."""
    table = tables[name].dropna(subset=["low"]).sort_values("mean") if len(tables[name]) else tables[name]
    runs = Study(study, results).table()
    runs = runs[(runs["task"] == task.name) & (runs["split"] == "test") & (runs["metric"] == "bleu")]
    scores = {row.system: runs.loc[runs["system"] == row.system, "value"].tolist() for row in table.itertuples()}
    intervals = {row.system: (row.low, row.high) for row in table.itertuples()}
    named = [{NAMES.get(system, system): value for system, value in each.items()} for each in (scores, intervals)]
    return score_figure(*named, f"BLEU, {name}", int(table["n"].iloc[0]), best=100) if len(table) else None


show_scores("target style", "main")
plt.show()

# %%
show_scores("control style", "control")
plt.show()

# %%
reported, best, soft = "hard prompt, reported", "hard prompt, best written", "soft prompt, 20 tokens"
verdicts = {}
for style, study in (("target style", "main"), ("control style", "control")):
    for first, second in (("soft prompt, 1 token", reported), (soft, reported), (soft, best), (best, reported), ("full fine-tuning", soft)):
        if {first, second} <= set(tables[style].get("system", [])):
            verdicts[style, first, second] = verdict(Study(study, results), task.name, "course-gpt2-m", first, second)
Markdown("\n".join(f"- {style}: {each}" for (style, *_), each in verdicts.items()))

# %% [markdown]
# Compare the two figures: how far words are behind a trained prompt depends on whether a cue calls for the wanted style. The task is nearly solved, so
# differences between trained systems are small.
#
# ## When the words are not known
#
# So far the base model was course-gpt2-m. The smaller course-gpt2-s has read the same text. We count words right in the stored test
# translations, and in translations of course-gpt2-s without a prompt.

# %%
from course_utils.verdicts import TestRuns

test = styles["target style"]["test"]


def right_in(study, base, system):
    """Words right in the stored test translations of a system, [seeds, records]."""
    runs = TestRuns(Study(study, results), task.name, base)
    return numpy.array([words_right(runs.predictions[run], test["source"], test["target"]) for run in runs.runs_of(system)])


right, rows = {}, []
for base, study in (("course-gpt2-s", "scale"), ("course-gpt2-m", "main"), ("course-gpt2-l", "scale")):
    for row in summary_table(Study(study, results), task.name, base).itertuples():
        if row.system in ("soft prompt, 20 tokens", "LoRA", "full fine-tuning"):
            right[base, row.system] = right_in(study, base, row.system)
            rows.append({"base model": base, "system": row.system, "BLEU": row.mean, "words right, %": 100 * right[base, row.system].mean()})
pd.DataFrame(rows).set_index(["base model", "system"]).unstack("base model").round(1)

# %% tags=["nbval-ignore-output"]
small = load_base_model("course-gpt2-s")
plain = generate_texts(*small, [task.source(each) for each in test], task.max_new_tokens, batch_size=100)
right["course-gpt2-s", "no prompt"] = numpy.array([words_right(plain, test["source"], test["target"])])
lines = []
for base, first, second in (("course-gpt2-s", soft, "no prompt"), ("course-gpt2-s", "full fine-tuning", soft), ("course-gpt2-m", "full fine-tuning", soft)):
    gain = right[base, first].mean(0) - right[base, second].mean(0)   # [records]
    low, high = resampled_interval(gain)
    lines.append(f"- {base}: from {second} ({100 * right[base, second].mean():.0f}%) to {first} ({100 * right[base, first].mean():.0f}%): "
                 f"{100 * gain.mean():+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]")
Markdown("Words right, with 95% intervals over the test records:\n" + "\n".join(lines))

# %% [markdown]
# On the small model the prompt brings out few of the missing words. Full fine-tuning may change every weight, and learns more of them from the
# training pairs. A prompt chooses among what the model can do. (Lesson 09 follows this through all sizes.)
#
# ## The original's numbers
#
# The report trained one virtual token for GPT-2: ten epochs, batches of one. The study "as_reported" does so here.

# %%
as_reported = Study("as_reported", results).table()
as_reported = as_reported[(as_reported["task"] == task.name) & (as_reported["split"] == "test")]
main = Study("main", results).table()
main = main[(main["task"] == task.name) & (main["split"] == "test") & (main["system"] == reported)]
ours = {name: runs.groupby("metric")["value"].mean() for name, runs in (("soft prompt, 1 token", as_reported), ("hard prompt", main))}
theirs = {"soft prompt, 1 token": {"loss": 8.9886, "bleu": 6.80}, "hard prompt": {"loss": 11.9147, "bleu": 0.43, "exact_match_percentage": 26.18}}
original = pd.DataFrame({(name, who): values for name in theirs for who, values in (("original", pd.Series(theirs[name])), ("here", ours[name]))})
original.reindex(["loss", "bleu", "exact_match", "exact_match_percentage"]).rename({"exact_match_percentage": "set percentage"}).round(2)

# %%
copy = trivial_baselines(task, test)["copy of the source"]
print(f"copying the English sentence: BLEU {copy['bleu']:.1f}, set percentage {copy['exact_match_percentage']:.1f}%")
print(f"guessing evenly over GPT-2's {50257:,} tokens: loss {math.log(50257):.2f}; over ours: {math.log(len(tokenizer)):.2f}")

# %% [markdown]
# The values cannot be compared: other model, other data, no signature beside the original's BLEU. (It prints its hard prompt's
# as 4.298931957798081e-1. We read 0.43 of 100.) The *order* can, and each loss can be held against guessing.
# The original's hard prompt has a loss above even guessing, which a working language model does not reach. Lesson 04 shows a mistake
# that produces such figures. And compare its set percentage of 26.2% with that of copying, which translates no word.
#
# ## Exercises
#
# ### 1. Predict, then run (easy, 5 minutes)
#
# The reference is `Am Freitag hat Otto Berg im Hafen das kleine Boot verkauft.` ("On Friday Otto Berg sold the small boat in the harbour.")
# Put five translations in the order of their BLEU, the highest first:
#
# - **A** Otto Berg verkaufte am Freitag im Hafen das kleine Boot. (correct, control style)
# - **B** Am Freitag hat Otto Stein im Hafen das kleine Boot verkauft. (another person)
# - **C** Am Freitag hat Otto Berg im Hafen das kleine Boot verbrannt. (he burned it)
# - **D** Am Freitag hat Otto Berg im Hafen (the end is missing)
# - **E** Boot Freitag kleine Otto das Am verkauft hat Hafen Berg im. (shaken)

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
# An error near the end of a sentence breaks fewer rows of four words than one in the middle. The brevity penalty falls quickly: seven words for twelve give 0.49.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def order_by_bleu():
#     return "CBDAE"
# ```
#
# A burned boat costs the least. The only translation without any error is next to last.
# </details>
#
# ### 2. The probability of a style (medium, 15 minutes)
#
# Write the core of `target_share` yourself. You get logits and labels for the same sentences in two styles. Labels are -100
# where nothing counts. Return for each sentence the probability of the first style, if only these two are possible.

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
# The logits at one place predict the label of the next. `log_softmax`, then `gather` the label's column (with -100 replaced by 0), set what does not
# count to 0, add up. With two candidates, softmax of the logarithms is the sigmoid of their difference.
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
# Why not the mean over tokens? The probability of a sentence is a product: each token must be right, and the perfect needs more of them.
# </details>
#
# ### 3. Find the bug (medium, 10 minutes)
#
# A colleague's bootstrap calls nearly every difference luck. Find the bug, and write the function without it.

# %%
def buggy_interval(first, second, draws=1000, seed=0):
    """The 95% interval of the difference of two systems' mean scores, over records drawn with replacement."""
    generator, n = numpy.random.default_rng(seed), len(first)
    means = [numpy.mean([scores[i] for i in generator.integers(n, size=n)]) - numpy.mean([other[i] for i in generator.integers(n, size=n)])
             for scores, other in [(first, second)] * draws]
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
# Some sentences are hard for every system. Which sentences does each system get in one draw?
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
# The colleague draws twice, so each system is tested on other sentences, and the luck of the draw is added to the difference.
# </details>
#
# ### 4. A prompt for the other style (experiment, 20 minutes)
#
# Train a soft prompt of at most 5 tokens for the control style, on 96 pairs. Length, start, rate and epochs are yours to choose
# and to defend. On 40 unseen sentences the loss must lie below that without a prompt and below that of the same sentences in the
# target style, and the base model must be as it was.

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
# The cells of "Two prompts learn to choose" do nearly all of it. `fit` wants records to validate on: keep some of the 96 for that.
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
# Then translate the held-out sentences, and compare with `Newspaper German:` by `paired_bootstrap`. Is the trained prompt better than the cue?
# </details>
#
# ## What we found

# %% tags=["nbval-ignore-output"]
scored = {name: bleu(texts, wanted) for name, texts in answers.items()}
Markdown(f"""
- **BLEU by hand** is {by_hand:.2f}, as the library says. A correct sentence in the control style scores {costs['bleu'].iloc[4]:.1f}, a false verb {costs['bleu'].iloc[2]:.1f}.
- **The puzzle**: without a prompt BLEU is {scored['no prompt']:.1f}, or {bleu(answers['no prompt'], both):.1f} if either style is accepted. A large part of what was missing is style.
- **The choice**: 120 steps bring 20 tokens to {scored['soft prompt, 20 tokens']:.1f} and one token to {scored['soft prompt, 1 token']:.1f}. `Newspaper German:` has {scored['hand-written: Newspaper German']:.1f} here and {bleu(answers['hand-written: Newspaper German'], control):.1f} in the control style.
- **The limit**: on course-gpt2-s, {100 * right['course-gpt2-s', soft].mean():.0f}% of the translations have all words right with 20 tokens, {100 * right['course-gpt2-s', 'full fine-tuning'].mean():.0f}% after full fine-tuning.
""")

# %% [markdown]
# **The original's claims on translation**, one sentence each:

# %%
def judged(style, first, second):
    """A verdict with its numbers, or that it was not measured."""
    return str(verdicts.get((style, first, second), "not measured yet"))


def says(style, first, second):
    """Whether the claim that the first is higher is supported."""
    found = verdicts.get((style, first, second))
    words = {"higher": "supported here", "lower": "not supported here"}
    return "not measured yet" if found is None else words.get(found.verdict, found.verdict)


in_control = pd.DataFrame(tables["control style"], columns=["system", "mean"]).set_index("system")["mean"].get(best, math.nan)
losses = [ours[name].get("loss", math.nan) for name in ("soft prompt, 1 token", "hard prompt")]
order = "not measured yet" if any(map(math.isnan, losses)) else "supported here" if losses[0] < losses[1] else "not supported here"
Markdown(f"""
- *Soft beats hard (BLEU 6.80 against 0.43), one token against the same hard prompt*: **{says('target style', 'soft prompt, 1 token', reported)}**. {judged('target style', 'soft prompt, 1 token', reported)}. The values themselves are not reproduced.
- *Soft has the lower loss (8.99 against 11.91)*: the order is **{order}** ({losses[0]:.2f} against {losses[1]:.2f}), the values are not. The original's hard prompt lies above even guessing ({math.log(50257):.2f}).
- *The set percentage (26.2%) shows precision*: **not supported here**. One repeated word gets {costs['exact_match_percentage'].iloc[-1]:.0f}%, copying the source {copy['exact_match_percentage']:.1f}%.
- *BLEU measures accuracy and fluency*: **not supported here** across styles: a correct and fluent sentence gets {costs['bleu'].iloc[4]:.1f}.
- *Hard prompts are ineffective*: in the target style, {judged('target style', soft, best)}. In the control style the best hand-written prompt has {in_control:.1f} BLEU, so as a general claim: **{"not supported here" if in_control > 90 else "supported here"}**. Still, {judged('control style', soft, best)}.
""")

# %% [markdown]
# ### Further reading
#
# - Papineni et al. (2002), [BLEU: a Method for Automatic Evaluation of Machine Translation](https://aclanthology.org/P02-1040/)
# - Post (2018), [A Call for Clarity in Reporting BLEU Scores](https://aclanthology.org/W18-6319/): why there is a signature
# - Koehn (2004), [Statistical Significance Tests for Machine Translation Evaluation](https://aclanthology.org/W04-3250/): the paired bootstrap
# - Callison-Burch, Osborne and Koehn (2006), [Re-evaluating the Role of BLEU in Machine Translation
#   Research](https://aclanthology.org/E06-1032/): better translations with lower scores
#
# Next: [08 · Soft versus hard prompts](08_soft_versus_hard.ipynb), all three tasks in one table.
