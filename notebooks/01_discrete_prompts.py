# %% [markdown]
# # 01 · Discrete prompts
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/soft-prompt-course/soft-prompt-course/blob/main/notebooks/01_discrete_prompts.ipynb)
#
# **Time:** 1 to 2 minutes on 2 CPU cores; on a Colab GPU not measured. Reading and exercises: 90 minutes.
#
# **For whom:** you read Python and know what a language model is.
#
# Words around an input change what a language model writes. Such words are called a **discrete prompt** or **hard prompt**: a
# row of tokens from the model's vocabulary. How far do words carry? The rest of the course puts trained vectors in their place.
#
# **A puzzle.** We want summaries in one exact style: one sentence, present tense, with the reason. We wrote a list of prompts for
# this. Even after the best one, the model often uses another style. Why?
#
# ## What you will be able to do
#
# - read from next-token probabilities what a prompt does to a frozen model
# - compare prompts fairly, with intervals and paired tests
# - explain why a space at the end can ruin a prompt
# - let a program search for the words
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
# ## 1. A frozen model continues text
#
# Our **base model** is a small GPT-2, trained on the gazette of an invented town: reports, each followed by summaries, answers or
# translations. It is **frozen**: no parameter changes in this lesson. (With `COURSE_SCALE=full` live cells run on GPT-2 and
# public data; remarks on the gazette and stored results are about the course's own model.)
# %%
import matplotlib.pyplot as plt
import pandas as pd
import torch

from course_utils import TASKS, course_scale, load_base_model, load_task_data, token_ids, with_hard_prompt

pd.set_option("display.max_colwidth", 80)
pd.set_option("display.width", 160)
pd.set_option("display.max_columns", None)
scale = course_scale()
model, tokenizer = load_base_model(scale.base_model)
model.requires_grad_(False)
data = {name: load_task_data(name, scale.data, scale.max_train, scale.max_eval) for name in TASKS}
print(f"{scale.base_model}: {model.num_parameters():,} parameters, vocabulary of {len(tokenizer):,} tokens")

# %% [markdown]
# The model reads **tokens**: pieces of text, each with a number. Here is the **order** (words in front that say what to do) of the
# write-up behind this course, a report's first sentence, and the **cue** `Summary:` (words behind which the answer begins).
# `␣` is a space, `↵` a line break.
# %%
from course_utils.evaluation import lead_sentence
from course_utils.lessons.pictures import token_boxes

task = TASKS["summarization"]
record = data["summarization"]["validation"][0]
token_boxes(with_hard_prompt(task.hard_prompt, lead_sentence(record["document"]) + "\nSummary:"), tokenizer)
plt.show()

# %% [markdown]
# From the tokens so far, the model computes a probability for each next token. We give it the report with the cue `Summary:`,
# then the name of the person who acts: without a prompt, with the order in front ("as reported"), and with another cue instead
# (`{text}` stands for the report). The next word is the verb; its tense is one mark of our style. The tokenizer cuts `sings` into
# pieces, so the picture shows first pieces; ✓ marks that of the wanted verb.
# %%
from course_utils.lessons.charts import next_token_bars


@torch.no_grad()
def next_logits(text):
    """Logits of the token that follows a text, [vocabulary]."""
    return model(torch.tensor([token_ids(tokenizer, text)], device=model.device)).logits[0, -1].cpu()


# %% tags=["nbval-ignore-output"]
def behind_the_name(prompt, record):
    """Logits of the token behind the first two words of the target, and the wanted token."""
    words = record["summary"].split()
    text = with_hard_prompt(prompt, task.source(record)) + " " + " ".join(words[:2])
    return next_logits(text), token_ids(tokenizer, " " + " ".join(words[2:]))[0]


cue = "{text}What happens and why:"
prompts = {"no prompt": "", "hard prompt, as reported": task.hard_prompt, "hand-written cue": cue}
logits = {label: behind_the_name(prompt, record)[0] for label, prompt in prompts.items()}
next_token_bars(logits, tokenizer, k=3, wanted=behind_the_name("", record)[1])
plt.show()
print("wanted:", record["summary"])

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.charts import resampled_interval

records = data["summarization"]["validation"].select(range(40))
chances = {}                                                                  # label -> the wanted token's probability, [40]
for label, prompt in prompts.items():
    pairs = [behind_the_name(prompt, each) for each in records]
    chances[label] = torch.stack([row.softmax(0)[wanted] for row, wanted in pairs])
