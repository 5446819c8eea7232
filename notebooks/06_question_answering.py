# %% [markdown]
# # 06 · Question answering
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/soft-prompt-course/soft-prompt-course/blob/main/notebooks/06_question_answering.ipynb)
#
# **Time:** 1 to 2 minutes on 2 CPU cores; on a Colab GPU not measured, expect no more. Reading and exercises: 90 minutes.
#
# For whoever can train a soft prompt (lesson 03). The task asks for one phrase: who helped, where, for how many euros. Here the
# soft prompt of the original report *lost* to the hard prompt. So we look at the prompts, and at the measures that decide who won.
#
# ## What you will be able to do
#
# - show how a question reaches its fact, and why a full sentence finds facts that a bare phrase misses
# - compute exact match, token F1 and the reported share of shared tokens, and name a case in which each misleads
# - report the right fact in any style beside exact match, with the trivial baselines that such a column needs
# - explain why some of fifteen kinds of question score low, and tell what a prompt can mend and what it cannot
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
# A **source** is what the model reads: report, question, and the cue `Answer:`. The **target** is what it should write. In the gazette
# every question has two targets. In the **target style** of this course the answer is the phrase itself. In the **control style** it is
# a full sentence.

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
# The fact is there to be copied. To copy it, the last token must look at it: attention. What a full sentence says before it comes to
# the fact we call its **run-up**. Its words repeat the question or the report. The picture shows the report twice, shaded by the
# attention of the last token: on top that is `:` of `Answer:`, below the last token of the run-up. For each we take the attention
# head that looks at the fact most.

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
for name, text in (('behind "Answer:"', source), (f'behind "Answer: {begins}"', f"{source} {begins}")):
    heads = looks(text).flatten(0, 1)                         # [layers * heads, text]
    shown[name] = heads[heads[:, places].sum(1).argmax()]
reading_picture(tokenizer, token_ids(tokenizer, source), places, shown)
plt.show()

# %% [markdown]
# One record can mislead. So we look at 24 records, all heads, and add up the attention on the fact.

# %% tags=["nbval-ignore-output"]
def attention_on_facts(with_run_up, count=24):
    """Mean attention of the last token on the fact, [layers, heads]."""
    found = []
    for record, other in zip(gazette["validation"].select(range(count)), sentences["validation"], strict=False):
        text, answer = task.source(record), record["answers"][0]
        begins = run_up(other["answers"][0], answer)
        if begins and answer in record["context"]:
            places = fact_places(tokenizer, text, answer)
            found.append(looks(f"{text} {begins}" if with_run_up else text)[:, :, places].sum(-1))
    return torch.stack(found).mean(0)


on_facts = {"behind the cue": attention_on_facts(False), "behind the run-up": attention_on_facts(True)}
model.set_attn_implementation("sdpa")

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.9), layout="constrained")
for ax, (name, shares) in zip(axes, on_facts.items(), strict=True):
    ax.imshow(shares, cmap="Oranges", vmin=0, vmax=0.6, aspect="auto")
    for (layer, head), share in [((i, j), float(shares[i, j])) for i in range(len(shares)) for j in range(shares.shape[1])]:
        ax.text(head, layer, f"{100 * share:.0f}", ha="center", va="center", fontsize=9, color="white" if share > 0.4 else "black")
    ax.set(title=name, xlabel="attention head", xticks=range(shares.shape[1]), yticks=range(len(shares)), ylabel="layer",
           xticklabels=range(1, shares.shape[1] + 1), yticklabels=range(1, len(shares) + 1))
    ax.grid(False)
figure.alt_text = "Attention of the last token on the fact, in percent, by layer and head: behind the cue and behind the run-up."
plt.show()

# %% tags=["nbval-ignore-output"]
from IPython.display import Markdown

bare, led = on_facts.values()
layer, head = divmod(int((led - bare).argmax()), led.shape[1])
Markdown(f"The head that gains most is head {head + 1} of layer {layer + 1}: **{100 * bare[layer, head]:.0f}%** of its attention lies on the fact "
         f"behind the cue, **{100 * led[layer, head]:.0f}%** behind the run-up.")

