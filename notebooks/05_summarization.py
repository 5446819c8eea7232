# %% [markdown]
# # 05 · Summarization
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/soft-prompt-course/soft-prompt-course/blob/main/notebooks/05_summarization.ipynb)
#
# **Time:** 2 minutes on 2 CPU cores; on a Colab GPU not measured
#
# **Study time:** an hour, and 55 minutes for the exercises. **For whom:** you have done lessons 03 and 04.
#
# A **base model**, one that was trained on text before and that we only use, reads a report and must write its summary. The reports are from the
# **gazette**, a small town's newspaper that a program invents for this course. A **hard prompt** asks for the summary in words. A **soft prompt**
# asks with trained vectors, which we call **virtual tokens**; their number is the **prompt length**. The base model stays **frozen**:
# none of its weights change.
#
# The puzzle: a soft prompt scores higher than words, twenty virtual tokens higher than one, and training all weights (**full fine-tuning**)
# higher again. *What* do they get right more often?
#
# ## What you will be able to do
#
# - compute ROUGE-1, ROUGE-2 and ROUGE-L by hand, and fool a weaker measure
# - put a score beside baselines, an interval and a paired test, and say what it cannot see
# - show what a model writes before, during and after training
# - split a difference between two scores into its causes, and test a cause by changing the input
# - judge the original report's figures

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
# ## One report on its way
#
# `COURSE_SCALE` says which model and records a lesson takes: `mini` is the gazette, `full` is newspaper articles for GPT-2. The **source** is what the model reads: the report and a **cue**, words that announce what follows, here `Summary:`. The **target** is
# what it should write.

# %%
from dataclasses import replace

from course_utils import GPT2WithSoftPrompt, course_scale, get_task
from course_utils.experiment import Experiment, Material

scale = course_scale()
material = Material(Experiment("summarization", scale.base_model, data=scale.data, max_train=scale.max_train,
                               max_eval=scale.max_eval, base_dtype="float32"))
task = replace(get_task("summarization"), max_new_tokens=material.max_new_tokens)
data, (model, tokenizer) = material.data, material.loaded
soft = GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=20)
print({split: len(records) for split, records in data.items()}, "| longest summary:", task.max_new_tokens, "tokens")

# %% [markdown]
# Training changes the soft prompt (blue) alone. The loss counts target tokens alone.

# %%
import matplotlib.pyplot as plt

from course_utils import collate, encode
from course_utils.lessons.pictures import soft_prompt_in_front

train_set, validation_set = (encode(data[split], task, tokenizer, soft) for split in ("train", "validation"))
batch = collate([validation_set[1]], train_set.pad_id)
table = model.get_input_embeddings().weight
soft_prompt_in_front(batch, tokenizer, table, soft.soft_embedding.weight, model.config.n_layer)
plt.show()

# %% [markdown]
# As text:

# %%
import textwrap

example = data["validation"][1]
print(textwrap.fill(example["document"], 110))
print("\ntarget:", example["summary"])

# %% [markdown]
# In the gazette each report tells of **two events**, with their sentences mixed. The summary tells the *main* event, the one that more
# people came to see. It names the person, the thing, the place and the reason, in the present tense. So the writer must do two things:
#
# 1. **choose** the event by the numbers of visitors (main: 70 or more; other: 50 or fewer);
# 2. **write** it in the wanted form, the **target style**: the course's main style.
#
# The base model's training text has summaries in ten styles, all of the main event. The target style is one of the ten. It is built so that no
# cue asks for exactly it (data card, *The tasks*). That can only help soft prompts. The **control style** is another form: one cue always
# calls for it.
#
# ## ROUGE, counted by hand
#
# **ROUGE** compares a summary with a **reference**. (the target).
# ROUGE-1 counts common words, ROUGE-2 common pairs of neighbours. ROUGE-L takes the longest sequence of words that both have in the same
# order; gaps are allowed. *Precision* is the part of the summary that is common, *recall* the part of the reference. F1 joins the two.
# Our summary is the report's first sentence.

# %%
from collections import Counter

from course_utils import compute_metrics
from course_utils.evaluation import lead_sentence
from course_utils.metrics import Words


def f1(common, in_summary, in_reference):
    precision, recall = common / in_summary, common / in_reference
    return 2 * precision * recall / (precision + recall) if common else 0.0


def pieces(text, n):
    words = Words().tokenize(text)
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def rouge_n(summary, reference, n):
    ours, theirs = pieces(summary, n), pieces(reference, n)
    common = (ours & theirs).total()
    return common, ours.total(), theirs.total()


reference, lead = data["validation"][6]["summary"], lead_sentence(data["validation"][6]["document"])
print("lead sentence:", lead, "\nreference:    ", reference)
for n in (1, 2):
    counts = rouge_n(lead, reference, n)
    print(f"ROUGE-{n}: {counts[0]} of {counts[1]} and {counts[2]} pieces in common, F1 {f1(*counts):.3f}")
print("library:", {key: round(value, 3) for key, value in compute_metrics(["rouge1", "rouge2", "rougeL"], [lead], [reference]).items()})

# %% [markdown]
# ROUGE-L can follow one order only:

# %%
from IPython.display import Markdown, display

from course_utils.lessons.charts import common_subsequence, rouge_l_picture