for label, values in chances.items():
    more = values - chances["no prompt"]
    low, high = resampled_interval(more.tolist())
    against = "" if label == "no prompt" else f"; against no prompt {100 * more.mean():+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]"
    print(f"{label}: {values.mean():.1%} for the wanted token on average{against}")

# %% [markdown]
# In the picture nearly all probability lies on two forms of one verb. That is one record: the averages over 40 records show
# more. In brackets stands the 95% **interval** of the difference, from drawing the
# 40 records again, with replacement, many times. If an interval contains 0, the prompt cannot be told apart from no prompt.
#
# **Two things are built in.** After `What happens and why:` the gazette draws the style we want with a weight of 45, and another
# one with 55. No cue selects exactly our style: we made the gazette that way. So hand-written words start with a handicap.
#
# The other: two **attention heads** (parts of the model that look back at earlier tokens) were set before pre-training: together they
# find an earlier occurrence of the present token and copy what followed it. So copying a name comes easy to this model.
#
# ## 2. Three tasks, and the prompts that were reported
#
# What the model reads before it answers is the **source**; it ends in a cue. The text we want is the **target**, called
# **reference** where we score an answer. Each task wants one style among several, the **target style**.
# %%
for name, task in TASKS.items():
    example = data[name]["train"][0]
    print(f"{name}: reported prompt {task.hard_prompt!r}")
    print(f"   source  ...{task.source(example)[-100:]!r}")
    print(f"   target  {task.target(example)!r}\n")

# %% [markdown]
# Each prompt gets two numbers. The **loss** says how surprised the model is by a token of the target: the negative logarithm of its
# probability, on average, in **nats**. 0 means certain; 0.69 is a probability of one half; 2.3 of one tenth. The **score** compares
# what the model writes with the reference:
#
# - ROUGE-L (summaries, 0 to 1): how much of both is one common row of words in the same order
# - exact match (answers, %): how many answers equal the reference, apart from case, articles and punctuation
# - BLEU (translations, 0 to 100): how many words, pairs, triples and quadruples of the output stand in the reference
#
# The model always takes the most likely token (**greedy decoding**). Its first line that is not blank is the answer.
#
# We choose on **validation** records, and look at the **test** records once, when all choices are made. The live
# cells use half of the validation records, at most 100.
# %%
from functools import cache

from course_utils import evaluate, paired_bootstrap