# %% [markdown]
# In the course's models the first head of layer 2 *starts* as an **induction head**: it looks for what followed the last words when they
# occurred before (data card, "The base models"). So this is built in by construction. Behind `Answer:` such a head has nothing
# to follow, and the fact must be found in another way. Attending is not yet using: exercise 3 hides the fact.
#
# This raises a question: **does the short style cost facts?** First we need measures.
#
# ## Three measures, and how each misleads
#
# **Exact match** asks whether the answer equals an accepted one (a **reference**). Both are normalised as for SQuAD (Rajpurkar et al. 2016):
# lower case, no punctuation, no articles. **Token F1** is the harmonic mean of precision (which share of the answer's words is wanted) and recall
# (which share of the wanted words is there). **Shared tokens** is the original's measure, called "exact match percentage" there:
# of the *set* of output tokens, the percentage that occurs in the target. We take words for tokens. It is not an exact match.

# %%
from course_utils.lessons.charts import answer_overlap

answer_overlap("She locked it because the landlady had paid for it.", "because the landlady had paid for it")
plt.show()

# %%
answer_overlap("because the landlady had asked for it", "because the landlady had paid for it")
plt.show()

# %% [markdown]
# The first answer has the right fact in the wrong style, the second a wrong fact in the right style. Exact match calls both wrong, and
# F1 likes the wrong fact a little better, 83 against 80. More cases, with all three measures:

# %%
import pandas as pd

from course_utils import compute_metrics

reference = "because the landlady had paid for it"
cases = {"as wanted": reference, "wrong reason": "because the landlady had asked for it", "one word": "it",
         "right words, no sense": "it had paid the landlady for because", "a full stop": "Because the landlady had paid for it.",
         "other words": "The landlady paid her.", "a full sentence": "She locked it because the landlady had paid for it."}
judged = pd.DataFrame({name: {"answer": text} | compute_metrics(task.metrics, [text], [reference]) for name, text in cases.items()})
judged.T.set_axis(["answer", "exact match, %", "F1, %", "shared tokens, %"], axis=1).round(1)

# %% [markdown]
# - *One word*: the share of shared tokens is full. This measure asks whether what was said is wanted, never whether what is wanted was said.
# - *Right words, no sense*: F1 and shared tokens do not see the order.
# - *A full stop*: shared tokens trip over a capital letter and a dot.
# - *Other words*: a good answer, worth nothing in exact match, and less in F1 than the wrong reason.
#
# The task wants the phrase itself, so exact match is the main metric here. It cannot tell a wrong style from a wrong fact. So we add a
# fourth column, the **right fact in any style**: do the words of an accepted answer stand in the output, side by side?

# %%
import re

from course_utils.metrics import normalise


def right_fact(text, record):
    """Whether `text` holds an accepted answer, a leading preposition or `because` left out."""
    facts = [re.sub(r"^(because|in|on|at|to|from|for) ", "", normalise(answer)) for answer in record["answers"]]
    return any(f" {fact} " in f" {normalise(text)} " for fact in facts)


# %% [markdown]
# Such a column needs **baselines**: answers that need no model. Whoever copies the whole report has every fact. Two fairer ones
# give back one sentence: the first, or the one that shares most words with the question. The fourth baseline says one word for each
# question word, the one that is most frequent in such training answers.

# %%
from collections import Counter, defaultdict

frequent = defaultdict(Counter)
for record in gazette["train"]:
    frequent[record["question"].split()[0]].update(set(task.target(record).split()))


def nearest_sentence(record):
    """The sentence of the report that shares most words with the question; of equals the shortest."""
    asked = set(normalise(record["question"]).split())
    found = re.split(r"(?<=[.!?])\s+", record["context"])
    return max(found, key=lambda each: (len(asked & set(normalise(each).split())), -len(each)))


# %%
from course_utils.evaluation import lead_sentence

test = gazette["test"]
references = [task.references(record) for record in test]
baselines = {"copy of the report": [record["context"] for record in test], "lead sentence": [lead_sentence(record["context"]) for record in test],
             "nearest sentence": [nearest_sentence(record) for record in test],
             "one word": [frequent[record["question"].split()[0]].most_common(1)[0][0] for record in test]}
facts = {name: [right_fact(text, record) for text, record in zip(texts, test, strict=True)] for name, texts in baselines.items()}
for name, texts in baselines.items():
    scores = compute_metrics(task.metrics, texts, references)
    print(f"{name:18} right fact {sum(facts[name]):3} of {len(test)}   " + "   ".join(f"{key} {scores[key]:4.1f}" for key in task.metrics))