rouge_l_picture(reference, lead)
plt.show()
ours, theirs = Words().tokenize(lead), Words().tokenize(reference)
joined = len(common_subsequence(theirs, ours))
display(Markdown(f"{joined} words are joined. Precision is {joined}/{len(ours)}, recall {joined}/{len(theirs)}. "
                 f"So ROUGE-L is {f1(joined, len(ours), len(theirs)):.3f}."))

# %% [markdown]
# ROUGE cannot see which words are facts.
#
# ## A measure that is easy to fool
#
# The original report gives an "exact match percentage": *the percentage of output tokens that also occur in the target*, both taken as
# sets. We call it **shared tokens**. Three silly answers to all test reports:

# %%
import pandas as pd

references = data["test"]["summary"]
silly = {"the word 'the'": ["the"] * len(references), "the word 'because'": ["because"] * len(references),
         "the whole report": data["test"]["document"]}
pd.DataFrame({name: compute_metrics(["rougeL", "exact_match", "exact_match_percentage"], list(answers), references)
              for name, answers in silly.items()}).T.rename(columns={"exact_match_percentage": "shared tokens, %"}).round(3)

# %% [markdown]
# In the gazette every reference has the word *because*, so one word gets full marks. **Exact match** is stricter: the share of summaries
# that equal the reference.
#
# ## Baselines, then words
#
# A **baseline** is a score that needs no training of ours, such as repeating the first sentence. The **loss** is the mean of $-\ln p$ over the
# target's tokens, where $p$ is the probability that the model gives to the right token. Its unit is the nat. Guessing evenly among $V$ tokens
# gives each $p = 1/V$, so its loss is $\ln V$. Token frequencies that never see the report do better:

# %%
import math

from course_utils import trivial_baselines, unigram_loss

baselines = trivial_baselines(task, data["test"], data["train"])
for name, scores in baselines.items():
    print(f"{name:20} ROUGE-L {scores['rougeL']:.3f}  shared tokens {scores['exact_match_percentage']:.1f}%")
print(f"token frequencies    loss {unigram_loss(train_set, encode(data['test'], task, tokenizer, soft)):.2f} nats per token")
print(f"even guessing        loss {math.log(len(tokenizer)):.2f}")

# %% [markdown]
# Now words. We tried our hand-written prompts on the gazette's validation reports. The winner is tested, and so is the original's prompt, *Summarize the following content:*.
# `{source}` stands for report and cue, `{text}` for the report alone. So `{text}The gist:` puts another cue behind the report.

# %%
from course_utils import Study
from course_utils.tasks import data_root

folder = data_root() / "results"
main = Study("main", folder)
tried = Study("words.tried", folder).table("hard_prompt", "data")
tried = tried[(tried.task == "summarization") & (tried.base == "course-gpt2-m") & (tried.data == "embedded")
              & tried.system.str.startswith("hard prompt: ")].pivot_table(index="hard_prompt", columns="metric", values="value")
tried = tried.sort_values("rougeL", ascending=False)
best_prompt = tried.index[0]
for prompt, row in tried.head(4).iterrows():
    print(f"validation ROUGE-L {row.rougeL:.3f}, loss {row.loss:.3f}  {textwrap.shorten(repr(prompt), 80)}")
print(f"({len(tried)} tried; the last has {tried.rougeL.iloc[-1]:.3f})")

# %%
from course_utils import evaluate

few = data["validation"].select(range(min(100, len(data["validation"]))))
words = {"reported hard prompt": task.hard_prompt, "best hand-written prompt": best_prompt}
hard = {name: evaluate(model, tokenizer, task, few, hard_prompt=prompt) for name, prompt in words.items()}
for name, result in hard.items():
    print(f"{name:25} ROUGE-L {result['rougeL']:.3f}, loss {result['loss']:.3f} ({result['n']} validation records)")
    print("   ", "\n    ".join(result["predictions"][:3]))

# %% [markdown]
# Both losses are far below guessing. The answers are fluent, many in another style, and some tell the other event.
#
# ## What the original reported
#
# The original trained one virtual token for GPT-2, with batches of one record. Its settings say ten epochs, its log shows five.
# Its figures:

# %%
from course_utils.lessons.charts import learning_curves
from course_utils.lessons.checks_05 import REPORTED, curve, curve_in_words

guessing = math.log(REPORTED["vocabulary"])
here = Study("as_reported", folder).table()
here = here[(here.task == "summarization") & (here.base == "course-gpt2-m")]
for name in ("validation loss", "soft prompt, loss", "hard prompt, loss", "hard prompt, ROUGE", "soft prompt, shared tokens"):
    print(f"{name:27} {REPORTED[name]}")
curves = {"original, 1 soft token": (range(1, 6), REPORTED["validation loss"])}
steps, losses = curve(here, "loss")
if steps:
    curves["same settings here"] = (range(1, len(steps) + 1), losses)
figure = learning_curves(curves, "epoch", "validation loss, nats per token", log_y=True, references={
    "even guessing, GPT-2": guessing, "best hand-written here": tried.loss[best_prompt]})
figure.axes[0].xaxis.get_major_locator().set_params(integer=True)
plt.show()

