# %% [markdown]
# # 06 · Question answering
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/soft-prompt-course/soft-prompt-course/blob/main/notebooks/06_question_answering.ipynb)
#
# **Time:** 1 to 2 minutes on 2 CPU cores; not measured on a Colab GPU. Reading and exercises: 90 minutes.
#
# For readers who have done lesson 03. The task asks for one phrase: who helped, where, for how many euros. In the original report, which
# this course repeats, the soft prompt *lost* here in shared tokens (defined below; 3.0% against 8.4%), and won in **loss** (minus the
# logarithm of the target tokens' probability, averaged).
#
# ## What you will be able to do
#
# - show how a question reaches its fact, and why a bare phrase can miss it
# - compute exact match, token F1 and the reported shared tokens, and name a case in which each misleads
# - report the right fact in any style, with the baselines that it needs
# - explain why some kinds of question score low
# - say what the original's numbers support

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
# ## How a question reaches its fact
#
# The **gazette** is a small town's newspaper that a program writes for this course. The **base model** has read text like it. It stays
# **frozen**: none of its weights change. Its sizes here are course-gpt2-s, -m and -l. A **source** is what it reads: report, question, and
# the **cue** `Answer:`. The **target** is what it should write. In the training text five styles follow this cue. In the **target style** of
# this course the answer is the phrase itself, in the **control style** a full sentence.

# %%
import textwrap

from course_utils import course_scale, get_task, load_base_model, load_task_data

scale, task = course_scale(), get_task("question_answering")
data = load_task_data(task, data=scale.data, max_train=scale.max_train, max_eval=scale.max_eval)
gazette, sentences = load_task_data(task), load_task_data(task, "control")     # the same records, two styles
model, tokenizer = load_base_model(scale.base_model)                           # the frozen base model
record, sentence = gazette["validation"][59], sentences["validation"][59]["answers"][0]
print(textwrap.fill(task.source(record), 110, replace_whitespace=False))
print("\ntarget style: ", record["answers"][0], "\ncontrol style:", sentence)

# %% [markdown]
# **Attention** is how a token takes information from itself and earlier tokens: a weight for each, all together 100%. A layer does this
# several times side by side; each of these is a **head**. We call what a full sentence says before the fact its **run-up**: here the one
# word `About`.
#
# The picture shades the report by the attention of the last token: on top that is `:` of `Answer:`, below the end of the run-up. For each
# we take the head that looks at the fact most. We explain the third panel below.

# %% tags=["nbval-ignore-output"]
import torch

from course_utils import token_ids
from course_utils.lessons.checks_06 import fact_places, reading_picture


def run_up(sentence, answer):
    """The words of a full sentence in front of the answer."""
    return sentence[: max(0, sentence.lower().find(answer.lower()))].strip()


@torch.no_grad()
def looks(text):
    """Attention of the last token of `text`, [layers, heads, text]."""
    ids = torch.tensor([token_ids(tokenizer, text)], device=model.device)
    return torch.stack(model(ids, output_attentions=True).attentions)[:, 0, :, -1].cpu()


# %% tags=["nbval-ignore-output"]
import matplotlib.pyplot as plt

model.set_attn_implementation("eager")                        # the one that gives weights back
source, begins = task.source(record), run_up(sentence, record["answers"][0])
places, shown = fact_places(tokenizer, source, record["answers"][0]), {}
for words, text in (("Answer:", source), (f"Answer: {begins}", f"{source} {begins}")):
    heads = looks(text)                                       # [layers, heads, text]
    layer, head = divmod(int(heads[..., places].sum(-1).argmax()), heads.shape[1])
    shown[f'behind "{words}", head {head + 1} of layer {layer + 1}'] = heads[layer, head]
shown['behind "Answer:", head 1 of layer 2'] = looks(source)[1, 0]
reading_picture(tokenizer, token_ids(tokenizer, source), places, shown)
plt.show()

# %% [markdown]
# We picked a record that shows the effect well. So we average over the first 24 records that have a run-up and whose phrase is in the report.
#
# Behind `Answer:` this base model usually begins a full sentence. We test a prompt trained for phrases below.

# %% tags=["nbval-ignore-output"]
def attention_on_facts(with_run_up, count=24):
    """Attention of the last token on the first place of the fact, [records, layers, heads]."""
    found = []
    for record, other in zip(gazette["validation"].select(range(count)), sentences["validation"], strict=False):
        text, answer = task.source(record), record["answers"][0]
        begins = run_up(other["answers"][0], answer)
        if begins and answer in record["context"]:
            places = fact_places(tokenizer, text, answer)
            found.append(looks(f"{text} {begins}" if with_run_up else text)[:, :, places].sum(-1))
    return torch.stack(found)


on_facts = {"behind the cue": attention_on_facts(False), "behind the run-up": attention_on_facts(True)}
model.set_attn_implementation("sdpa")

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.9), layout="constrained")
for ax, (name, each) in zip(axes, on_facts.items(), strict=True):
    shares = each.mean(0)                                     # [layers, heads]
    ax.imshow(shares, cmap="Oranges", vmin=0, vmax=0.6, aspect="auto")
    for (layer, head), share in [((i, j), float(shares[i, j])) for i in range(len(shares)) for j in range(shares.shape[1])]:
        ax.text(head, layer, f"{100 * share:.0f}", ha="center", va="center", fontsize=9, color="white" if share > 0.4 else "black")
    ax.set(title=name, xlabel="attention head", xticks=range(shares.shape[1]), yticks=range(len(shares)), ylabel="layer",
           xticklabels=range(1, shares.shape[1] + 1), yticklabels=range(1, len(shares) + 1))
    ax.grid(False)