count = {name: min(100, len(parts["validation"]) // 2) for name, parts in data.items()}
validation = {name: parts["validation"].select(range(count[name])) for name, parts in data.items()}
batch_size = 100 if model.device.type == "cpu" else 32


@cache
def try_prompt(name, prompt):
    """Loss, score and answers of one prompt on validation records; what was tried before is remembered."""
    result = evaluate(model, tokenizer, name, validation[name], hard_prompt=prompt, batch_size=batch_size)
    return {"loss": result["loss"], "score": result[TASKS[name].main_metric], "answers": result["predictions"]}


# %% [markdown]
# To compare two prompts we draw the same records for both (a *paired* test). If the interval contains 0, the two
# **cannot be told apart**.
# %%
def compare(name, first, second, records=None):
    """How much the answers `first` score above `second`, on the same records."""
    task, records = TASKS[name], records or validation[name]
    references = [task.references(record) for record in records]
    return paired_bootstrap(task.main_metric, first, second, references, task.language)


def interval(name, answers):
    """The interval of one score: its difference to empty answers, which score 0."""
    return compare(name, answers, [""] * len(answers)).interval


# %% tags=["nbval-ignore-output"]
def effect(name, prompt, than=""):
    """One row: a prompt against another one."""
    new, old = try_prompt(name, prompt), try_prompt(name, than)
    found = compare(name, new["answers"], old["answers"])
    return {"task": name, "prompt": prompt, "loss": new["loss"], "score": new["score"], "difference": found.difference,
            "low": found.interval[0], "high": found.interval[1], "verdict": found.verdict}


reported_rows = pd.DataFrame([effect(name, task.hard_prompt) for name, task in TASKS.items()])
reported_rows.round(3)

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.words import said

for row in reported_rows.to_dict("records"):
    bare = try_prompt(row["task"], "")["score"]
    print(f"{row['task']}: {bare:.3g} without a prompt, {row['score']:.3g} with the order. It {said(row)}.")

# %% [markdown]
# ## 3. Every prompt we could think of
#
# We wrote more prompts: orders, cues known from the web, the gazette's own cues and
# **headers** (first lines of its pages), and solved examples in front (**in-context examples**). `{source}` marks the place of
# the source, `{text}` that of the source without its cue. The stored study
# `words.tried` has their scores on all validation records.
# %%
from course_utils import Study, verdict
from course_utils.tasks import data_root

results, base = data_root() / "results", "course-gpt2-m"
stored = Study("words.tried", results).table("data")
stored = stored[(stored.data == "embedded") & (stored.base == base) & stored.system.str.startswith("hard prompt: ")]
tried = {}
for name, task in TASKS.items():
    rows = stored[(stored.task == name) & (stored.metric == task.main_metric)]
    tried[name] = rows.assign(prompt=rows.system.str.removeprefix("hard prompt: ")).sort_values("value", ascending=False)
    print(f"{name}: {len(rows)} prompts on {rows.n.max()} records")

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.words import tried_figure
from course_utils.metrics import SCORES

measured = {name: {label: (try_prompt(name, prompt)["score"], interval(name, try_prompt(name, prompt)["answers"]))
                   for label, prompt in (("no prompt", ""), ("hard prompt, as reported", task.hard_prompt))}
            for name, task in TASKS.items()}
tried_figure({name: rows.value.tolist() for name, rows in tried.items()}, measured,
             {name: SCORES[task.main_metric].label for name, task in TASKS.items()})
plt.show()

# %% [markdown]
# Each orange dot is one prompt, best on top, without an interval. So dots that lie close together show no order: the paired test of
# section 2 decides. (The two dots at the bottom were measured on fewer records.) Which prompts lead, and which come last?

# %%
pd.concat({name: rows[["prompt", "value"]].iloc[[0, 1, 2, -2, -1]] for name, rows in tried.items() if len(rows)}).round(3)

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.words import said_of_examples

for name, rows in tried.items():
    print(f"{name}: {said_of_examples(dict(zip(rows.prompt, rows.value, strict=True)))}")
for name, rows in tried.items():
    answers = try_prompt(name, rows.prompt.iloc[0])["answers"]
    exact = sum(answer in TASKS[name].references(record) for answer, record in zip(answers, validation[name], strict=True))
    print(f"{name}: after the best prompt, {exact} of {len(answers)} answers are exactly the reference")
answers = try_prompt("summarization", tried["summarization"].prompt.iloc[0])["answers"]
reasons = [answer.split() for answer in answers if " because " in answer]
present = sum(len(words) > 2 and words[2].endswith("s") for words in reasons)
print(f"summarization, best prompt: {len(reasons)} of {len(answers)} give a reason, "
      f"{present} of these with a verb in the present tense (the third word ends in s)")

# %% [markdown]
# **Do paraphrases score alike?** We take three requests and three cues with similar meanings in English, and compare each with the
# first of its group. Two things are built in. `Please summarize.` is also a header of the gazette; the other two requests are not.
# And the gazette continues the three cues with different mixtures of styles (`data/build/pages.py`). So a difference between the
# cues shows what the model has read, not what the words mean.
# %% tags=["nbval-ignore-output"]
orders = [TASKS["summarization"].hard_prompt, "Summarize:", "Please summarize.\n{source}"]
cues = ["{text}In short:", "{text}To sum up:", "{text}The gist:"]
same = pd.DataFrame([effect("summarization", prompt, kind[0]) for kind in (orders, cues) for prompt in kind[1:]])
same.round(3)

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.charts import score_figure

labels = {prompt: f"hand-written: {prompt}".replace("\n", " ↵ ") for prompt in orders[1:] + cues}
labels = {orders[0]: f"hard prompt, as reported: {orders[0]}"} | labels
scores = {label: [try_prompt("summarization", prompt)["score"]] for prompt, label in labels.items()}
spans = {label: interval("summarization", try_prompt("summarization", prompt)["answers"]) for prompt, label in labels.items()}
score_figure(scores, spans, "ROUGE-L", count["summarization"], best=1, split="validation")
plt.show()
print(f"{sum(same.verdict != 'cannot be told apart')} of {len(same)} paraphrases can be told apart from the first of their group")

# %% [markdown]
# Two intervals may overlap and the paired test may still find a difference: it compares the prompts record by record.
#
# ## 4. White space behind the cue
#
# ### Exercise 1. Predict, then run (warm-up, 5 minutes)
#
# Section 2 printed the BLEU of translations without a prompt. Guess it for the same source with a space at its end, and
# with a line break. The check measures both.
# %%
def guess():
    """Your guess: the ending of the source -> BLEU."""
    raise NotImplementedError("return {'space': ..., 'line break': ...}, two numbers from 0 to 100")


# %% tags=["raises-exception"]
from course_utils.lessons.checks_01 import check_01_guess

check_01_guess(guess)

# %% [markdown]
# <details><summary>Hint</summary>
#
# To which token does the space before a word belong (first picture)?
# </details>
#
# <details><summary>Solution</summary>
#
# Any guess will do:
#
# ```python
# def guess():
#     return {"space": 80, "line break": 80}
# ```
# </details>
#
# Now all three tasks, against the source as it is:

# %% tags=["nbval-ignore-output"]
endings = {"space": "{source} ", "line break": "{source}\n"}
white = pd.DataFrame([{"ending": ending} | effect(name, prompt) for name in TASKS for ending, prompt in endings.items()])
white["more loss"] = [row.loss - try_prompt(row.task, "")["loss"] for row in white.itertuples()]
print(f"{sum(white.verdict == 'lower')} of {len(white)} scores are lower than without the added character; "
      f"it costs {white['more loss'].min():.2f} to {white['more loss'].max():.2f} nats a token")
white[["task", "ending", "loss", "more loss", "score", "difference", "low", "high", "verdict"]].round(3)

# %% [markdown]
# On the screen little changes. The model sees other tokens: its tokenizer (*byte pair encoding*) glues a space to the word that
# follows. Here is the beginning of an answer behind the cue, behind a space that belongs to the prompt, and behind a line break.
# %%
for prompt, answer in (("Summary:", " Carl Scholz repairs"), ("Summary: ", "Carl Scholz repairs"),
                       ("Summary:\n", "Carl Scholz repairs")):
    token_boxes(token_ids(tokenizer, prompt) + token_ids(tokenizer, answer), tokenizer)
    plt.show()

# %% [markdown]
# In the second row the space is a token of its own. How often does the model meet one, and a line break?

# %%
from collections import Counter

seen, spaces, breaks = Counter(), 0, 0
for name, task in TASKS.items():
    for text in (task.source(example) + " " + task.target(example) for example in data[name]["train"]):
        seen.update(token_ids(tokenizer, text))
        spaces, breaks = spaces + text.count(" "), breaks + text.count("\n")
for label, sign, all_of_them in (("spaces", " ", spaces), ("line breaks", "\n", breaks)):
    alone = seen[token_ids(tokenizer, sign)[0]]
    print(f"{all_of_them:,} {label} in sources and targets, {alone:,} of them tokens of their own: {alone / max(1, all_of_them):.3%}")

# %% [markdown]
# In the task records, a lone space is rare and a line break is common. But behind the cues used here the gazette goes on in the same
# line, so both endings are unusual in this place. (The loss is an average per token, and the targets are cut into other tokens
# here. Compare the scores first.) So **end a prompt exactly as the text that the model was trained on would.**
#
# ## 5. Trivial baselines
#
# Two *texts* stand in for the answer, without a model: the report's first sentence, and three of its sentences drawn at random
# (Radford et al. 2019). And one *prompt* means nothing: three random sentences of other reports, drawn three times (the dots).
# %%
import random
import re

from course_utils import trivial_baselines


def sentences_of(text):
    return re.split(r"(?<=[.?!]) ", text)


reports, dice = validation["summarization"], random.Random(0)
parts = [sentences_of(report["document"]) for report in reports]
texts = {"lead sentence": [trivial_baselines("summarization", reports)["lead sentence"]["predictions"]],
         "three random sentences": [[" ".join(dice.sample(each, min(3, len(each)))) for each in parts]]}

# %% tags=["nbval-ignore-output"]
from course_utils.metrics import record_scores

pool = [part for report in data["summarization"]["train"]["document"][:200] for part in sentences_of(report)]
nonsense = [" ".join(random.Random(seed).sample(pool, 3)) + "\n{source}" for seed in range(3)]
tests = {"no prompt": [""], "random sentences as a prompt": nonsense,
         "hard prompt, as reported": [TASKS["summarization"].hard_prompt], "hand-written cue": [cue]}
texts |= {label: [try_prompt("summarization", prompt)["answers"] for prompt in prompts] for label, prompts in tests.items()}
points = {label: [record_scores("rougeL", each, list(reports["summary"])) for each in some] for label, some in texts.items()}
scores = {label: [sum(row) / len(row) for row in rows] for label, rows in points.items()}
spans = {label: resampled_interval(rows) for label, rows in points.items()}
score_figure(scores, spans, "ROUGE-L", count["summarization"], best=1, split="validation")
plt.show()

# %% tags=["nbval-ignore-output"]
rivals = {"no prompt": [""], "random sentences": nonsense}
for label, others in rivals.items():
    for other in others:
        row = effect("summarization", TASKS["summarization"].hard_prompt, other)
        print(f"reported prompt against {label}: {row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}], {row['verdict']}")

# %% [markdown]
# Count the verdicts. A prompt whose meaning helps should be higher than every meaningless one. Where one of them cannot be told
# apart from it, this data does not show that the meaning did anything. Several comparisons were made here, so one interval that
# just misses 0 is weak evidence.
#
# ## 6. A style that words can ask for
#
# Each task also has a **control style**: one that a cue of the gazette always calls for. `Headline:` is followed by
# headlines and nothing else. Same reports, other targets:

# %% tags=["nbval-ignore-output"]
always = {"summarization": "{text}Headline:", "question_answering": "{text}Full answer:", "translation": "{text}Newspaper German:"}
rows = []
for name, prompt in always.items():
    records = load_task_data(name, "control")["validation"].select(range(count[name]))
    runs = [evaluate(model, tokenizer, name, records, hard_prompt=each, batch_size=batch_size) for each in ("", prompt)]
    found = compare(name, runs[1]["predictions"], runs[0]["predictions"], records)
    key = TASKS[name].main_metric
    print(f"{name}, one record\n   writes  {runs[1]['predictions'][0]}\n   target  {TASKS[name].target(records[0])}")
    rows.append({"task": name, "prompt": prompt, "no prompt": runs[0][key], "with cue": runs[1][key], "verdict": found.verdict})
    if name == "summarization":
        written, target = (text.split(" ", 1) for text in (runs[1]["predictions"][0], TASKS[name].target(records[0])))
        print("   (right style, wrong name)" if written[0] != target[0] and written[1:] == target[1:] else "   (compare the facts)")
pd.DataFrame(rows).round(3)

# %% [markdown]
# This answers our puzzle: no cue of the gazette is tied to exactly our style. After `What happens and why:` another style, in the
# past tense, is a little more likely (55 to 45), and greedy decoding mostly writes the likelier one. (Section 3 counted tenses.)
# The table shows another limit: even with the right cue the score stays below its maximum. For questions the full sentence is the gazette's most frequent style.
#
# ## 7. Let a program search for the words
#
# There are too many prompts to try them all:

# %%
for length in (1, 2, 5, 20):
    print(f"{length:>2} tokens: {float(len(tokenizer)) ** length:.1e} prompts")

# %% [markdown]
# A search needs a direction. The model turns each token into a vector, its **embedding**. The gradient of the loss with respect to
# it is an arrow: a small step against it lowers the loss. But words must jump from one token's vector to another's. How far is the
# shortest jump? We measure from a token to its nearest neighbour, and from random vectors of the same lengths.
# %% tags=["nbval-ignore-output"]
used = sorted(token for token, times in seen.items() if times >= 10)         # in the training records, section 4
table = model.get_input_embeddings().weight.detach().float().cpu()[used]     # [used, width]
generator = torch.Generator().manual_seed(0)
some = torch.randperm(len(table), generator=generator)[:500]
norms = table[some].norm(dim=1, keepdim=True)                                # [500, 1]
random_rows = torch.nn.functional.normalize(torch.randn(500, table.shape[1], generator=generator), dim=1) * norms


def nearest(rows, itself=None):
    """Distance to the nearest token, other than itself, and which it is, [rows] each."""
    distance = torch.cdist(rows, table)                                      # [rows, used]
    if itself is not None:
        distance[torch.arange(len(rows)), itself] = float("inf")
    return distance.min(dim=1)


neighbour = nearest(table[some], some)
away = {"token": neighbour.values / norms[:, 0], "random vector": nearest(random_rows).values / norms[:, 0]}
print(f"{len(used):,} tokens occur ten times or more; 500 of them are measured")

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown, display

from course_utils.lessons.words import distance_figure

distance_figure(away)
plt.show()
token, random_vector = (away[label].median().item() for label in ("token", "random vector"))
closer = sum(away["token"] < away["random vector"].median()).item()
display(Markdown(
    f"The typical token lies {token:.2f} of its own length from its nearest neighbour, so a jump from token to token is no small "
    f"step. A random vector lies {random_vector:.2f} away: {closer} of {len(away['token'])} tokens lie closer. "
    "Between two tokens lie points without a spelling. The model would accept them as an input."))

# %% [markdown]
# **The search.** Take a prompt of random tokens. At each **step** the gradient ranks the possible tokens at every place. A few
# **candidates**, prompts with one token replaced, are drawn at random from the best of all places (AutoPrompt, Shin et al. 2020;
# GCG, Zou et al. 2023) and tried on a **batch**, here 8 training records. The best is kept if it lowers the loss. Five steps make an **epoch**; the prompt
# of the best epoch is kept, by its loss on records that we do not score. We run 50 steps for translation and show three records on the way.
# %% tags=["nbval-ignore-output"]
from course_utils import TrainingConfig, encode, generate_texts, make_system
from course_utils.discrete_search import search

task, parts = TASKS["translation"], data["translation"]
found = make_system("discrete search", model, task, length=10, tokenizer=tokenizer)
train_set = encode(parts["train"].select(range(320)), task, tokenizer, found)
half = count["translation"]
choosing = encode(parts["validation"].select(range(half, 2 * half)), task, tokenizer, found)
three = [task.source(record) for record in validation["translation"].select(range(3))]
start = evaluate(found, tokenizer, task, validation["translation"], batch_size=batch_size)["predictions"]
print("start:", repr(found.text))


# %% tags=["nbval-ignore-output"]
def write():
    return generate_texts(found, tokenizer, three, task.max_new_tokens)


stages = {"before the search": write()}


def after_epoch(row):
    """Five steps make an epoch: 8 x (1 + 7) records forward in each, 320 in all."""
    if row["epoch"] in (2, 10):
        stages[5 * row["epoch"]] = write()


config = TrainingConfig(epochs=10, batch_size=8, eval_batch_size=64)
log = search(found, train_set, choosing, config, after_epoch, progress=False, candidates=7)
stages["the best epoch's"] = write()
print("loss on validation by epoch:", [round(row["validation_loss"], 3) for row in log.epochs])
print(f"found in epoch {log.best_epoch}: {found.text!r}")

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.written import written as written_by

for n, record in enumerate(validation["translation"].select(range(3))):
    display(written_by({stage: texts[n] for stage, texts in stages.items()}, task.target(record), three[n]))

# %% tags=["nbval-ignore-output"]
searched = evaluate(found, tokenizer, task, validation["translation"], batch_size=batch_size)["predictions"]
others = {"its random start": start, "no prompt": try_prompt("translation", "")["answers"],
          "the best hand-written prompt": try_prompt("translation", tried["translation"].prompt.iloc[0])["answers"]}
search_rows = {}
for label, answers in others.items():
    row = compare("translation", searched, answers)
    search_rows[label] = {"difference": row.difference, "low": row.interval[0], "high": row.interval[1], "verdict": row.verdict}
    print(f"In BLEU, the searched prompt {said(search_rows[label], label)}.")

# %% [markdown]
# This is one run of the search, with one seed, scored on 100 validation records. Hold the three records against their references as
# well: a found prompt can move the style towards the reference or away from it, and damage a fact or an article. Three records are
# no measure; over 100, BLEU decides. Nobody would write such a prompt; it came out of labelled records and gradients. So "made of
# tokens" and "written by hand" are two different limits.
#
# ## 8. One look at the test
#
# The stored study `main` compares at full length: the written prompt that is best on validation; trained **soft prompts** of 20
# vectors (**virtual tokens**; 20 is the **prompt length**; lessons 02 and 03 build them); and a search for 20 tokens
# that runs as many training records forward as a soft prompt's training may. Intervals are over records and seeds; without stored answers there is none.
# %%
from course_utils import summary_table
from course_utils.verdicts import TestRuns

main, control = Study("main", results), Study("control", results)
show = {"lead sentence": "lead sentence", "hard prompt, reported": "hard prompt, reported",
        "hard prompt, best written": "best hand-written prompt", "discrete search, 20 tokens": "discrete search, 20 tokens",
        "soft prompt, 20 tokens": "soft prompt, 20 tokens"}
for name, task in TASKS.items():
    table = summary_table(main, name, base).set_index("system")
    there = {system: label for system, label in show.items() if system in table.index}
    runs = main.table().query("task == @name and base == @base and split == 'test' and metric == @task.main_metric")
    scores = {label: runs.value[runs.system == system].tolist() for system, label in there.items()}
    spans = {label: (table.low[system], table.high[system]) for system, label in there.items() if pd.notna(table.low[system])}
    metric = SCORES[task.main_metric]
    score_figure(scores, spans, f"{name.replace('_', ' ')}: {metric.label}", int(table.n.max()), best=metric.scale,
                 resampled="records and seeds")
    plt.show()

# %%
reported, best, searched, soft = [system for system in show if system != "lead sentence"]


@cache
def written_in(study, name):
    """What a study's systems wrote on a task, read once."""
    return TestRuns(study, name, base)


@cache
def judge(study, name, first, second):
    """The stored verdict on the test records; None where one of the two has no rows."""
    try:
        return verdict(study, name, base, first, second, runs=written_in(study, name))
    except ValueError:
        return None


def show_verdicts(study, *pairs):
    for first, second in pairs:
        there = {name: found for name in TASKS if (found := judge(study, name, first, second))}
        for name, found in there.items():
            print(f"{name}: {found}")
        if not there:
            print(f"{first} against {second}: not in the study {study.name}")


show_verdicts(main, (best, reported), (searched, best), (soft, best), (soft, searched))

# %% [markdown]
# In the control style, where the gazette has words for the target:

# %%
show_verdicts(control, (best, reported), (searched, best), (soft, best), (soft, searched))

# %% [markdown]
# Both differences side by side:

# %%
for name in TASKS:
    pair = [judge(study, name, soft, best) for study in (main, control)]
    if all(pair):
        print(f"{name}: soft minus written, main style {pair[0].difference:+.3g} ({pair[0].verdict}), "
              f"control style {pair[1].difference:+.3g} ({pair[1].verdict})")

# %% [markdown]
# Where it is still "higher" in the control style, the built-in handicap cannot be the whole reason. The search
# had the same training records, and only tokens to choose from. Where it ends below the soft prompt, either vectors that no token has
# help, or the search was too short: this cannot tell. A hand-written prompt can be read and discussed; choosing ours took labelled validation records.
#
# ## Exercises
#
# ### Exercise 2. Find the bug (easy, 10 minutes)
#
# A colleague computes the loss of targets from the ids below. The losses are far too high. Find the bug and mend it. Both lists together must be the ids of the whole text. One space separates source and target;
# none if the source is empty or ends in a line break.
# %%
def target_ids(tokenizer, source, target):
    """The ids of the source, and those of the target as it continues the source: two lists."""
    raise NotImplementedError("delete this line, then find the bug")
    return tokenizer(source + " ")["input_ids"], tokenizer(target)["input_ids"]


# %% tags=["raises-exception"]
from course_utils.lessons.checks_01 import check_01_target_ids

check_01_target_ids(target_ids)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Section 4. Then look at sources that end in `\n`.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def target_ids(tokenizer, source, target):
#     space = "" if not source or source[-1].isspace() else " "
#     return tokenizer(source)["input_ids"], tokenizer(space + target)["input_ids"]
# ```
# </details>
#
# ### Exercise 3. Rank the replacements (medium, 15 minutes)
#
# `rows` [prompt, width] are the embeddings of the present tokens, `gradient` [prompt, width] is the gradient of the loss with
# respect to them, `table` [vocabulary, width] are all embeddings. If token $v$ replaces the one in place $p$, the loss
# changes by about $(\text{table}_v - \text{rows}_p) \cdot \text{gradient}_p$. Return the `k` replacements with the lowest
# change, lowest first, as a list of pairs `(place, token)`. The search ranks with the same formula.
# %%
def promising_swaps(rows, gradient, table, k):
    """The k swaps (place, token) that promise the lowest loss, to first order; the best first."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_01 import check_01_promising_swaps

check_01_promising_swaps(promising_swaps)

# %% [markdown]
# <details><summary>Hint</summary>
#
# What must be subtracted from each row of `gradient @ table.T`? Use `topk` on the flattened result, then `divmod`.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def promising_swaps(rows, gradient, table, k):
#     change = gradient @ table.T - (gradient * rows).sum(dim=1, keepdim=True)   # [prompt, vocabulary]
#     best = change.flatten().topk(k, largest=False).indices.tolist()
#     return [divmod(i, len(table)) for i in best]
# ```
# </details>
#
# ### Exercise 4. Write a prompt (open end, 20 minutes)
#
# Write a prompt for question answering that has at least 20 points more exact match than no prompt, on validation records 100 to 199
# (the live cells use 0 to 99). It has at most 300 tokens. No line of it may stand in our list, and our own example with other words
# does not count. Count your tries.
# %%
def answer_prompt():
    """A prompt with `{source}` where the report, its question and the cue stand."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_01 import check_01_answer_prompt

check_01_answer_prompt(answer_prompt)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Invent a short report. Ask several questions about it, each answered with its words.
# </details>
#
# <details><summary>Solution</summary>
#
# One of many:
#
# ```python
# def answer_prompt():
#     return ("The big fountain cost 900 euros. Ida Lang built it because the town had a birthday.\n"
#             "Question: How much did the big fountain cost?\nAnswer: 900 euros\n"
#             "Question: Who built the big fountain?\nAnswer: Ida Lang\n"
#             "Question: Why did Ida Lang build the big fountain?\nAnswer: because the town had a birthday\n"
#             "Question: What did Ida Lang build?\nAnswer: the big fountain\n"
#             "Question: What cost 900 euros?\nAnswer: the big fountain\n{source}")
# ```
# </details>
#
# ## What we found

# %% tags=["nbval-ignore-output"]
changed = {name: effect(name, task.hard_prompt)["verdict"] for name, task in TASKS.items()}
print("- reported prompt against no prompt, validation:", "; ".join(f"{name} {each}" for name, each in changed.items()))
print(f"- {sum(white.verdict == 'lower')} of {len(white)} scores are lower with a space or a line break at the end")
print(f"- from a token to its nearest neighbour: {token:.2f} of its length; a random vector: {random_vector:.2f}")
for label in ("its random start", "the best hand-written prompt"):
    print(f"- the searched prompt, one short run, translation: {said(search_rows[label], label)}")
print(f"- prompts written by hand: {', '.join(f'{len(rows)} for {name}' for name, rows in tried.items())}")

# %% [markdown]
# **The original write-up claims:** discrete prompts have a fixed vocabulary, need manual construction and fall short of nuance.
# "Written above searched" is our reading of "need": the search uses labelled records, and no words of ours.

# %%
def claim(text, study, first, second):
    """A claim that holds where `first` scores above `second`, task by task."""
    for name in TASKS:
        if found := judge(study, name, first, second):
            low, high = found.interval
            print(f"{text}, {name}: {found.claim} ({SCORES[found.metric].label} {found.difference:+.3g} [{low:+.3g}, {high:+.3g}])")
        else:
            print(f"{text}, {name}: not in the study {study.name}")


print(f"They have a fixed vocabulary: supported here by construction, {len(tokenizer):,} tokens")
claim("Written prompts score above this search (a longer one may do better)", main, best, searched)
claim("They fall short of nuance (soft above written), main style", main, soft, best)
claim("The same, control style", control, soft, best)
claim("They fall short of nuance (soft above searched), main style", main, soft, searched)

# %% [markdown]
# Read the lines on nuance with section 6 in mind: in the main style the handicap of words is built in.
#
# ### Further reading
#
# - Radford et al. (2019), [Language Models are Unsupervised Multitask Learners](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf) (section 3.6)
# - Shin et al. (2020), [AutoPrompt](https://arxiv.org/abs/2010.15980)
# - Zou et al. (2023), [Universal and Transferable Adversarial Attacks](https://arxiv.org/abs/2307.15043) (GCG)
#
# Next: [02 · The soft-prompt embedding](02_soft_prompt_embedding.ipynb)