# %% [markdown]
# - **The losses** are the only score that it gives for both systems. The hard prompt (11.19) is worse than even guessing (10.82), the soft
#   prompt ends at 8.48. Lesson 04 plants a bug whose losses fit in part: predictions for the source's tokens are compared with the
#   summary's tokens.
# - **ROUGE 0.27.** It names ROUGE-N, not the N, and no baseline. The next cell has one.
# - **16.58% shared tokens.** In the gazette, giving back the whole report has about as many (above).
#
# One token, ten epochs and batches of one are no mistake in themselves. What do they give here?

# %%
leads = compute_metrics(["rouge1", "rouge2", "rougeL"], baselines["lead sentence"]["predictions"], references)
print("lead sentence:", {name: round(value, 3) for name, value in leads.items()})
test = here[(here.split == "test") & here.metric.isin(["loss", "rougeL", "exact_match", "exact_match_percentage"])]
means = test.groupby("metric")["value"].mean()
if len(means):
    by_seed = test[test.metric == "rougeL"].sort_values("seed")["value"]
    words_here = main.table().query("task == 'summarization' and base == 'course-gpt2-m' and split == 'test' and metric == 'rougeL'")
    words_here = words_here.set_index("system")["value"]
    display(Markdown(
        f"**The reported settings here** (1 token, 10 epochs, batches of 1; {test.seed.nunique()} seeds, course-gpt2-m): test loss "
        f"{means.loss:.3f}, ROUGE-L {means.rougeL:.3f} (by seed {', '.join(f'{each:.3f}' for each in by_seed)}), exact match "
        f"{means.exact_match:.1f}%, shared tokens {means.exact_match_percentage:.1f}%. Words: reported "
        f"{words_here['hard prompt, reported']:.3f}, best written {words_here['hard prompt, best written']:.3f}. "
        f"Seeds below the best words: {sum(by_seed < words_here['hard prompt, best written'])} of {len(by_seed)}. The learning rate is ours, "
        "chosen on validation; the report names none."))
else:
    print("The study 'as_reported' has not run yet, so this question stays open here.")

# %% [markdown]
# ## Train one
#
# Twenty virtual tokens, one pass over the training records. At a few steps we let the model write.

# %% tags=["nbval-ignore-output"]
from course_utils import TrainingConfig, evaluate_loss, generate_texts, weights_fingerprint
from course_utils.training import Run

three, before = [task.source(record) for record in few.select(range(3))], weights_fingerprint(model)
config = TrainingConfig(epochs=1, batch_size=scale.batch_size, learning_rate=scale.learning_rate)
run, losses, texts = Run(soft, train_set, config), {}, {}


def look():
    losses[run.step] = evaluate_loss(soft, validation_set.first(len(few)))
    texts[run.step] = generate_texts(soft, tokenizer, three, task.max_new_tokens)


look()
for _ in run.steps_of_epoch("Training", progress=True):
    if run.step in (10, 25, 50, 100, run.groups):
        look()
soft.eval()
print("base model unchanged:", weights_fingerprint(model) == before)

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.written import written

shown = [0, 10, 50, run.groups]
for i in range(3):
    display(written({step: texts[step][i] for step in shown}, few[i]["summary"]))

# %% [markdown]
# Where tense and place change, the prompt has chosen a *style*. Where person and thing change, the model tells another *event*, and not
# always the right one.

# %% tags=["nbval-ignore-output"]
learning_curves({"soft prompt, 20 tokens": (list(losses), list(losses.values()))}, "optimizer steps", "validation loss, nats per token",
                {name: result["loss"] for name, result in hard.items()}, log_y=True)
plt.show()

# %% [markdown]
# ## More steps, other lengths
#
# The study "main" trained prompts on the gazette for up to eight passes (epochs), three seeds each, with learning rate and epoch chosen on
# validation. A run stops early if its validation loss has not improved for two passes. A curve ends where the first of its runs stopped. It
# uses 100 validation records, the dashed line all 200.

# %%
rows = main.table()
rows = rows[(rows.task == "summarization") & (rows.base == "course-gpt2-m")]
lengths = {length: f"soft prompt, {length} token{'s' * (length > 1)}" for length in (1, 5, 20, 100)}
curves = {name: curve(rows[rows.system == name], "rougeL") for name in lengths.values() if name in set(rows.system)}
ready = {name: ([16 * step for step in steps], values) for name, (steps, values) in curves.items() if steps}
steps, values = curve(here, "rougeL")
if steps:
    ready["same settings here"] = (steps, values)                # those of the original, as above
learning_curves(ready, "training records read", "validation ROUGE-L",
                {"best hand-written prompt": tried.rougeL.iloc[0]}, log_x=True)
plt.show()
for name, (steps, _) in curves.items():
    if steps:
        print(curve_in_words(rows, name))
print(f"best hand-written prompt: {tried.rougeL.iloc[0]:.3f}")

# %% [markdown]
# How far apart two lengths are depends on when you stop. One token begins below the dashed line and ends above it.
#
# ## One look at the test
#
# Bars are means over **seeds** (trainings that differ by chance only). The **paired test** draws the same test records for both systems again and adds
# the error over seeds; "higher": the interval leaves out 0.

# %%
from course_utils.lessons.charts import score_figure
from course_utils.lessons.checks_05 import NAMES, stored_scores

scores, intervals, n = stored_scores(main)
score_figure(scores, intervals, "ROUGE-L", n, resampled="records and seeds")
plt.show()