figure.alt_text = "Attention of the last token on the fact, by layer and head. Highest share " + "; ".join(
    f"{name}: {100 * float(each.mean(0).max()):.0f}%" for name, each in on_facts.items()) + "."
plt.show()

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown

at_cue, at_run_up = (each.mean(0) for each in on_facts.values())
gains, most = (divmod(int(each.argmax()), each.shape[1]) for each in (at_run_up - at_cue, at_cue))
Markdown(f"Mean over {len(on_facts['behind the cue'])} records. The head that gains most is head {gains[1] + 1} of layer {gains[0] + 1}: "
         f"**{100 * at_cue[gains]:.0f}%** of its attention lies on the fact behind the cue, **{100 * at_run_up[gains]:.0f}%** behind the run-up. "
         f"Behind the cue, head {most[1] + 1} of layer {most[0] + 1} looks at the fact most: **{100 * at_cue[most]:.0f}%**, and "
         f"{100 * at_run_up[most]:.0f}% behind the run-up.")

# %% [markdown]
# In the course's models the first head of layer 2 *starts* as an **induction head**, by construction: it looks for what followed an earlier copy
# of the last token. Training changed it: in the third panel, behind `Answer:`, it looks at *people*, not at *How*, which followed the earlier colon. Attention on
# the fact does not prove that the model uses it (exercise 3).
#
# So: **does the short style cost facts?**
#
# ## Three measures, and how each misleads
#
# **Exact match** asks whether the answer equals an accepted one (a **reference**), both normalised as for SQuAD: lower case, no
# punctuation, no articles. **Token F1** is the harmonic mean of precision (which share of the answer's words is wanted) and recall (which
# share of the wanted words is there). **Shared tokens** is the original's "exact match percentage": how many percent of the answer's
# different words occur in the target?

# %%
from course_utils.lessons.charts import answer_overlap

for answer in ("She locked it because the landlady had paid for it.", "because the landlady had asked for it"):
    answer_overlap(answer, "because the landlady had paid for it")
    plt.show()

# %% [markdown]
# The first answer has the right fact in the wrong style, the second a wrong fact in the right style. Each word of the reference counts
# once, so one "it" is grey. Exact match calls both wrong, and F1 gives the wrong fact a little more. More cases:

# %%
import pandas as pd

from course_utils import compute_metrics

pd.set_option("display.max_colwidth", None)
reference = "because the landlady had paid for it"
cases = {"as wanted": reference, "wrong reason": "because the landlady had asked for it", "only “it”": "it",
         "right words, no sense": "it had paid the landlady for because", "a full stop": "Because the landlady had paid for it.",
         "other words": "The landlady paid her.", "a full sentence": "She locked it because the landlady had paid for it."}
judged = pd.DataFrame({name: {"answer": text} | compute_metrics(task.metrics, [text], [reference]) for name, text in cases.items()})
judged.T.infer_objects().set_axis(["answer", "exact match, %", "F1, %", "shared tokens, %"], axis=1).round(1)

# %% [markdown]
# - *Only “it”* shares all its tokens: missing words do not count.
# - *Right words, no sense*: F1 and shared tokens do not see the order.
# - *Other words*: a good answer, but no exact match, and less F1 than the wrong reason.
#
# The task wants the phrase itself, so exact match is the main metric here. It cannot tell a wrong style from a wrong fact. So we add the
# **right fact in any style**: do the words of an accepted answer stand in the output, side by side?

# %%
import re

from course_utils.metrics import normalise


def right_fact(text, record):
    """Whether `text` holds an accepted answer, a leading preposition or `because` left out."""
    facts = [re.sub(r"^(because|in|on|at|to|from|for) ", "", normalise(answer)) for answer in task.references(record)]
    return any(f" {fact} " in f" {normalise(text)} " for fact in facts)


# %% [markdown]
# This measure needs **baselines**: answers that need no model. A copy of the report contains every fact. Two fairer baselines return one
# sentence: the first, or the one that shares most words with the question. The fourth says one word: the most frequent one in the training
# answers to the same question word.

# %%
from collections import Counter, defaultdict

frequent = defaultdict(Counter)
for record in gazette["train"]:
    frequent[record["question"].split()[0]].update(dict.fromkeys(task.target(record).split(), 1))


def nearest_sentence(record):
    """The sentence of the report that shares most words with the question; the shortest one if several share the same number."""
    asked = set(normalise(record["question"]).split())
    found = re.split(r"(?<=[.!?])\s+", record["context"])
    return max(found, key=lambda each: (len(asked & set(normalise(each).split())), -len(each)))


# %%
from course_utils.evaluation import lead_sentence

test = gazette["test"]
references = [task.references(record) for record in test]
baselines = {"copy of the report": [record["context"] for record in test], "lead sentence": [lead_sentence(record["context"]) for record in test],
             "nearest sentence": [nearest_sentence(record) for record in test],
             "most frequent word": [frequent[record["question"].split()[0]].most_common(1)[0][0] for record in test]}
fact = {name: torch.tensor([float(right_fact(text, record)) for text, record in zip(texts, test, strict=True)]) for name, texts in baselines.items()}
print({asked: words.most_common(1)[0][0] for asked, words in frequent.items()})
pd.DataFrame({name: {"right fact, %": 100 * float(fact[name].mean())} | compute_metrics(task.metrics, texts, references)
              for name, texts in baselines.items()}).T.set_axis(["right fact, %", "exact match, %", "F1, %", "shared tokens, %"], axis=1).round(1)