print({asked: words.most_common(1)[0][0] for asked, words in frequent.items()})

# %% [markdown]
# Keep two numbers in mind. A rule without any model often finds the *sentence* with the fact. So the right fact in any style is an
# easy column, and long answers have an advantage in it. And one word that never reads a report shares many tokens with the
# answers, without a single exact match.
#
# ### Exercise 1. Predict, then run (easy, 5 minutes)
#
# Four systems, all on course-gpt2-m. Which has the right fact, in any style, most often? Order them, the best first. The check only asks for
# all four names; the next section has the measurement.

# %%
def order_of_facts():
    """The names "hard prompt, reported", "hard prompt, best written", "soft prompt, 20 tokens", "full fine-tuning", best first."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_06 import check_06_order_of_facts

check_06_order_of_facts(order_of_facts)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Which systems write sentences, and which write phrases? Think of the picture above.
# </details>
#
# <details><summary>Solution</summary>
#
# Any order is accepted. This one is the order by exact match. Compare it with the next section.
#
# ```python
# def order_of_facts():
#     return ["full fine-tuning", "soft prompt, 20 tokens", "hard prompt, best written", "hard prompt, reported"]
# ```
# </details>
#
# ## All systems
#
# A **hard prompt** is made of words; a **soft prompt** of trained vectors, its **virtual tokens**; their number is the **prompt length**.
# The study "main" measured them on the gazette with course-gpt2-m: three seeds for whatever is trained, learning rates and the best
# words chosen on validation. Its answers to the test questions ship with the course.

# %%
from course_utils import summary_table
from course_utils.lessons.checks_06 import results, stored_answers
from course_utils.lessons.drawing import color_of

main, base = results("main"), "course-gpt2-m"
answers = stored_answers("main", base)
table = summary_table(main, task.name, base, against="soft prompt, 20 tokens").set_index("system").loc[list(answers)]


def share_right(answers, right=right_fact):
    """Of each test question the share of the seeds that got it right, [records]."""
    rows = [[right(text, record) for text, record in zip(each, test, strict=True)] for each in answers]
    return torch.tensor(rows).float().mean(0)


# %%
fact = {system: share_right(each) for system, each in answers.items()}
columns = pd.DataFrame({system: {"exact match, %": table.loc[system, "mean"], "right fact, %": 100 * float(fact[system].mean()),
                                 "words": sum(len(text.split()) for seed in each for text in seed) / len(each) / len(test)}
                        | {name: sum(compute_metrics([key], seed, references)[key] for seed in each) / len(each)
                           for key, name in (("f1", "F1, %"), ("exact_match_percentage", "shared tokens, %"))}
                        for system, each in answers.items()}).T.astype(float)
columns["exact match against 20 tokens"] = table["verdict"].fillna("")
columns.round(1)

# %%
from course_utils.lessons.charts import resampled_interval, score_figure
from course_utils.metrics import record_scores

per_record = {}                                     # metric -> system -> [seeds, records]
for metric in ("exact_match", "f1", "exact_match_percentage"):
    per_record[metric] = {name: [record_scores(metric, seed, references) for seed in each]
                          for name, each in (answers | {"one word": [baselines["one word"]]}).items()}
for metric, label in (("exact_match", "exact match, %"), ("exact_match_percentage", "shared tokens, %")):
    named = {name.replace("hard prompt, best written", "best hand-written prompt"): each for name, each in per_record[metric].items()}
    scores = {name: [sum(seed) / len(seed) for seed in each] for name, each in named.items()}
    intervals = {name: resampled_interval(each) for name, each in named.items()}
    score_figure(scores, intervals, label, len(test), 100)
    plt.show()

# %%
from course_utils import verdict


def compare_facts(first, second):
    """Whether `first` has more right facts: difference in points, 95% interval over test records, and the verdict."""
    difference = 100 * (fact[first] - fact[second])
    low, high = resampled_interval(difference.numpy())
    word = "more right facts than" if low > 0 else "fewer right facts than" if high < 0 else "a share of right facts that cannot be told apart from"
    return f"{first} has {word} {second}: {float(difference.mean()):+.1f} points [{low:+.1f}, {high:+.1f}]"


hard, soft_20, full = "hard prompt, reported", "soft prompt, 20 tokens", "full fine-tuning"
Markdown("\n".join(f"- {line}" for line in (
    verdict(main, task.name, base, soft_20, hard), verdict(main, task.name, base, soft_20, "hard prompt, best written"),
    verdict(main, task.name, base, soft_20, full), compare_facts(hard, soft_20), compare_facts(hard, full))))

# %% [markdown]
# Read both columns. In exact match the trained prompt is far ahead, and it should be: the target style is **capped by construction**. In
# the pre-training text five styles follow `Answer:`, and no cue calls for exactly this one. A soft prompt can choose it, words can only
# make it likely. The other column has no such cap. There the reported prompt holds its ground, and we have a puzzle: *where do the
# facts go that the sentence finds and the trained phrase does not?*
#
# ### When F1 and exact match disagree
#
# The next cell takes all pairs of systems, on all sizes that were measured, and looks for pairs in which exact match prefers one and F1 the
# other, both with intervals that leave out 0.

# %%
import itertools

import numpy

scored = {}                                          # (base, system) -> metric -> [records]
for study, name in (("main", base), ("scale", "course-gpt2-s"), ("scale", "course-gpt2-l")):
    for system, each in stored_answers(study, name).items():
        scored[name[-1], system] = {key: numpy.mean([record_scores(key, seed, references) for seed in each], 0) for key in ("exact_match", "f1")}
found = []
for first, second in itertools.permutations(scored, 2):
    exact, overlap = (scored[first][key] - scored[second][key] for key in ("exact_match", "f1"))
    if exact.mean() > 0 > overlap.mean() and resampled_interval(exact)[0] > 0 > resampled_interval(overlap)[1]:
        found.append({"exact match prefers": first, "F1 prefers": second, "exact match, points": exact.mean(), "F1, points": overlap.mean()})
pd.DataFrame(found, columns=["exact match prefers", "F1 prefers", "exact match, points", "F1, points"]).round(1)

# %% [markdown]
# Every row is a disagreement that the choice of test records does not explain (an empty table: none was found). The letter is the
# size of the base model. The pictures above say why this happens. A sentence with the right fact has full recall, so F1 pays for it and
# exact match does not. F1 lifts systems that know much and write long; exact match lifts systems that keep the style. Choose the
# main metric before you look.
#
# ## Fifteen kinds of question
#
# The gazette asks about fifteen things. Filled marks are course-gpt2-m, hollow ones course-gpt2-l, which has about three times the
# parameters and read the same text. For the hard prompt we count the right fact in any style, for the others exact match.

# %%
from course_utils.lessons.checks_06 import kind_of_question


def exact(text, record):
    """Exact match of one answer."""
    return normalise(text) in [normalise(answer) for answer in record["answers"]]


large = stored_answers("scale", "course-gpt2-l")
kinds = pd.Series([kind_of_question(record["question"]) for record in test])
marks = {f"{hard} (fact)": fact[hard], soft_20: share_right(answers[soft_20], exact), full: share_right(answers[full], exact)}
marks |= {f"{name}, l": share_right(large[name], exact) for name in (soft_20, full) if name in large}
by_kind = pd.DataFrame({name: pd.Series(100 * each.numpy()).groupby(kinds).mean() for name, each in marks.items()})
by_kind.insert(0, "questions", kinds.value_counts())
by_kind = by_kind.sort_values(soft_20)
by_kind.round(0).astype(int)

# %%
figure, ax = plt.subplots(figsize=(7.5, 5), layout="constrained")
for n, name in enumerate(marks):
    filled = color_of(name) if not name.endswith(", l") else "none"
    ax.scatter(by_kind[name], numpy.arange(len(by_kind)) + 0.13 * (n - 2), s=45, facecolors=filled, edgecolors=color_of(name), linewidths=1.8, label=name, zorder=3)
ax.set_yticks(range(len(by_kind)), [f"{kind} ({n})" for kind, n in by_kind["questions"].items()])
ax.invert_yaxis()
ax.set(xlabel=f"right answers, % (n = {len(test)} test questions, number of each kind in brackets)", xlim=(-3, 103))
ax.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncol=3, fontsize="small")
figure.alt_text = "Right answers by kind of question. Soft prompt of 20 tokens on m: " + ", ".join(
    f"{kind} {value:.0f}%" for kind, value in by_kind[soft_20].items()) + "."
plt.show()

# %% [markdown]
# With a dozen questions a kind has a standard error of up to 15 points, so do not explain neighbours. Explain the large
# distances. What do the wrong answers of the soft prompt consist of?

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
Markdown(
    f"- Most often **not in the report**: {', '.join(f'{kind} {value}%' for kind, value in invented.items())}. "
    f"Most often a **wrong phrase of the report**: {', '.join(f'{kind} {value}%' for kind, value in taken.items())}.\n"
    f"- *Mood*: {sum(said.values())} answers, and {said.most_common(1)[0][1]} of them are “{said.most_common(1)[0][0]}”. With one of {len(moods)} "
    f"words, guessing gets about {100 / len(moods):.0f}%. Full fine-tuning has {by_kind.loc['mood', full]:.0f}% on m.\n"
    f"- *Crowd*: the reported prompt has the fact in {by_kind.loc['crowd'].iloc[1]:.0f}%, the soft prompt in {by_kind.loc['crowd', soft_20]:.0f}%.\n"
    f"- *Why*: the reported prompt has only {by_kind.loc['why'].iloc[1]:.0f}%. {unended['why']} of its {(kinds == 'why').sum()} sentences have no end: "
    "answers stop after a limit that suits phrases, and the reason stands last in the sentence.")

# %% [markdown]
# So there are at least three reasons for a low score, and each calls for another cure.
#
# 1. **The base model lacks the skill.** On moods m stays near guessing, full fine-tuning included. The larger model does not.
# 2. **Two facts compete.** Reports tell of two events, so there are two people, two helpers, two times to mix up. The wrong answer
#    is then a phrase of the report.
# 3. **The style costs the fact.** Where the sentence is right and the phrase is not, the model *can* find the fact. That is our puzzle.
#
# ## The run-up, tested
#
# If the run-up is what helps, it should help the soft prompt, too. We train one here, in the target style, with the loop of
# lesson 03 and a stop at 10 and at 50 steps to see what it writes. The base model stays frozen.

# %% tags=["nbval-ignore-output"]
from course_utils import GPT2WithSoftPrompt, collate, encode, generate_texts, weights_fingerprint
from course_utils.progress import progress_bar
from course_utils.training import learning_rate_factor

steps, before = 80, weights_fingerprint(model)
soft = GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=20)
train_set = encode(data["train"].shuffle(seed=0), task, tokenizer, model, prompt_length=20)
batches = torch.utils.data.DataLoader(train_set, scale.batch_size, collate_fn=lambda rows: collate(rows, train_set.pad_id))
three = [task.source(data["validation"][i]) for i in (4, 8, 17)]
stages, losses = {0: generate_texts(soft, tokenizer, three, task.max_new_tokens)}, []

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
        stages[step] = generate_texts(soft, tokenizer, three, task.max_new_tokens)
print(f"loss of the first ten batches {sum(losses[:10]) / 10:.2f}, of the last ten {sum(losses[-10:]) / 10:.2f}; "
      f"base model unchanged: {weights_fingerprint(model) == before}")

# %% tags=["nbval-ignore-output"]
from IPython.display import display

from course_utils.lessons.written import written

for row, i in enumerate((4, 8, 17)):
    record = data["validation"][i]
    display(written({step: texts[row] for step, texts in stages.items()}, task.target(record), record["question"]))

# %% [markdown]
# Look first at the form, then at the fact: these are two different things to learn. Now the test. The same soft prompt answers the
# same questions twice: behind `Answer:`, and behind `Answer:` and the run-up. A run-up gives nothing away, it only says what the
# question says. Questions whose full sentence begins with the fact have none and are left out. This part is about the gazette.

# %% tags=["nbval-ignore-output"]
pairs = [(record, run_up(other["answers"][0], record["answers"][0]))
         for record, other in zip(gazette["validation"].select(range(120)), sentences["validation"], strict=False)]
pairs = [(record, begins) for record, begins in pairs if begins]
asked = {"behind the cue": [task.source(record) for record, _ in pairs],
         "behind the run-up": [f"{task.source(record)} {begins}" for record, begins in pairs]}
led = pd.DataFrame({name: [right_fact(text, record) for text, (record, _) in
                           zip(generate_texts(soft, tokenizer, texts, task.max_new_tokens), pairs, strict=True)] for name, texts in asked.items()})
low, high = resampled_interval(100 * (led.iloc[:, 1].astype(float) - led.iloc[:, 0]).to_numpy())
Markdown(f"Right facts on {len(pairs)} questions: **{100 * led.iloc[:, 0].mean():.0f}%** behind the cue, **{100 * led.iloc[:, 1].mean():.0f}%** behind the "
         f"run-up; difference {100 * (led.iloc[:, 1].mean() - led.iloc[:, 0].mean()):+.0f} points [{low:+.0f}, {high:+.0f}]. "
         + ("The run-up helps." if low > 0 else "The run-up does harm here." if high < 0 else "The two cannot be told apart."))

# %% tags=["nbval-ignore-output"]
of_pairs = pd.Series([kind_of_question(record["question"]) for record, _ in pairs])
(100 * led.groupby(of_pairs).mean()).round(0).astype(int).assign(questions=of_pairs.value_counts()).sort_values("behind the cue")

# %% [markdown]
# Frozen model and soft prompt are the same in both columns. With the run-up, words of the report stand directly in front of the
# answer, where the induction head can follow them. With few questions of each kind the table only hints at where this matters.
# As far as the run-up helps, the short style costs the way to the fact, not the knowledge of it.
#
# ## Where one cue suffices: the control style
#
# The target style favours soft prompts by construction. The control style does not: behind the cue `Full answer:` the
# training text has full sentences and nothing else. Here are 100 test questions in that style, with this cue and without.

# %% tags=["nbval-ignore-output"]
from course_utils import evaluate

hundred = sentences["test"].select(range(100))
cues = {"Answer:": "{source}", "reported hard prompt": task.hard_prompt, "Full answer:": "{text}Full answer:"}
in_control = {name: evaluate(model, tokenizer, task, hundred, hard_prompt=prompt) for name, prompt in cues.items()}
pd.DataFrame({name: {"loss": each["loss"], "exact match, %": each["exact_match"], "right fact, %": 100 * sum(
    right_fact(text, record) for text, record in zip(each["predictions"], test, strict=False)) / len(hundred)} for name, each in in_control.items()}).T.round(2)

# %%
control = results("control")
measured = list(stored_answers("control", base))
best = [name for name in ("hard prompt, best written", "discrete search") if name in measured]
lines = [str(verdict(control, task.name, base, soft_20, name)) for name in best if soft_20 in measured]
print("\n".join(lines) or "The study of the control style has no rows for both sides yet.")
if measured:
    display(summary_table(control, task.name, base).set_index("system").loc[measured, ["mean", "low", "high", "seeds"]].astype(float).round(1))

# %% [markdown]
# Hold such a verdict beside the one for the target style: a lead of soft prompts that is left here is not due to the cap.
#
# ## The original's result
#
# The original trained GPT-2 small with one virtual token, batches of one, ten epochs (its log shows five). Below its log stand our runs with
# the same settings, on the gazette with course-gpt2-m. The original names no learning rate; ours was chosen on validation.

# %%
from course_utils.lessons.checks_06 import as_reported_log, as_reported_speed

theirs = pd.DataFrame({"loss": [11.2295, 10.7468, 10.5061, 10.3091, 10.0445], "exact_match_percentage": [2.7082, 2.2713, 2.3199, 2.3833, 3.0007],
                       "batches/s": [7.66, 8.25, 8.35, 8.36, 8.39]}, index=pd.RangeIndex(1, 6, name="epoch"))
ours, their_hard = as_reported_log(), {"loss": 11.2963, "exact_match_percentage": 8.4267}
our_hard = {key: main.table().query("task == @task.name and system == @hard and split == 'test' and metric == @key")["value"].iloc[0] for key in their_hard}
display(theirs.round(2), ours.round(2))

# %%
import math

figure, axes = plt.subplots(2, 2, figsize=(7.5, 4.8), sharex="col", sharey="row", layout="constrained")
for column, (name, rows, levels) in enumerate((("original, validation", theirs, their_hard), ("this course, validation", ours, our_hard))):
    for ax, key in zip(axes[:, column], their_hard, strict=True):
        ax.set_xlim(0.5, max(5, len(rows)) + 0.5)
        ax.plot(rows.index, rows[key], marker="o", color=color_of("soft prompt, 1 token"), label="soft prompt, 1 token")
        ax.axhline(levels[key], color=color_of(hard), linestyle="--", label="hard prompt, reported")
    axes[0, column].axhline(math.log(50257 if column == 0 else model.config.vocab_size), color="black", linestyle=":", label="guessing, ln V")
    axes[0, column].set_title(name)
    axes[1, column].set(xlabel="epoch")
axes[0, 0].set(ylabel="loss, nats per token", ylim=(0, 12.5))
axes[1, 0].set(ylabel="shared tokens, %", ylim=(0, 75))
axes[0, 1].legend(fontsize="small")
figure.alt_text = "Loss and shared tokens by epoch of a one-token soft prompt, beside the reported hard prompt: the original's log and ours."
plt.show()

# %%
won = verdict(main, task.name, base, "soft prompt, 1 token", hard, "exact_match_percentage")
speed = as_reported_speed()
Markdown(
    f"- **The defeat.** Original: shared tokens {theirs.iloc[-1, 1]:.1f}% soft, {their_hard['exact_match_percentage']:.2f}% hard. Here, on test: {won}. "
    f"One word that never reads has {numpy.mean(per_record['exact_match_percentage']['one word']):.1f}%.\n"
    f"- **The loss.** Guessing among GPT-2's 50,257 tokens costs ln 50,257 = {math.log(50257):.2f} nats. The original's hard prompt ({their_hard['loss']:.2f}) is "
    f"above that and its soft prompt begins above it ({theirs.iloc[0, 0]:.2f}). Our hard prompt has {our_hard['loss']:.2f} nats; guessing costs us {math.log(4096):.2f}.\n"
    f"- **Throughput.** The original's bars show 7.7 to 8.4 batches/s in training on questions, 25 to 26 in validation, and 3.7 on summarization. "
    + (f"Ours trained at {speed:.1f} batches/s: another model, another machine." if speed else "Ours has not been measured yet."))

# %% [markdown]
# No model that predicts the next word belongs near the line of guessing. Lesson 04 plants a bug that leaves such marks. That is a
# hypothesis about the original, not a finding. Without any hypothesis: its two measures disagree about the winner, and both
# percentages are small. So its numbers support neither "soft loses at questions" nor, by the loss, "soft wins". And theirs and
# ours differ in more than one thing: model, data, seeds.
#
# ## Exercises
#
# ### Exercise 2. Score a whole answer (medium, important, 15 minutes)
#
# How likely is a given answer behind a soft prompt? Write its log-probability. `system(input_ids=...)` puts the prompt's rows in front and returns
# `.logits` [1, prompt + text, vocabulary]. `answer` holds the answer's ids, the end token included.

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
# The last answer token is predicted by the position before it. Count from the right: the answer's predictions are the last
# `len(answer) + 1` logits without the very last one. Then you need not know how long the prompt is.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def answer_log_probability(system, source, answer):
#     ids = torch.tensor([[*source, *answer]])
#     logs = system(input_ids=ids).logits[0, -len(answer) - 1 : -1].log_softmax(-1)      # [answer, vocabulary]
#     return logs.gather(1, torch.tensor(answer)[:, None]).sum()
# ```
#
# With it you can rank candidates: score each name of a report as the answer to a *who* question.
# </details>
#
# ### Exercise 3. Hide the fact (medium, 15 minutes)
#
# Attending is not using. To learn whether the model uses the fact, hide it: nobody may look at those places, all other tokens
# keep their positions. Then compare the probability of the right next token.

# %%
def without(model, ids, hidden):
    """Probabilities of the token after the list `ids`, [vocabulary], while the places in `hidden` cannot be looked at."""
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
#     mask = torch.tensor([[0 if i in hidden else 1 for i in range(len(ids))]])
#     positions = torch.arange(len(ids))[None]
#     with torch.no_grad():
#         logits = model(torch.tensor([ids]), attention_mask=mask, position_ids=positions).logits[0, -1]
#     return logits.softmax(-1)
# ```
#
# Use it on the record of the first picture, `fact_places(tokenizer, source, "20")` hidden and shown, with and without the run-up. Hide other places of the
# same length for comparison.
# </details>
#
# ### Exercise 4. Choose, and defend (hard, 20 minutes)
#
# A museum wants answers from its reports. A program reads them, so only the exact phrase counts; or a person reads them, and partial credit is fine.
# Decide which it is, choose two systems of the study "main" that are worth comparing, and claim an outcome. The check holds the claim against
# the paired test. Bring an argument about cost, too: what must be trained and stored for each?

# %%
def choice():
    """{"take": a system, "over": another, "metric": one of task.metrics, "claim": "higher", "lower" or "cannot be told apart"}."""
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
# One of many. A program reads the answers, so exact match decides. Twenty virtual tokens beat one, and cost 20 × 128 numbers.
#
# ```python
# def choice():
#     return {"take": "soft prompt, 20 tokens", "over": "soft prompt, 1 token", "metric": "exact_match", "claim": "higher"}
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
mean = columns["exact match, %"]
Markdown(
    f"- **Trained here, {steps} steps, 100 test questions:** exact match {live[soft_20]['exact_match']:.0f}% for the soft prompt, "
    f"{live['hard prompt as reported']['exact_match']:.0f}% for the reported hard prompt.\n"
    f"- **Measures:** one word has {numpy.mean(per_record['exact_match_percentage']['one word']):.0f}% shared tokens and exact match "
    f"{numpy.mean(per_record['exact_match']['one word']):.0f}%; the nearest sentence holds the fact in {sum(facts['nearest sentence'])} of {len(test)}.\n"
    f"- **Systems, three seeds:** exact match {mean[soft_20]:.1f}% with 20 tokens, {mean[hard]:.1f}% reported, {mean[full]:.1f}% full fine-tuning; right facts "
    f"{columns.loc[soft_20, 'right fact, %']:.1f}%, {columns.loc[hard, 'right fact, %']:.1f}%, {columns.loc[full, 'right fact, %']:.1f}%.\n"
    f"- **Run-up:** {100 * led.iloc[:, 0].mean():.0f}% of the facts behind the cue, {100 * led.iloc[:, 1].mean():.0f}% behind the run-up.")

# %%
better, words = verdict(main, task.name, base, soft_20, "hard prompt, best written"), won
Markdown(
    "The original's claims that this lesson touches:\n\n"
    f"1. *On questions the hard prompt shares more tokens (8.43% against 3.00%).* {'Supported here' if words.verdict == 'lower' else 'Not supported here' if words.verdict == 'higher' else 'Cannot be told apart'}: "
    f"one token against the reported prompt, {words.difference:+.1f} points [{words.interval[0]:+.1f}, {words.interval[1]:+.1f}].\n"
    f"2. *Shared tokens show how well crucial information is captured.* Not supported here: a full sentence with the right fact has "
    f"{judged.loc['exact_match_percentage', 'a full sentence']:.0f}%, the single word “it” {judged.loc['exact_match_percentage', 'one word']:.0f}%.\n"
    f"3. *Soft prompts outperform hard prompts.* {'Supported here' if better.verdict == 'higher' else 'Not supported here' if better.verdict == 'lower' else 'Cannot be told apart'} in exact match, in a style that is capped for words: {better.difference:+.1f} points "
    f"[{better.interval[0]:+.1f}, {better.interval[1]:+.1f}] over the best written prompt.\n"
    f"4. *Hard prompts are ineffective.* For facts: {compare_facts(hard, soft_20)}.")

# %% [markdown]
# ### Further reading
#
# - Rajpurkar et al. (2016), [SQuAD: 100,000+ Questions for Machine Comprehension of Text](https://arxiv.org/abs/1606.05250): section 6.1
#   defines exact match and F1 as used here
# - Jia and Liang (2017), [Adversarial Examples for Evaluating Reading Comprehension Systems](https://arxiv.org/abs/1707.07328): one
#   distracting sentence, and systems with good scores fail
# - Olsson et al. (2022), [In-context Learning and Induction Heads](https://arxiv.org/abs/2209.11895): the heads of the first picture
# - Lester, Al-Rfou and Constant (2021), [The Power of Scale for Parameter-Efficient Prompt Tuning](https://arxiv.org/abs/2104.08691):
#   section 5 trains prompts on SQuAD and tests them on questions from elsewhere
#
# Next: [07 · Machine translation](07_machine_translation.ipynb)