# %% [markdown]
# Baselines stand at the top, then words, then soft prompts. **In-context examples** (*solved examples* in the study) are training records with
# their summaries in front of the source. **Discrete search** looks for tokens automatically. **P-tuning** computes a soft prompt's rows with a
# small network; **prefix tuning** trains keys and values in every layer. The last two change the model: **LoRA** trains small matrices added to
# its weights, full fine-tuning all weights. The paired test says which differences count:

# %%
from course_utils import verdict
from course_utils.verdicts import TestRuns

compared = [("soft prompt, 1 token", "hard prompt, reported"), ("soft prompt, 1 token", "hard prompt, best written"),
            ("soft prompt, 20 tokens", "hard prompt, best written"), ("soft prompt, 20 tokens", "discrete search, 20 tokens"),
            ("soft prompt, 5 tokens", "soft prompt, 1 token"), ("soft prompt, 20 tokens", "soft prompt, 5 tokens"),
            ("soft prompt, 20 tokens", "soft prompt, 1 token"), ("soft prompt, 50 tokens", "soft prompt, 20 tokens"),
            ("soft prompt, 100 tokens", "soft prompt, 20 tokens"),
            ("P-tuning, 20 tokens", "soft prompt, 20 tokens"), ("prefix tuning, 20 tokens", "soft prompt, 20 tokens"),
            ("full fine-tuning", "soft prompt, 20 tokens"), ("LoRA", "full fine-tuning")]
study = (main, "summarization", "course-gpt2-m")
wrote = TestRuns(*study)                                          # what the systems wrote, read once
verdicts = {pair: verdict(*study, *pair, runs=wrote) for pair in compared if {NAMES[each] for each in pair} <= set(scores)}
for each in verdicts.values():
    print(each)

# %% [markdown]
# From 20 to 100 virtual tokens the test sees no gain. Prefix tuning gains. Its keys and values in all four layers are eight
# times as many numbers, but number alone is not it: 100 tokens have five times as many.
#
# ## The puzzle: what do the better ones get right?
#
# Is it the style or the event? `chosen_event` compares a summary with the reference's person and thing. It says *main* if it has both, *name*
# if only the person is wrong, *thing* if only the thing is wrong, *other* if it has neither: mostly the other event, with in-context examples often the example's. We call *main* "main event told with the right
# person and thing". From here to the control style, intervals resample records only.

# %%
from course_utils import load_task_data
from course_utils.lessons.checks_05 import difference_interval, stored_answers
from course_utils.lessons.errors import chosen_event
from course_utils.metrics import record_scores

gazette = load_task_data("summarization")            # this section is about the gazette at every scale
wanted = gazette["test"]["summary"]
answers = {NAMES[stored]: runs for stored, runs in stored_answers(main).items() if stored in NAMES}
is_main = {name: [[chosen_event(*pair) == "main" for pair in zip(run, wanted, strict=True)] for run in runs]
           for name, runs in answers.items()}

# %%
from course_utils.lessons.charts import resampled_interval
from course_utils.lessons.checks_05 import what_moved
from course_utils.lessons.errors import event_shares

order = [name for name in scores if name in is_main]
score_figure({name: [100 * sum(run) / len(run) for run in is_main[name]] for name in order},
             {name: tuple(100 * end for end in resampled_interval(is_main[name])) for name in order},
             "main event, right person and thing, %", len(wanted), best=100)
plt.show()
shares = {name: event_shares(answers[name], wanted) for name in order}
pairs = [("soft prompt, 1 token", "soft prompt, 20 tokens"), ("soft prompt, 20 tokens", "prefix tuning, 20 tokens"),
         ("soft prompt, 20 tokens", "full fine-tuning")]
display(pd.DataFrame(shares).T.round(1).rename_axis("% of summaries"),
        Markdown("\n\n".join(what_moved(answers, wanted, *pair) for pair in pairs if set(pair) <= set(shares))))

# %% [markdown]
# Each ROUGE-L mixes both kinds of summaries.

# %%
import numpy

rouge = {name: numpy.array([record_scores("rougeL", run, wanted) for run in answers[name]]) for name in order}
split = pd.DataFrame({name: {"main event, %": 100 * (told := numpy.array(is_main[name])).mean(),
                             "ROUGE-L if main": rouge[name][told].mean(), "ROUGE-L if not": rouge[name][~told].mean(),
                             "ROUGE-L": rouge[name].mean()} for name in order}).T
split.round(3)

# %% [markdown]
# Now suppose that the weaker of two systems told the main event as often as the stronger and changed nothing else. How much of the gap in
# ROUGE-L would close? That is `explained`: arithmetic, not an experiment.

# %%
def explained(lower, higher):
    """Which part of the gap closes if `lower` tells the main event as often as `higher`."""
    a, b = split.loc[lower], split.loc[higher]
    moved = a["ROUGE-L"] + (b["main event, %"] - a["main event, %"]) / 100 * (a["ROUGE-L if main"] - a["ROUGE-L if not"])
    return (moved - a["ROUGE-L"]) / (b["ROUGE-L"] - a["ROUGE-L"])