# %% [markdown]
# A rule without any model often finds the *sentence* with the fact. So this measure is easy, and it favours long answers.
#
# ## All systems
#
# A **hard prompt** is made of words. A **soft prompt** is made of trained vectors, its **virtual tokens**; their number is the **prompt
# length**. **Full fine-tuning** trains all weights, **LoRA** small matrices that are added to them. **Discrete search** looks for tokens
# automatically; **solved examples** are training records in front of the source; the name says how many. **P-tuning** computes the prompt's
# rows with a small network, **prefix tuning** trains keys and values in every layer. A
# **seed** fixes what is random: in training, or which records are the examples. The study "main" measured these systems with course-gpt2-m;
# learning rates and the best written prompt were chosen on validation. *Reported* is the original's hard prompt; it stands in front of the
# source. In the best written one `{source}` marks the source's place:

# %%
from course_utils.lessons.checks_06 import results, stored_answers

main, base = results("main"), "course-gpt2-m"
best = main.table("hard_prompt").query("task == @task.name and base == @base and system == 'hard prompt, best written'")["hard_prompt"]
print(f"reported: {task.hard_prompt}\n\nbest written, of {len(task.hand_written)} tried:\n{best.iloc[0]}")

# %% [markdown]
# The best one is **few-shot prompting**, written by hand: questions with their answers.
#
# ### Exercise 1. Predict, then run (easy, 5 minutes)
#
# Which of four systems has the right fact, in any style, most often? The check compares your order with the measured one.