for lower, higher in (("best hand-written prompt", "soft prompt, 20 tokens"), ("soft prompt, 1 token", "soft prompt, 20 tokens"),
                      ("soft prompt, 20 tokens", "full fine-tuning")):
    gap, low, high, said = difference_interval(is_main[higher], is_main[lower])
    print(f"{higher} against {lower}: main event told {100 * gap:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}], {said}; "
          f"\n    this alone would close {100 * explained(lower, higher):.0f}% of the gap in ROUGE-L")

# %% [markdown]
# So the puzzle has two answers. Twenty tokens and the best words tell the main event about equally often; the lead of the tokens is one of
# *style*. One token, twenty tokens and full fine-tuning nearly all have the style. They differ mainly in the event: from twenty tokens to full fine-tuning
# *other* falls, and so it does to prefix tuning, which changes no weight of the model. From one to twenty *name* and *thing* fall, and *other*
# cannot be told apart.
#
# "ROUGE-L if not" is far from 0. Some of these summaries tell half of the right event. The others share words of the form, such as
# *the* and *because* (exercise 1).
#
# Can a soft prompt teach the choice, by size?

# %%
from course_utils.lessons.checks_05 import FULL, SOFT, WRITTEN, about_sizes

sizes, told_main = {}, {}
for size in ("xs", "s", "m", "l"):
    found = stored_answers(main if size == "m" else Study("scale", folder), f"course-gpt2-{size}")
    sizes[size] = {name: event_shares(found[name], wanted)["main"] for name in (*WRITTEN, *SOFT, FULL) if name in found}
    told_main[size] = {name: [[chosen_event(*pair) == "main" for pair in zip(run, wanted, strict=True)] for run in found[name]] for name in sizes[size]}
display(pd.DataFrame(sizes).T.round(1).rename_axis("main event told, %"), Markdown(about_sizes(told_main)))

# %% [markdown]
# On xs nothing tells the main event: it may be too small, or its learning rate in pre-training was too high (data card).
#
# ## Where the choice is made
#
# The first word of a summary is a name, so the event is chosen there. We look at the first token for a validation report that the
# words get wrong and the soft prompt right.

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.checks_05 import gazette_reader

reader, letters, prompt = gazette_reader(scale, model, tokenizer, soft)
reports = gazette["validation"]
goals = reports["summary"]
said = {"best hand-written prompt": evaluate(reader, letters, task, reports, hard_prompt=best_prompt)["predictions"],
        "soft prompt, 20 tokens": evaluate(prompt, letters, task, reports)["predictions"]}
kinds = {name: numpy.array([chosen_event(*pair) for pair in zip(texts, goals, strict=True)]) for name, texts in said.items()}
right = {name: each == "main" for name, each in kinds.items()}
print({name: f"main event told in {100 * each.mean():.1f}% of {len(each)} validation reports" for name, each in right.items()})

# %% tags=["nbval-ignore-output"]
import torch

from course_utils import token_ids
from course_utils.lessons.charts import next_token_bars
from course_utils.tasks import with_hard_prompt


@torch.no_grad()
def next_token(system, text):
    return system(input_ids=torch.tensor([token_ids(letters, text)], device=reader.device)).logits[0, -1]


at = int(numpy.argmax(right["soft prompt, 20 tokens"] & ~right["best hand-written prompt"]))
source, name = task.source(reports[at]), token_ids(letters, " " + goals[at])[0]
next_token_bars({"best hand-written prompt": next_token(reader, with_hard_prompt(best_prompt, source)),
                 "soft prompt, 20 tokens": next_token(prompt, source)}, letters, k=4, wanted=name)
plt.show()
print(goals[at])

# %% [markdown]
# A wrong name at the start usually means a wrong event to the end. The loss asks for the event only once, at the first token: behind it the
# right name is already in place. We measure how much of the loss this token carries.

# %% tags=["nbval-ignore-output"]
from course_utils.loss import token_losses

checked = encode(reports.select(range(60)), task, letters, prompt)
with torch.no_grad():
    each = [token_losses(prompt, {key: value.to(reader.device) for key, value in collate([item], 0).items()})[0]
            for item in checked.items]
first, total = sum(float(item[0]) for item in each), sum(float(item.sum()) for item in each)
display(Markdown(
    f"One token in {sum(map(len, each)) / len(each):.0f} carries **{100 * first / total:.0f}%** of the loss. So the loss does see the choice. What "
    "it does not see is the price of a wrong name: when the model writes by itself, one wrong token can spoil all facts after it."))

# %% [markdown]
# ## Does it read the numbers?
#
# The model could go by the numbers of visitors. Or it could know that a regatta (a boat race) usually draws more people than a cooking
# show. `swap_crowds` exchanges the two numbers in a report and nothing else. Now the other event is the main one.

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.checks_05 import swap_crowds

swapped = [task.source({"document": swap_crowds(document)}) for document in reports["document"]]
after = {"best hand-written prompt": generate_texts(reader, letters, [with_hard_prompt(best_prompt, text) for text in swapped],
                                                    task.max_new_tokens),
         "soft prompt, 20 tokens": generate_texts(prompt, letters, swapped, task.max_new_tokens)}
stayed = {name: numpy.array([chosen_event(*pair) == "main" for pair in zip(texts, goals, strict=True)]) for name, texts in after.items()}
pd.DataFrame({name: {"as written": 100 * right[name].mean(), "numbers exchanged": 100 * stayed[name].mean()} for name in right}
             ).T.round(1).rename_axis("first main event told, %")

# %% tags=["nbval-ignore-output"]
soft_before, soft_after = (100 * each["soft prompt, 20 tokens"].mean() for each in (right, stayed))
moved, low, high, _ = (100 * each if isinstance(each, float) else each for each in
                       difference_interval([right["soft prompt, 20 tokens"]], [stayed["soft prompt, 20 tokens"]]))
most = 2 * soft_before - 100
display(Markdown(
    f"Suppose the model looked at nothing but the numbers. Then after the exchange it would tell the other event in {soft_before:.0f}%. "
    f"For the first main event that would be a fall of {most:.0f} points or more. We see **{moved:.0f}** [{low:.0f}, {high:.0f}]. "
    + ("So it reads the numbers, " if low > 0 else "We cannot tell whether it reads the numbers, ")
    + ("and it also uses something else." if high < most else "and whether it uses anything else cannot be told from this.")))

# %% [markdown]
# ## Errors by kind
#
# `fault_counts` compares each summary with the parts of its reference. *Other event*, *name* and *thing* are as above. Only a summary of the
# main event is searched for more: *another form* (it does not begin with the person), *tense*, a wrong or missing *reason* or *place*. It may
# have several. *Another detail* is the rest. We sort validation reports, not test.

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.errors import fault_counts

pd.DataFrame({name: fault_counts(texts, goals) for name, texts in said.items()})

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.checks_05 import sign_test

words_right, soft_right = right["best hand-written prompt"], right["soft prompt, 20 tokens"]
words_other, soft_other = (kinds[name] == "other" for name in ("best hand-written prompt", "soft prompt, 20 tokens"))
by_words, by_soft = words_right & ~soft_right, soft_right & ~words_right
better, p = 100 * max(words_right.mean(), soft_right.mean()), sign_test(int(by_words.sum()), int(by_soft.sum()))
display(Markdown(
    f"Main event told by words alone: **{by_words.sum()}** (in {(by_words & soft_other).sum()} of them the soft prompt tells the other event), by "
    f"the soft prompt alone: **{by_soft.sum()}** (in {(by_soft & words_other).sum()} of them words tell the other event). Sign test (were the "
    f"two equally good, how often would the counts differ at least so much?): p = {p:.2f}, "
    f"{'so the two cannot be told apart' if p >= 0.05 else 'so the two differ'}. The better of the two tells it in {better:.1f}%. A perfect choice between "
    f"the two, report by report, would tell it in {100 * (words_right | soft_right).mean():.1f}%."))
for i in map(int, numpy.flatnonzero(by_words & soft_other)[:2]):
    print("reference  ", goals[i], "\n  soft     ", said["soft prompt, 20 tokens"][i], "\n  words    ", said["best hand-written prompt"][i])

# %% [markdown]
# Behind words, most faults are tense and place: style. Behind the soft prompt they are other events and wrong reasons: facts.
#
# ## In-context examples
#
# They are the usual way to show a style without training (few-shot prompting). We put one in front of the source, and compare with the same
# cue without it.

# %% tags=["nbval-ignore-output"]
solved = gazette["train"][0]
shot = f"{task.source(solved)} {solved['summary']}\n{{source}}"
part = reports.select(range(60))
shown = evaluate(reader, letters, task, part, hard_prompt=shot)
bare = evaluate(reader, letters, task, part, hard_prompt="{source}")
print(f"one example: ROUGE-L {shown['rougeL']:.3f}; the same cue without it: {bare['rougeL']:.3f} (the same {len(part)} validation records)")
print({kind: count for kind, count in fault_counts(shown["predictions"], part["summary"]).items() if count})
for text in shown["predictions"][:4]:
    print("   ", text)

# %% tags=["nbval-ignore-output"]
from course_utils import paired_bootstrap

person = " ".join(solved["summary"].split()[:2])
taken = sum(person in text for text in shown["predictions"])
styled = fault_counts(shown["predictions"], part["summary"])
one = paired_bootstrap("rougeL", shown["predictions"], bare["predictions"], part["summary"])
display(Markdown(
    f"With the example against without it, ROUGE-L {one.difference:+.3f} [{one.interval[0]:+.3f}, {one.interval[1]:+.3f}]: {one.verdict}. "
    f"**{taken}** of {len(part)} summaries name {person}, the person of the example. {styled['tense']} tell the main event in another "
    f"tense than the example shows, and {styled['right']} are right."))
measured = [f"solved examples, {count}" for count in (1, 2, 4) if NAMES[f"solved examples, {count}"] in scores]
for examples in measured:
    print("test, chosen on validation:", verdict(*study, examples, "hard prompt, reported", runs=wrote))

# %% [markdown]
# Why does this example not help? With it the model has two reports to copy from; how often it names the example's person is printed. A
# possible reason: two of its attention heads *started* as a copying circuit (data card). We did not test this.
# Larger models use examples better (Brown et al. 2020).
#
# ## The control style: where one cue suffices
#
# Behind the cue `Headline:` the base model's training text always goes on with a headline.

# %%
headlines = load_task_data("summarization", "control")["validation"].select(range(100))
cue = evaluate(reader, letters, task, headlines, hard_prompt="{text}Headline:")
print(f"the cue 'Headline:': ROUGE-L {cue['rougeL']:.3f}, exact match {cue['exact_match']:.1f}% on {cue['n']} validation records")
for text, goal in list(zip(cue["predictions"], headlines["summary"], strict=True))[:3]:
    print(f"    {text:65} reference: {goal}")