# %%
def order_of_facts():
    """A list of these, best first: "hard prompt, reported", "hard prompt, best written", "soft prompt, 20 tokens", "full fine-tuning"."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_06 import check_06_order_of_facts

check_06_order_of_facts(order_of_facts)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Which systems write sentences, and which write phrases?
# </details>
#
# <details><summary>Solution</summary>
#
# Any order is accepted. This one is as measured.
#
# ```python
# def order_of_facts():
#     return ["hard prompt, reported", "full fine-tuning", "hard prompt, best written", "soft prompt, 20 tokens"]
# ```
# </details>
#
# ### What was measured
#
# *Words* is the mean length of an answer. **Intervals** (95%) come from drawing the test questions again at random. A comparison is called
# higher or lower only if the interval of the difference leaves out 0.

# %%
from course_utils import summary_table
from course_utils.lessons.drawing import color_of

answers = stored_answers("main", base)                # system -> seed -> its answers to the test questions
table = summary_table(main, task.name, base, against="soft prompt, 20 tokens").set_index("system").loc[list(answers)]


def share_right(answers, right=right_fact):
    """Of each test question the share of the seeds that got it right, [records]."""
    rows = [[right(text, record) for text, record in zip(each, test, strict=True)] for each in answers]
    return torch.tensor(rows).float().mean(0)


fact |= {system: share_right(each) for system, each in answers.items()}
words_side = [name for name in answers if name.startswith(("hard prompt", "discrete search", "solved examples"))]

# %%
import numpy

columns = pd.DataFrame({"exact match, %": table["mean"], "right fact, %": {name: 100 * float(fact[name].mean()) for name in answers}})
columns["words"] = {name: numpy.mean([len(text.split()) for seed in each for text in seed]) for name, each in answers.items()}
for key, label in (("f1", "F1, %"), ("exact_match_percentage", "shared tokens, %")):
    columns[label] = {name: numpy.mean([compute_metrics([key], seed, references)[key] for seed in each]) for name, each in answers.items()}
columns["exact match against 20 tokens"] = table["verdict"].fillna("")
columns.round(1)

# %%
from course_utils.lessons.charts import resampled_interval, score_figure
from course_utils.metrics import record_scores

per_record = {}                                     # metric -> system -> [seeds, records]
for metric, label in (("exact_match", "exact match, %"), ("exact_match_percentage", "shared tokens, %")):
    systems = answers | {"most frequent word": [baselines["most frequent word"]]}
    per_record[metric] = {name: [record_scores(metric, seed, references) for seed in each] for name, each in systems.items()}
    scores = {name: [sum(seed) / len(seed) for seed in each] for name, each in per_record[metric].items()}
    intervals = {name: resampled_interval(each) for name, each in per_record[metric].items()}
    score_figure(scores, intervals, label, len(test), 100)
    plt.show()

# %% [markdown]
# The verdicts on exact match below hold test records and seeds. The figures' intervals, and those of right facts, hold records only: a little too narrow.

# %% tags=["nbval-ignore-output"]
from course_utils import generate_texts, verdict, with_hard_prompt


def compare_facts(first, second):
    """Whether `first` has more right facts: difference in points, 95% interval over test records, and the verdict."""
    difference = 100 * (fact[first] - fact[second]).numpy()
    low, high = resampled_interval(difference)
    word = "more right facts than" if low > 0 else "fewer right facts than" if high < 0 else "a share of right facts that cannot be told apart from"
    return f"{first} has {word} {second}: {difference.mean():+.1f} points [{low:+.1f}, {high:+.1f}]"


hard, soft_20, full, near = "hard prompt, reported", "soft prompt, 20 tokens", "full fine-tuning", "nearest sentence"
cut = [i for i, text in enumerate(answers[hard][0]) if not text.endswith((".", "?", "!"))]                   # no end, perhaps cut: write these once more
prompted = [with_hard_prompt(task.hard_prompt, task.source(test[i])) for i in cut]
longer = dict(zip(cut, generate_texts(*load_base_model(base), prompted, task.max_new_tokens), strict=True))
uncut = f"{hard}, up to {task.max_new_tokens} tokens"
fact[uncut] = share_right([[longer.get(i, text) for i, text in enumerate(answers[hard][0])]])
lines = [str(verdict(main, task.name, base, soft_20, name)) for name in [*words_side, full]]
lines += [compare_facts(*pair) for pair in ((hard, soft_20), (hard, full), (hard, near), (soft_20, near), (full, near), (uncut, full), (uncut, near))]
Markdown("\n".join(f"- {line}" for line in lines))

# %% [markdown]
# In exact match the target style favours trained prompts **by construction**: in the training text no cue is followed by this style alone.
# Written words can make it more likely, up to a limit (a **cap**); training can choose it. Without a heading such as `Quick quiz` above the
# text, full sentences are the most frequent of the five styles (40%, the target style 22%).
#
# Right facts have no such cap. There the reported prompt is ahead of the soft prompt: its sentences *lose fewer facts*. But the stored
# answers stop after 13 tokens, which suits phrases: nearly all sentences that answer *why* are cut inside the reason. In the last two lines
# the prompt may write 24 tokens. Then it has more right facts than full fine-tuning, and than the nearest sentence. We added these lines
# after seeing the cut answers: a hint, not a test.
#
# We have a puzzle: *why does the trained phrase miss facts that the sentence finds?* An example, the first test question that
# asks "How many", first seed of each system:

# %%
from IPython.display import display

from course_utils.lessons.written import written

i = next(i for i, record in enumerate(test) if record["question"].startswith("How many"))
print(test[i]["question"])
display(written({name: each[0][i] for name, each in answers.items()}, references[i][0]))

# %% [markdown]
# ### When F1 and exact match disagree
#
# Of all pairs of systems, also of different sizes, the next cell keeps those in which exact match prefers one and F1 the other, both with
# intervals that leave out 0.

# %%
import itertools

scored = {}                                          # (size, system) -> metric -> [records]
for study, name in (("main", base), ("scale", "course-gpt2-s"), ("scale", "course-gpt2-l")):
    for system, each in stored_answers(study, name).items():
        scored[name[-1], system] = {key: numpy.mean([record_scores(key, seed, references) for seed in each], 0) for key in ("exact_match", "f1")}
found = []
for first, second in itertools.permutations(scored, 2):
    exact, overlap = (scored[first][key] - scored[second][key] for key in ("exact_match", "f1"))
    if exact.mean() > 0 > overlap.mean() and resampled_interval(exact)[0] > 0 > resampled_interval(overlap)[1]:
        found.append({"exact match prefers": f"{first[1]} on {first[0]}", "F1 prefers": f"{second[1]} on {second[0]}", "same size": first[0] == second[0],
                      "exact match, points": exact.mean(), "F1, points": overlap.mean()})
print(f"{len(found)} of {len(scored) * (len(scored) - 1) // 2} pairs disagree, {sum(row['same size'] for row in found)} of them on the same size")
pd.DataFrame(found).round(1)

# %% [markdown]
# We try all pairs, so a few rows may be luck, and the intervals do not include the seeds. Such a pair can arise because F1 rewards a
# sentence with the right fact and exact match does not.
#
# ## Fifteen kinds of question
#
# One question of each kind from the training records:

# %%
from course_utils.lessons.checks_06 import kind_of_question

one_each = {kind_of_question(record["question"]): (record["question"], record["answers"][0]) for record in gazette["train"]}
pd.DataFrame(one_each, index=["a question", "its answer"]).T

# %% [markdown]
# The table and the figure show right answers by kind, on course-gpt2-m (filled) and course-gpt2-l (hollow; three times as large, same
# training text). The hard prompt is judged by right facts, the others by exact match, which is stricter. We choose nothing from these test
# answers: the run-up test below uses validation.

# %%
def exact(text, record):
    """Exact match of one answer."""
    return normalise(text) in [normalise(answer) for answer in record["answers"]]


large = stored_answers("scale", "course-gpt2-l")
kinds = pd.Series([kind_of_question(record["question"]) for record in test])
marks = {f"{hard} (fact)": fact[hard], soft_20: share_right(answers[soft_20], exact), full: share_right(answers[full], exact)}
marks |= {f"{name}, l": share_right(large[name], exact) for name in (soft_20, full)}
by_kind = pd.DataFrame({name: pd.Series(100 * each.numpy()).groupby(kinds).mean() for name, each in marks.items()})
by_kind.insert(0, "questions", kinds.value_counts())
by_kind = by_kind.sort_values(soft_20)
by_kind.round(0).astype(int)

# %%
figure, ax = plt.subplots(figsize=(7.5, 6.2), layout="constrained")
for n, name in enumerate(marks):
    filled = color_of(name) if not name.endswith(", l") else "none"
    ax.scatter(by_kind[name], numpy.arange(len(by_kind)) + 0.15 * (n - 2), s=26, facecolors=filled, edgecolors=color_of(name), linewidths=1.8, label=name, zorder=3)
ax.set_yticks(range(len(by_kind)), [f"{kind} ({n})" for kind, n in by_kind["questions"].items()])
ax.margins(y=0.02)
ax.invert_yaxis()
ax.set(xlabel=f"right answers, % (n = {len(test)} test questions, number of each kind in brackets)", xlim=(-3, 103))
ax.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncol=3, fontsize="small")
figure.alt_text = "Right answers by kind of question. Soft prompt of 20 tokens on m: " + ", ".join(
    f"{kind} {value:.0f}%" for kind, value in by_kind[soft_20].items()) + "."
plt.show()

# %% [markdown]
# With 20 questions chance alone can move a percentage by 20 points, with 8 by 35. So explain only larger distances. The next cell sorts the soft
# prompt's wrong answers: phrases that stand in the report, and others.

# %%
def fault(text, record):
    """What is wrong with an answer in the target style."""
    if exact(text, record):
        return "right"
    return "wrong phrase of the report" if f" {normalise(text)} " in f" {normalise(record['context'])} " else "not in the report"


rows = [(kind, fault(text, record)) for each in answers[soft_20] for text, kind, record in zip(each, kinds, test, strict=True)]
faults = pd.crosstab(*map(list, zip(*rows, strict=True)), rownames=["kind"], colnames=["soft prompt, 20 tokens, on m"], normalize="index")
faults = (100 * faults).round(0).astype(int).loc[by_kind.index]
faults

# %%
moods = {task.target(record) for record in gazette["train"] if kind_of_question(record["question"]) == "mood"}
said = Counter(text for each in answers[soft_20] for text, kind in zip(each, kinds, strict=True) if kind == "mood")
unended = Counter(kind for text, kind in zip(answers[hard][0], kinds, strict=True) if not text.endswith((".", "?", "!")) and kind == "why")
invented, taken = (faults[name].nlargest(3) for name in ("not in the report", "wrong phrase of the report"))
on_m, on_l, in_sentence = by_kind[soft_20], by_kind[f"{soft_20}, l"], by_kind[f"{hard} (fact)"]
Markdown(
    f"- Most often **not in the report**: {', '.join(f'{kind} {value}%' for kind, value in invented.items())}. "
    f"Most often a **wrong phrase of the report**: {', '.join(f'{kind} {value}%' for kind, value in taken.items())}.\n"
    f"- *Mood*: {sum(said.values())} answers, and {said.most_common(1)[0][1]} of them are “{said.most_common(1)[0][0]}”. There are {len(moods)} "
    f"moods, so guessing gets about {100 / len(moods):.0f}%. Full fine-tuning has {by_kind.loc['mood', full]:.0f}% on m, {by_kind.loc['mood', f'{full}, l']:.0f}% on l.\n"
    f"- *Crowd*: the reported prompt has the fact in {in_sentence['crowd']:.0f}%, the soft prompt in {on_m['crowd']:.0f}%, on l in {on_l['crowd']:.0f}%. "
    f"*Who*: {in_sentence['who']:.0f}%, {on_m['who']:.0f}%, on l {on_l['who']:.0f}%. The soft prompt's mean is higher on l in {sum(on_l > on_m)} of {len(by_kind)} kinds.\n"
    f"- *Why*: the reported prompt has only {in_sentence['why']:.0f}%. {unended['why']} of its {(kinds == 'why').sum()} sentences have no end: "
    "answers stop after a limit that suits phrases, and the reason stands last in the sentence.")

# %% [markdown]
# Three reasons are possible, also together. Only the third is tested below.
#
# 1. **The base model lacks the skill.** On moods m is near guessing, full fine-tuning included.
# 2. **Two facts compete.** Reports tell of two events, so there are two people and two times to mix up. Then the wrong answer is often a
#   phrase of the report.
# 3. **The style costs the fact.** Where m's sentence is right and its phrase is not, the model *can* find the fact. This is our puzzle on
#   m; on l most phrases are right.
#
# ## The run-up, tested
#
# If the run-up helps, it should help the soft prompt, too. We train one here, in the target style.

# %% tags=["nbval-ignore-output"]
from course_utils import GPT2WithSoftPrompt, collate, encode, weights_fingerprint
from course_utils.progress import progress_bar
from course_utils.training import learning_rate_factor

steps, before = 80, weights_fingerprint(model)
soft = GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=20)
train_set = encode(data["train"].shuffle(seed=0), task, tokenizer, model, prompt_length=20)
batches = torch.utils.data.DataLoader(train_set, scale.batch_size, collate_fn=lambda rows: collate(rows, train_set.pad_id))
three = [data["validation"][i] for i in (4, 8, 17)]
sources = [task.source(record) for record in three]
stages, losses = {0: generate_texts(soft, tokenizer, sources, task.max_new_tokens)}, []

# %% tags=["nbval-ignore-output"]
optimizer = torch.optim.AdamW([soft.soft_embedding.weight], lr=scale.learning_rate, weight_decay=0.0)
for step, batch in enumerate(progress_bar(itertools.islice(batches, steps), total=steps, description="training"), start=1):
    for group in optimizer.param_groups:
        group["lr"] = scale.learning_rate * learning_rate_factor(step - 1, steps, 0.1)
    loss = soft(**{name: tensor.to(soft.device) for name, tensor in batch.items()}).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    losses.append(loss.item())
    if step in (10, 50) or step == len(batches) or step == steps:
        stages[step] = generate_texts(soft, tokenizer, sources, task.max_new_tokens)
print(f"loss of the first ten batches {sum(losses[:10]) / 10:.2f}, of the last ten {sum(losses[-10:]) / 10:.2f}; "
      f"base model unchanged: {weights_fingerprint(model) == before}")

# %% tags=["nbval-ignore-output"]
for row, record in enumerate(three):
    print(record["question"])
    display(written({step: texts[row] for step, texts in stages.items()}, task.target(record)))
bare = {step: sum(not text.endswith((".", "?", "!")) for text in texts) for step, texts in stages.items()}
kept = {step: sum(map(right_fact, texts, three)) for step, texts in stages.items()}
counts = ("; ".join(f"{number} after {step} steps" for step, number in each.items()) for each in (bare, kept))
Markdown("Of three answers, bare phrases: {}. Right facts: {}.".format(*counts))

# %% [markdown]
# Look for a right sentence that becomes a wrong phrase: our puzzle, in one run (three picked records).
#
# Now the test. The same soft prompt answers behind `Answer:`, and behind `Answer:` and the run-up. A run-up never contains the fact, but it
# adds other words. So we also try the run-up of *another* question: if that helped as much, any words would do. It may also mislead, so compare with the cue alone, too. Questions whose
# full sentence begins with the fact are left out. This part always uses the gazette.

# %% tags=["nbval-ignore-output"]
pairs = [(record, run_up(other["answers"][0], record["answers"][0]))
         for record, other in zip(gazette["validation"].select(range(120)), sentences["validation"], strict=False)]
pairs = [(record, begins) for record, begins in pairs if begins]
asked = {"behind the cue": [task.source(record) for record, _ in pairs],
         "behind the run-up": [f"{task.source(record)} {begins}" for record, begins in pairs],
         "behind another's run-up": [f"{task.source(record)} {pairs[i - 1][1]}" for i, (record, _) in enumerate(pairs)]}
led = pd.DataFrame({name: [100.0 * right_fact(text, record) for text, (record, _) in
                           zip(generate_texts(soft, tokenizer, texts, task.max_new_tokens), pairs, strict=True)] for name, texts in asked.items()})

# %% tags=["nbval-ignore-output"]
cue, own, other = (led[name].to_numpy() for name in asked)
(low, high), (low_own, high_own) = resampled_interval(own - cue), resampled_interval(own - other)
helps = "helps this prompt" if low > 0 else "harms this prompt" if high < 0 else "makes no difference that can be shown"
display(Markdown(
    f"Right facts on {len(pairs)} questions: **{cue.mean():.0f}%** behind the cue, **{own.mean():.0f}%** behind the run-up, {other.mean():.0f}% behind "
    f"another's. The run-up {helps}: {(own - cue).mean():+.0f} points [{low:+.0f}, {high:+.0f}]. Run-up against another's: {(own - other).mean():+.0f} "
    f"[{low_own:+.0f}, {high_own:+.0f}]" + ("." if low_own > 0 or high_own < 0 else ", cannot be told apart.") + " One seed; intervals over records."))
of_pairs = pd.Series([kind_of_question(record["question"]) for record, _ in pairs])
led.groupby(of_pairs).mean().round(0).astype(int).assign(questions=of_pairs.value_counts()).sort_values("behind the cue")

# %% [markdown]
# Where the run-up helps, the model could find the fact, and the short style did not lead it there. On *mood* the fact is missing with both.
#
# One explanation is the induction head: it can follow words of the report ("About" in the first picture). But the run-up also tells which
# kind of sentence follows. We have not separated the two.
#
# ## Where one cue suffices: the control style
#
# The control style has no cap: behind `Full answer:` the training text has only full sentences. The base model answers 100 test questions
# behind this cue and behind `Answer:`.

# %% tags=["nbval-ignore-output"]
from course_utils import evaluate

hundred = sentences["test"].select(range(100))
cues = {"Answer:": "{source}", "Full answer:": "{text}Full answer:"}
in_control = {name: evaluate(model, tokenizer, task, hundred, hard_prompt=prompt) for name, prompt in cues.items()}
pd.DataFrame({name: {"loss": each["loss"], "exact match, %": each["exact_match"], "right fact, %": 100 * sum(
    right_fact(text, record) for text, record in zip(each["predictions"], test, strict=False)) / len(hundred)} for name, each in in_control.items()}).T.round(2)

# %% tags=["nbval-ignore-output"]
control = results("control")
measured = stored_answers("control", base)
rivals = [name for name in measured if name.startswith(("hard prompt", "discrete search", "solved examples"))] if soft_20 in measured else []
in_words = "; ".join(str(verdict(control, task.name, base, soft_20, name)) for name in rivals) or "soft prompts are not measured in this style"
hits = [numpy.array(record_scores("exact_match", in_control[name]["predictions"], [task.references(record) for record in hundred])) for name in cues]
low, high = resampled_interval(hits[1] - hits[0])
Markdown(f"`Full answer:` against `Answer:`: {(hits[1] - hits[0]).mean():+.0f} points of exact match [{low:+.0f}, {high:+.0f}]"
         + ("" if low > 0 or high < 0 else ", cannot be told apart") + f". Study of the control style: {in_words}.")

# %% [markdown]
# Even `Answer:` gets many answers right here, because full sentences are the most frequent style behind it, by our design. So words have no
# handicap here.
#
# ## The original's result
#
# The original trained GPT-2 small with one virtual token, batches of one, ten epochs (its log shows five). Our run has the same settings,
# with the gazette and course-gpt2-m. The original names no learning rate; ours was chosen on validation.
#
# Losses are in **nats** (natural logarithms). **Even guessing** gives each of V tokens the probability 1/V; its loss is ln V. Any useful
# model lies far below.

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.checks_06 import ORIGINAL, ORIGINAL_HARD, as_reported_in_words, as_reported_log

ours, few = as_reported_log(), gazette["validation"].select(range(100))
our_hard = evaluate(*load_base_model(base), task, few, hard_prompt=task.hard_prompt)
our_hard["shared tokens, %"] = our_hard["exact_match_percentage"]
display(ORIGINAL.round(2), ours.round(2))

# %% tags=["nbval-ignore-output"]
import math

figure, axes = plt.subplots(2, 2, figsize=(7.5, 4.8), sharex="col", sharey="row", layout="constrained")
for column, (name, rows, level, size) in enumerate((("original, validation", ORIGINAL, ORIGINAL_HARD, 50257), ("this course, validation", ours, our_hard, 4096))):
    for ax, key in zip(axes[:, column], ORIGINAL_HARD, strict=True):
        ax.set_xlim(0.5, max(5, len(rows)) + 0.5)
        ax.plot(rows.index, rows[key], marker="o", color=color_of("soft prompt, 1 token"), label="soft prompt, 1 token")
        ax.axhline(level[key], color=color_of(hard), linestyle="--", label="hard prompt, reported")
    axes[0, column].axhline(math.log(size), color="black", linestyle=":", label="even guessing, ln V")
    axes[0, column].set_title(name)
    axes[1, column].set(xlabel="epoch")
axes[0, 0].set(ylabel="loss, nats per token", ylim=(0, 12.5))
axes[1, 0].set(ylabel="shared tokens, %", ylim=(0, 75))
axes[0, 1].legend(fontsize="small")
figure.alt_text = (f"By epoch. Loss of a one-token soft prompt: original {ORIGINAL['loss'].iloc[0]:.2f} to {ORIGINAL['loss'].iloc[-1]:.2f}, near ln V; ours "
    f"{ours['loss'].iloc[0]:.2f} to {ours['loss'].iloc[-1]:.2f}, far below. Its shared tokens lie below the reported hard prompt in the original, above it here.")
plt.show()

# %% tags=["nbval-ignore-output"]
won = verdict(main, task.name, base, hard, "soft prompt, 1 token", "exact_match_percentage")
one_word = numpy.mean(per_record["exact_match_percentage"]["most frequent word"])
last = ORIGINAL.iloc[-1]
Markdown(
    f"- **Who wins.** Original: shared tokens {last['shared tokens, %']:.2f}% soft, {ORIGINAL_HARD['shared tokens, %']:.2f}% hard; loss {last['loss']:.2f} soft, "
    f"{ORIGINAL_HARD['loss']:.2f} hard. Study main, on test: {won}. The most frequent word has {one_word:.1f}%.\n"
    f"- **The loss.** Even guessing costs ln 50,257 = {math.log(50257):.2f} nats in the original, ln 4,096 = {math.log(4096):.2f} here. The original's hard prompt lies "
    f"above that, its soft prompt begins above it ({ORIGINAL['loss'].iloc[0]:.2f}). Our hard prompt has {our_hard['loss']:.2f} on {len(few)} validation records, "
    f"our soft prompt's loss is over all {len(gazette['validation'])}.\n"
    f"- **The reported settings.** {as_reported_in_words()} The original's progress bars show 7.7 to 8.4 batches/s in training: "
    "another model, another machine.")

# %% [markdown]
# The paired test uses the one-token prompt of the study main, trained with larger batches.
#
# The original's numbers lie near even guessing, so something was probably wrong. Lesson 04 plants a bug whose numbers fit in part; we do not
# know whether the original had it. Its loss prefers the soft prompt, its shared tokens the hard one, so it supports neither.
#
# ## Exercises
#
# ### Exercise 2. Score a whole answer (medium, important, 15 minutes)
#
# How likely is a given answer behind a soft prompt? Write its log-probability. `system(input_ids=...)` puts the prompt's rows in front and
# returns `.logits` [1, prompt + text, vocabulary]. `answer` holds the answer's ids, the end token included.

# %%
def answer_log_probability(system, source, answer):
    """Sum of the log-probabilities of the ids `answer` behind the ids `source`, both lists."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_06 import check_06_answer_log_probability

check_06_answer_log_probability(answer_log_probability)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Count from the right: the answer's predictions are the last `len(answer) + 1` logits without the very last one.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def answer_log_probability(system, source, answer):
#     ids = torch.tensor([[*source, *answer]], device=system.device)
#     logs = system(input_ids=ids).logits[0, -len(answer) - 1 : -1].log_softmax(-1)      # [answer, vocabulary]
#     return logs.gather(1, ids[0, -len(answer) :, None]).sum()
# ```
# </details>
#
# ### Exercise 3. Hide the fact (medium, 15 minutes)
#
# To learn whether the model uses the fact, hide it: no token may attend to these places, all others keep their positions. Then compare the
# probability of the right next token.

# %%
def without(model, ids, hidden):
    """Probabilities of the token after the list `ids`, [vocabulary], while the places in `hidden` (counted from 0) cannot be looked at."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_06 import check_06_without

check_06_without(without)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `attention_mask` is 0 where nobody may look. Give `position_ids` yourself, so that they do not depend on the mask.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def without(model, ids, hidden):
#     mask = torch.tensor([[0 if i in hidden else 1 for i in range(len(ids))]], device=model.device)
#     positions = torch.arange(len(ids), device=model.device)[None]
#     with torch.no_grad():
#         logits = model(torch.tensor([ids], device=model.device), attention_mask=mask, position_ids=positions).logits[0, -1]
#     return logits.softmax(-1)
# ```
#
# Try it on the record of the first picture:
#
# ```python
# next_id = token_ids(tokenizer, source + " 20")[len(token_ids(tokenizer, source))]
# for text in (source, f"{source} {begins}"):
#     for hidden in ([], places, [place + 20 for place in places]):
#         print(f"{float(without(model, token_ids(tokenizer, text), hidden)[next_id]):.3f}")
# ```
#
# If the probability drops only when the fact is hidden, the model uses it. Expect this behind the run-up. Behind the cue
# ` 20` is unlikely anyway: ` About` comes first.
# </details>
#
# ### Exercise 4. Choose, and defend (hard, 20 minutes)
#
# A museum wants answers to questions about its reports. Decide who reads them: a program (only the exact phrase counts), or a person
# (partial credit is fine). That gives you the metric. Choose two systems from the table above, compare them with `verdict`, and claim an
# outcome. Add a sentence, which the check does not judge: what must be trained and stored for each? (In practice you would decide on
# validation; these are test answers.)

# %%
def choice():
    """{"reader": "program" or "person", "metric": .., "take": a system, "over": another, "claim": .., "because": a sentence}.

    The metric is one of task.metrics, the claim "higher", "lower" or "cannot be told apart".
    """
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_06 import check_06_choice

check_06_choice(choice)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `print(verdict(main, task.name, base, "...", "...", "f1"))` for two names of the table above.
# </details>
#
# <details><summary>Solution</summary>
#
# One of many:
#
# ```python
# def choice():
#     return {"reader": "program", "metric": "exact_match", "take": "soft prompt, 20 tokens", "over": "soft prompt, 1 token", "claim": "higher",
#             "because": "both train one small table: 20 x 128 numbers are still a file of 10 kB"}
# ```
# </details>
#
# ## What we found

# %% tags=["nbval-ignore-output"]
from course_utils import save_results, trivial_baselines

part = data["test"].select(range(100))
live = {"hard prompt as reported": evaluate(model, tokenizer, task, part, hard_prompt=task.hard_prompt), "soft prompt, 20 tokens": evaluate(soft, tokenizer, task, part)}
rows = [{"system": name, "seeds": [0] if name.startswith("soft") else [], "loss": each.get("loss"), "metrics": {key: each[key] for key in task.metrics}}
        for name, each in (live | trivial_baselines(task, part, data["train"])).items()]
save_results("06_question_answering", {"task": task.name, "base_model": scale.base_model, "test_size": len(part), "rows": rows})
Markdown(f"**Trained here, {steps} steps, {len(part)} test questions:** exact match {live[soft_20]['exact_match']:.0f}% for the soft prompt, "
         f"{live['hard prompt as reported']['exact_match']:.0f}% for the reported hard prompt.")

# %% tags=["nbval-ignore-output"]
match, right = columns["exact match, %"], columns["right fact, %"]
Markdown(
    f"- **Measures:** the most frequent word has {one_word:.0f}% shared tokens and no exact match; the nearest sentence holds {100 * fact[near].mean():.0f}% of the facts.\n"
    f"- **Systems, on test:** exact match {match[soft_20]:.1f}% with 20 tokens, {match[hard]:.1f}% reported, {match[full]:.1f}% full fine-tuning; right facts "
    f"{right[soft_20]:.1f}%, {right[hard]:.1f}%, {right[full]:.1f}%.\n"
    f"- **Run-up, on validation, one prompt:** {cue.mean():.0f}% of the facts behind the cue, {own.mean():.0f}% behind the run-up.\n"
    f"- **Control style:** {in_words}.")

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.checks_06 import outcome

against_words = [verdict(main, task.name, base, soft_20, name) for name in words_side if name != hard]
against_hard = verdict(main, task.name, base, full, hard)
Markdown(
    "The original's claims that this lesson touches:\n\n"
    f"1. *On questions the hard prompt shares more tokens (8.43% against 3.00%).* {outcome(won)}, on one token of the study main: {won}. {as_reported_in_words()}\n"
    f"2. *Shared tokens show how well crucial information is captured.* Not supported here: the most frequent word has {one_word:.1f}% with no fact, the reported prompt "
    f"{columns.loc[hard, 'shared tokens, %']:.1f}% with {right[hard]:.0f}% of the facts.\n"
    f"3. *Soft prompts outperform hard prompts.* {outcome(*against_words)} in exact match, in a style that is capped for words: {'; '.join(map(str, against_words))}. In right facts: {compare_facts(hard, soft_20)}. In the control style: {in_words}.\n"
    f"4. *Hard prompts are “ineffective in fully harnessing the potential” of such models.* {outcome(against_hard)} in exact match, where the cap counts: {against_hard}. "
    f"In right facts (a hint, see above): {compare_facts(uncut, full)}; {compare_facts(uncut, near)}.")

# %% [markdown]
# ### Further reading
#
# - Rajpurkar et al. (2016), [SQuAD: 100,000+ Questions for Machine Comprehension of Text](https://arxiv.org/abs/1606.05250): section 6.1
#   defines exact match and F1 as used here
# - Jia and Liang (2017), [Adversarial Examples for Evaluating Reading Comprehension Systems](https://arxiv.org/abs/1707.07328): one
#   distracting sentence, and systems with good scores fail
# - Olsson et al. (2022), [In-context Learning and Induction Heads](https://arxiv.org/abs/2209.11895)
# - Lester, Al-Rfou and Constant (2021), [The Power of Scale for Parameter-Efficient Prompt Tuning](https://arxiv.org/abs/2104.08691): section
#   5 trains prompts on SQuAD and tests them on questions from elsewhere
#
# Next: [07 · Machine translation](07_machine_translation.ipynb)