# %%
control = Study("control", folder)
known = set(control.table().query("task == 'summarization' and base == 'course-gpt2-m' and split == 'test'")["system"])
controls = {}
for pair, each in verdicts.items():
    if pair[1] == "hard prompt, best written":
        if set(pair) <= known:
            controls[pair] = verdict(control, "summarization", "course-gpt2-m", *pair)
        print("main style:   ", each)
        print("control style:", controls.get(pair, "not measured"))

its = control.table().query("task == 'summarization' and base == 'course-gpt2-m' and split == 'validation' and metric == 'loss'")
print("\nlowest validation loss of each seed, control style:")
for system, losses in its[its["system"].str.contains("soft prompt|LoRA|full")].groupby("system", sort=False):
    print(f"    {system:24}", ", ".join(f"{lowest:.2f}" for lowest in losses.groupby("seed")["value"].min()))

# %% [markdown]
# With the right cue the *form* is right in all three headlines. Two have wrong facts: a name, an event. Compare the verdicts: the leads
# on the main style may owe much to its construction. Now the losses: with the same settings, one of the three trainings of 20 tokens
# ends far higher than the others, on a **plateau** (a loss that hardly falls).
#
# ## Exercises
#
# ### 1. Predict, then run (warm-up, 5 minutes)
#
# A system writes a summary in the target style, but of the **other** event. Which ROUGE-L (0 to 1) does it get on average?

# %%
my_guess = None

# %% [markdown]
# <details><summary>Hint</summary>
#
# Which words do two summaries of different events share, in this order?
# </details>

# %%
others = [score for run, scores_of_run in zip(answers["full fine-tuning"], rouge["full fine-tuning"], strict=True)
          for text, goal, score in zip(run, wanted, scores_of_run, strict=True) if chosen_event(text, goal) == "other"]
print(f"measured: {numpy.mean(others):.3f}, on {len(others)} summaries by full fine-tuning that tell the other event")
if my_guess is not None:
    print(f"your guess: {my_guess:.3f}, off by {abs(my_guess - numpy.mean(others)):.3f}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# It is far from 0: two summaries of different events share `the`, `in the`, `because`, `is`. A ROUGE-L of 0.2 may be a text without one right
# fact.
# </details>
#
# ### 2. How likely is a summary? (builds the mechanism, 15 minutes)
#
# To compare two summaries of one report, ask the soft prompt how likely it finds each. Write `log_probability`: the logarithm of the
# probability of `target` behind `[prompt][source]`. Both are lists of ids. `soft(input_ids=...)` returns logits for `[prompt][text]`.

# %%
def log_probability(soft, source, target):
    """ln p(target | prompt, source), a float."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_05 import check_05_log_probability

check_05_log_probability(log_probability)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The logits one place before a token predict it. Drop the logits of the prompt's positions, take the log-softmax, look up each
# target token, and add up: the probability of a text is a product.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# import torch
#
# @torch.no_grad()
# def log_probability(soft, source, target):
#     ids = torch.tensor([source + target], device=soft.device)
#     logits = soft(input_ids=ids).logits[0, soft.prompt_length :]            # [text, vocabulary]
#     before = logits[len(source) - 1 : -1].log_softmax(-1)                   # [target, vocabulary]
#     return float(before[range(len(target)), target].sum())
# ```
# </details>
#
# ### 3. Find the bug (15 minutes)
#
# A colleague evaluates like this and finds hardly any token wrong. Users get the wrong event in many cases. First write down what is wrong,
# in one sentence. Then write `write_freely`, which does it right.
#
# ```python
# def answer(soft, source, target):
#     ids = torch.tensor([source + target])
#     best = soft(input_ids=ids).logits[0, soft.prompt_length :].argmax(-1)
#     return best[len(source) - 1 : -1].tolist()      # as many tokens as the target has
# ```

# %%
def write_freely(soft, source, length):
    """The ids of the `length` tokens that the model writes behind [prompt][source], each time the most likely one."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_05 import check_05_write_freely

check_05_write_freely(write_freely)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Which name does the model see before its second word: its own, or the reference's?
# </details>
#
# <details><summary>Solution</summary>
#
# The target is fed in (*teacher forcing*). This hides the choice of the event: a wrong first name is at once replaced by the right one.
#
# ```python
# import torch
#
# @torch.no_grad()
# def write_freely(soft, source, length):
#     ids = list(source)
#     for _ in range(length):
#         logits = soft(input_ids=torch.tensor([ids], device=soft.device)).logits[0, -1]
#         ids.append(int(logits.argmax()))
#     return ids[len(source):]
# ```
# </details>
#
# ### 4. What else does it go by? (experiment, 20 minutes, no single answer)
#
# Change *one* thing in a report and measure how often the main event is told. Ideas: delete the sentences with the numbers of visitors,
# reorder sentences. Predict first.

# %%
def edit(document):
    """The report with one thing changed; both people stay in it."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_05 import check_05_edit

check_05_edit(edit)

# %% [markdown]
# When the check passes, measure it on validation reports:
#
# ```python
# changed = generate_texts(prompt, letters, [task.source({"document": edit(text)}) for text in reports["document"]], task.max_new_tokens)
# told = [chosen_event(*pair) == "main" for pair in zip(changed, goals)]
# print(difference_interval([told], [right["soft prompt, 20 tokens"]]))   # difference, interval over records, verdict
# ```
#
# <details><summary>Hint</summary>
#
# `re.sub` changes a pattern; `re.split(r"(?<=[.]) ", text)` gives the sentences. If the interval holds 0, you cannot tell the two apart.
# </details>
#
# <details><summary>Solution</summary>
#
# One of many: reverse the sentences. Pronouns then lose their owner, so two things change.
#
# ```python
# import re
#
# def edit(document):
#     return " ".join(reversed(re.split(r"(?<=[.]) ", document)))
# ```
# </details>
#
# ## What we found
#
# One look at the test with this lesson's own prompt.

# %% tags=["nbval-ignore-output"]
from course_utils import save_results

systems = {"hard prompt as reported": evaluate(model, tokenizer, task, data["test"], hard_prompt=task.hard_prompt),
           "best hand-written prompt": evaluate(model, tokenizer, task, data["test"], hard_prompt=best_prompt),
           "soft prompt, 20 tokens, 1 epoch": evaluate(soft, tokenizer, task, data["test"]), **baselines}
table = [{"system": name, "seeds": [config.seed] if name.startswith("soft") else [], "loss": result.get("loss"),
          "metrics": {key: result[key] for key in task.metrics}} for name, result in systems.items()]
save_results("05_summarization", {"task": task.name, "base_model": scale.base_model, "test_size": len(data["test"]), "rows": table})
for name, result in systems.items():
    print(f"{name:33} ROUGE-L {result['rougeL']:.3f}  exact match {result['exact_match']:.1f}%")

# %% tags=["nbval-ignore-output"]
def mean(name):
    return f"{numpy.mean(scores[name]):.3f}"


display(Markdown(
    f"- ROUGE-L on the gazette's test, course-gpt2-m: lead sentence {mean('lead sentence')}, best hand-written prompt "
    f"{mean('best hand-written prompt')}, one token {mean('soft prompt, 1 token')}, 20 tokens {mean('soft prompt, 20 tokens')}, "
    f"prefix tuning {mean('prefix tuning, 20 tokens')}, full fine-tuning {mean('full fine-tuning')}.\n"
    f"- The main event is told with the right person and thing in {split.loc['best hand-written prompt'].iloc[0]:.0f}%, {split.loc['soft prompt, 1 token'].iloc[0]:.0f}%, "
    f"{split.loc['soft prompt, 20 tokens'].iloc[0]:.0f}%, {split.loc['prefix tuning, 20 tokens'].iloc[0]:.0f}% and "
    f"{split.loc['full fine-tuning'].iloc[0]:.0f}% of the summaries by the last five.\n"
    f"- Exchanging two numbers moved the soft prompt's choice by {soft_before - soft_after:.0f} points on validation.\n"
    f"- In {by_words.sum()} of {len(goals)} validation reports words tell the main event and the soft prompt does not; in {by_soft.sum()} "
    "the other way round.\n"
    f"- One in-context example: ROUGE-L {one.difference:+.3f} on {len(part)} validation records ({one.verdict}); {taken} summaries named "
    "the example's person."))

# %% [markdown]
# ### The claims of the original report

# %% tags=["nbval-ignore-output"]
def claim(text, pair, about=""):
    if pair not in verdicts:
        return f"- *{text}* Not measured in this study."
    each = verdicts[pair]
    return f"- *{text}* **{each.claim.capitalize()}**: {each}.{about}"


set_copy = baselines["copy of the source"]["exact_match_percentage"]
best_pair = ("soft prompt, 20 tokens", "hard prompt, best written")
on_control = "".join(f" On the control style: {each}." for each in controls.values())
display(Markdown("\n".join([
    claim("A soft prompt of one token is above the reported hard prompt.", ("soft prompt, 1 token", "hard prompt, reported")),
    claim("Soft prompts are above hard prompts.", best_pair, f" The target style is built so that no cue asks for exactly it.{on_control}"),
    f"- *Validation loss falls from 10.00 to 8.38, test loss 8.48; the hard prompt has 11.19.* **Not comparable** (other model, other data). "
    f"What can be said: 11.19 is above even guessing ({guessing:.2f}), so something in this set-up was probably wrong.",
    f"- *16.58% exact match shows that the soft prompt summarizes.* **Does not follow**: giving back the whole report has {set_copy:.1f}% of the "
    "same measure.",
    f"- *ROUGE 0.27 for the hard prompt.* **Not comparable**: which ROUGE-N is not said; the lead sentence has ROUGE-1 "
    f"{leads['rouge1']:.2f} and ROUGE-2 {leads['rouge2']:.2f} here."])))

# %% [markdown]
# ### Further reading
#
# - Lin (2004), [ROUGE: A Package for Automatic Evaluation of Summaries](https://aclanthology.org/W04-1013/)
# - Radford et al. (2019), [Language Models are Unsupervised Multitask Learners](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf),
#   section 3.6
# - Brown et al. (2020), [Language Models are Few-Shot Learners](https://arxiv.org/abs/2005.14165)
#
# Next: [06 · Question answering](06_question_answering.ipynb), where an answer is right or wrong
