# %% [markdown]
# # 01 · Discrete prompts
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/soft-prompt-course/soft-prompt-course/blob/main/notebooks/01_discrete_prompts.ipynb)
#
# **Time:** 1 to 2 minutes on 2 CPU cores; on a Colab GPU not measured, expect no more
#
# A language model that is done with its training can still be steered: by the words we put around its input. Such a row of
# words is called a **discrete** or **hard prompt**. It costs nothing to try one and nothing to throw it away, and this is how
# most people use language models. Before we replace words by something else, we should know how far words carry. So this
# lesson gives them a fair hearing: three tasks, more than a dozen prompts for each, the same rules for all.
#
# ## What you will be able to do
#
# - say what a frozen language model does with a text, and what a prompt can change about that
# - compare hand-written prompts without fooling yourself: one stopping rule, choice on validation data, one look at the test data
# - explain with token ids why a space at the end of a prompt can ruin it
# - put trivial baselines beside every score, and know what they are for
# - name the limit of every discrete prompt, which the rest of the course removes

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
# Our model is a small GPT-2. It has read the gazette of an invented town: reports in English and German, with what people do
# with reports, such as summing them up, asking questions about them and translating them. Nobody has told it which of these
# we want. It is **frozen** from here on: no parameter changes in this lesson.

# %%
import torch

from course_utils import TASKS, course_scale, evaluate, load_base_model, load_task_data, token_ids, with_hard_prompt

scale = course_scale()
model, tokenizer = load_base_model(scale.base_model)
model.requires_grad_(False)
print(f"scale {scale.name}: {scale.base_model}, {model.num_parameters():,} parameters, vocabulary of {len(tokenizer):,} tokens")

# %% [markdown]
# With `COURSE_SCALE=full` in the environment the same cells run on GPT-2 and public data, for which a GPU is needed. What the
# text says about the gazette and its prompts is meant for the scale *mini*, the course's own; what is printed holds in both.
#
# The data of each task comes in three parts: for training, for validation (choices are made on it) and for the final test.
# Here is the shortest report of the validation data, and the summary that is wanted.

# %%
data = {name: load_task_data(name, scale.data, scale.max_train, scale.max_eval) for name in TASKS}
record = min(data["summarization"]["validation"], key=lambda record: len(record["document"]))
report = record["document"] + "\n"
print(report)
print("wanted:", record["summary"])

# %% [markdown]
# All the model can do is to continue a text, piece by piece; the pieces are called *tokens*, and section 4 looks at them. We hand it
# the bare report, with a line break at its end, and draw six continuations at random: of the fifty likeliest tokens, each as often as
# the model thinks it likely.

# %% tags=["nbval-ignore-output"]
@torch.no_grad()
def draw(text, how_many=6):
    """First lines of random continuations."""
    torch.manual_seed(0)
    ids = tokenizer(text, return_tensors="pt").input_ids.to(model.device)
    new = model.generate(ids.expand(how_many, -1), attention_mask=torch.ones_like(ids).expand(how_many, -1),
                         do_sample=True, top_k=50, max_new_tokens=40)[:, ids.shape[1]:]
    return [line.strip().split("\n")[0] for line in tokenizer.batch_decode(new, skip_special_tokens=True)]


for line in draw(report):
    print("·", line)

# %% [markdown]
# Each of these lines is the *kind* of thing one finds below a report in that newspaper, though not every fact in them is right. The
# model is not confused; it simply has not been told what we are after, and its answer is a bet on what usually comes next. A prompt shifts this bet. Here is the
# same report behind the words which the write-up that inspired this course used as its hard prompt.

# %% tags=["nbval-ignore-output"]
reported = TASKS["summarization"].hard_prompt
print("prompt:", reported)
for line in draw(with_hard_prompt(reported, report)):
    print("·", line)

# %% [markdown]
# To us this prompt is an order. To the model it is a row of tokens that stood in front of no report it has ever read. Nor does it obey
# orders: where the gazette prints one as a header, it is one more thing that certain texts tend to follow. Large models that were trained to follow instructions behave
# differently, but they too do so because of what they were trained on, not because words have power.
#
# The first token shows it in numbers. How much probability moves when the reported prompt is put in front of the report, and
# how much when a cue that the gazette itself uses is put behind it? (Tokens that differ only in a space count as one here; section 4
# says why.)

# %% tags=["nbval-ignore-output"]
import pandas as pd

pd.set_option("display.max_colwidth", 80)


@torch.no_grad()
def first_token(text):
    """Probability of each token to come next."""
    ids = tokenizer(text, return_tensors="pt").input_ids.to(model.device)
    return model(ids).logits[0, -1].softmax(-1).cpu()              # [vocabulary] logits: what softmax makes probabilities of


texts = {"bare report": report, "reported prompt in front": with_hard_prompt(reported, report),
         "cue behind": report + "What happens and why:"}
first = pd.DataFrame({name: first_token(text) for name, text in texts.items()})
first = first.groupby([tokenizer.decode(i).strip() for i in first.index]).sum()
top = pd.concat([first["bare report"].nlargest(5), first["cue behind"].nlargest(3)]).index.unique()
print(first.loc[top].rename(index=repr).round(3))
moved = first.sub(first["bare report"], axis=0).abs().sum() / 2
for name, share in moved.iloc[1:].items():
    print(f"probability moved, {name}: {share:.0%}")
if scale.name == "mini":
    assert moved["reported prompt in front"] < 0.4 < 0.9 < moved["cue behind"]

# %% [markdown]
# The cue moves nearly everything, the order a small part. So words can steer this model, if they are words after which it has
# seen what we want.
#
# ## 2. Three tasks, and the prompts that were reported
#
# The course has three tasks. Each asks for *one* particular behavior among several that the model has seen, which we call the
# **house style**: the summary in one sentence in the present tense with place and reason, the answer as a bare phrase of the
# report, the German sentence in the perfect tense with the time in front.
#
# What the model reads before it answers is called the **source**. It ends in a cue, so that the kind of text is clear without
# any prompt: a summary, an answer, a translation. What the cue leaves open is the style.

# %%
for name, task in TASKS.items():
    example = data[name]["train"][0]
    print(f"{name}: {task.hard_prompt!r}")
    print(f"   reads   ...{task.source(example)[-100:]!r}")
    print(f"   wanted  {task.target(example)!r}\n")

# %% [markdown]
# We need two numbers for each prompt. The **loss** is the surprise of the model at the wanted text: the negative logarithm of
# the probability that it gives to each token of that text, on average. Its unit, with the natural logarithm, is called nat.
# The loss needs no generation and moves smoothly. The **score** compares what the model writes with what is wanted: ROUGE-L
# for summaries (0 to 1, words in common and in order), exact match for answers (percent) and BLEU for translations (0 to 100,
# groups of up to four words in common). Lessons 05 to 07 take these scores apart.
#
# Generated text has to end somewhere, and the rule must be the same for all prompts, or we would compare rules instead of
# prompts. Ours: an answer is the first line that is not blank. Spaces or line breaks at its beginning neither end it nor
# count against it, and every prompt of a task has the same limit of new tokens. And from here on nothing is drawn: the model writes its
# most probable token at each step (*greedy* decoding), so a prompt gets the same answer every time. To save time we try prompts on the first 40
# validation examples, and test on 150 where there are more.

# %%
from functools import cache

validation = {name: parts["validation"].select(range(40)) for name, parts in data.items()}
test = {name: parts["test"].select(range(min(150, len(parts["test"])))) for name, parts in data.items()}
batch_size = 150 if scale.name == "mini" else 32


@cache
def try_prompt(name, prompt, on_test=False):
    """Loss, score and answers of one prompt; what was tried before is remembered."""
    records = (test if on_test else validation)[name]
    result = evaluate(model, tokenizer, name, records, hard_prompt=prompt, batch_size=batch_size)
    return {"prompt": prompt, "loss": result["loss"], "score": result[TASKS[name].main_metric],
            "answers": result["predictions"]}


# %% tags=["nbval-ignore-output"]
rows = [{"task": name, **try_prompt(name, prompt)} for name, task in TASKS.items() for prompt in ("", task.hard_prompt)]
pd.DataFrame(rows).drop(columns="answers").replace({"prompt": {"": "(none)"}}).round(3)

# %% [markdown]
# The rows without a prompt are not decoration. Only what a prompt adds to them is its merit, and if a score looks
# respectable, look at the row above it before giving the prompt credit. A prompt that reads like the perfect instruction may
# help a little, do nothing, or do harm. What do the answers look like?

# %% tags=["nbval-ignore-output"]
for row in rows[1::2]:
    print(f"{row['task']}\n   wrote   {row['answers'][0]}")
    print(f"   wanted  {TASKS[row['task']].target(validation[row['task']][0])}")

# %% [markdown]
# ## 3. More than a dozen prompts for each task
#
# It would be unfair to judge all hand-written prompts by the one that somebody reported. So we sat down and wrote as many as
# we could think of. Some give orders. Some are cues that everybody knows from the web, such as `TL;DR:`. Some use the very
# words of the gazette, which a user could only know after reading a lot of it. Some put a finished example in front.
# `{source}` marks the place of the source, and `{text}` that of the source without its cue, so that a prompt can bring
# another cue.

# %%
for name, task in TASKS.items():
    print(f"{name}: {len(task.hand_written)} prompts, among them")
    for prompt in task.hand_written[1::4]:
        print("  ", repr(prompt if len(prompt) < 100 else prompt[:97] + "..."))

# %% [markdown]
# Now all of them are tried on validation data: no prompt, the reported one, ours in the order in which we thought of them.

# %% tags=["nbval-ignore-output"]
import time

from course_utils.progress import progress_bar

started, tried = time.perf_counter(), {}
for name, task in TASKS.items():
    prompts = ["", task.hard_prompt, *task.hand_written]
    tried[name] = pd.DataFrame([try_prompt(name, prompt) for prompt in progress_bar(prompts, description=name, unit="prompt")])
seconds_per_prompt = (time.perf_counter() - started) / sum(len(task.hand_written) for task in TASKS.values())

# %% tags=["nbval-ignore-output"]
import matplotlib.pyplot as plt

figure, axes = plt.subplots(1, 3, figsize=(9, 3.4))
for (name, table), ax in zip(tried.items(), axes, strict=True):
    spread = 0.6 * torch.rand(len(table), generator=torch.Generator().manual_seed(1)) - 0.3
    ax.scatter(spread, table.score, color="C0", alpha=0.6, label="hand-written")
    ax.scatter(spread[1], table.score[1], color="C3", marker="D", s=60, label="reported")
    ax.scatter(spread[0], table.score[0], color="black", marker="s", label="none")
    ax.set(title=name.replace("_", " "), ylabel=f"{TASKS[name].main_metric} on validation")
    ax.set(xticks=[], xlim=(-0.5, 0.5), ylim=(0, None))
axes[2].legend(loc="center right")
figure.tight_layout()
plt.show()

# %% [markdown]
# Each dot is one prompt; the model behind all of them is the same. Two things are worth seeing. The reported prompt (red)
# says little about what words can do, good or bad: it is one dot of many. And the spread is wide: prompts that mean the same
# to us mean very different things to the model. Which ones came out on top, and which at the bottom?

# %% tags=["nbval-ignore-output"]
ranked = {name: table.sort_values(["score", "loss"], ascending=[False, True])
          for name, table in tried.items()}
pd.concat({name: table[["prompt", "loss", "score"]].iloc[[0, 1, 2, -2, -1]]
           for name, table in ranked.items()}).replace({"prompt": {"": "(none)"}}).round(3)

# %% [markdown]
# What do the best have in common? Not that they are polite or precise. A careful description of the house style, which any
# person could follow, need not win, and it can end up at the very bottom. Where a prompt wins clearly, it stood close to the
# wanted behavior *in the text that the model has read*. And even a good cue is a compromise, because a word brings along
# everything that it meant to the model before. Random continuations show what that is:

# %% tags=["nbval-ignore-output"]
print("wanted:", record["summary"])
for line in draw(report + "What happens and why:"):
    print("·", line)

# %% [markdown]
# In the gazette two styles follow this cue, one in the present tense and one in the past. The house style is the first of
# them, and no word of ours asks for it alone: the model goes with the style that is more likely after the cue, wanted or not.
#
# **Choosing and testing.** The best of many scores is partly luck, so the winner is chosen on validation data and then scored
# on test data that had no say in the choice. The reported prompt and the empty one go with it.

# %% tags=["nbval-ignore-output"]
best = {name: table.prompt.iloc[0] for name, table in ranked.items()}
systems = ["no prompt", "as reported", "best hand-written"]
on_test = {}
for name, task in progress_bar(TASKS.items(), description="on test", unit="task"):
    rows = [try_prompt(name, prompt, on_test=True) for prompt in ("", task.hard_prompt, best[name])]
    on_test[name] = pd.DataFrame(rows, index=systems)
pd.concat({f"{name} (n={len(test[name])})": table[["prompt", "loss", "score"]]
           for name, table in on_test.items()}).replace({"prompt": {"": "(none)"}}).round(3)

# %% tags=["nbval-ignore-output"]
scores = on_test["summarization"].score
print(f"summaries: the chosen prompt leads the reported one by {scores.iloc[2] - scores.iloc[1]:.2f} on test data")
n, right = len(test["question_answering"]), on_test["question_answering"].score.max() / 100
error = 100 * (right * (1 - right) / n) ** 0.5
print(f"answers: with {n} of them, exact match has a standard error of {error:.1f} points")
if scale.name == "mini":
    assert scores["best hand-written"] > scores["as reported"] + 0.1

# %% [markdown]
# The standard error says how much a score moves by chance, from one choice of test examples to another. Hold the difference between
# the winner and the empty prompt against it: a rough yardstick, since both answer the same questions. Where the difference is no
# larger, we cannot tell our words from nothing. (BLEU has no such simple formula.) Now read a few of the winners' mistakes before you trust any number.

# %% tags=["nbval-ignore-output"]
for name, table in on_test.items():
    wanted = [TASKS[name].target(example) for example in test[name]]
    pairs = zip(table.answers["best hand-written"], wanted, strict=True)
    for answer, target in [pair for pair in pairs if pair[0] != pair[1]][:2]:
        print(f"{name}\n   wrote   {answer}\n   wanted  {target}")

# %% [markdown]
# There are two kinds. In some, the facts are right and the style is another one: too long, another tense, the date instead of
# the place. A better prompt could mend those. In others the style is right and the facts are not. They look like the limits
# of a small model, and how many of them a better prompt could still mend is a question for the next lessons. Some answers fail at both.
#
# ## 4. A space that ruins a prompt
#
# The sources of all three tasks end in a cue: `Summary:`, `Answer:`, `German:`. Add a space behind it. On the screen nothing
# changes.

# %% tags=["nbval-ignore-output"]
spaces = pd.concat({name: pd.DataFrame([try_prompt(name, ""), try_prompt(name, "{source} ")],
                                       index=["cue", "cue and space"])[["loss", "score"]] for name in TASKS})
extra = spaces.loss.groupby(level=0).agg(lambda pair: pair.iloc[1] - pair.iloc[0])
if scale.name == "mini":
    assert (extra > 0.1).all()
spaces.round(3)

# %% [markdown]
# To see why, look at what the model sees. Its tokenizer is a **byte pair encoding**: it starts from single bytes and joins
# frequent neighbors, step by step, into longer tokens. In doing so it glues a space to the word that *follows* it. `Ġ` stands
# for that space.

# %%
for text in ("Summary:", "Summary: ", "Summary: Carl Scholz"):
    ids = token_ids(tokenizer, text)
    print(f"{text!r:24}", tokenizer.convert_ids_to_tokens(ids), ids)

# %% [markdown]
# In running text the first word after the cue is one token *with* its space. If the space is already part of the prompt, it
# becomes a token of its own, and the name behind it has to be put together without one, from other tokens. How often does the
# model meet that lone space? We count it in the texts of our three tasks, with the pieces that follow it.

# %%
from collections import Counter
from itertools import pairwise

lone_space, behind, typed, seen = token_ids(tokenizer, " ")[0], Counter(), 0, 0
for name, task in TASKS.items():
    for text in (task.source(example) + " " + task.target(example) for example in data[name]["train"]):
        ids = token_ids(tokenizer, text)
        behind.update(after for token, after in pairwise(ids) if token == lone_space)
        typed, seen = typed + text.count(" "), seen + len(ids)
print(f"{typed:,} spaces were typed; among {seen:,} tokens, {behind.total()} are lone spaces")
print("followed by", [tokenizer.decode(i) for i, _ in behind.most_common(8)])

# %% [markdown]
# Hardly ever, and then before a lower-case word that the tokenizer has to spell from pieces, in the middle of a sentence. So
# the trailing space is not a blank to the model. It is a rare token that announces something else, and it stands at the worst
# place, right before the answer. Our stopping rule cannot help: it forgives blanks in the *answer*, while this one is in the
# *prompt*. A line break is harmless, because a word at the beginning of a line does stand without a space, here as anywhere.
# The rule for people who write prompts: never end one with a space; let the answer bring its own.
#
# ## 5. Trivial baselines
#
# The GPT-2 report (Radford et al. 2019) asked its largest model for summaries by writing `TL;DR:` below an article, and set
# beside it the score of *three sentences taken from the article at random*. They were almost as good in ROUGE. Without that
# row the model's score would have looked like understanding. So what do we get without any model, and what with a prompt that
# means nothing?

# %%
import random
import re

from course_utils import compute_metrics, trivial_baselines

reports = test["summarization"]
sentences = [re.split(r"(?<=[.?!]) ", report["document"]) for report in reports]
dice = random.Random(0)
three = [" ".join(dice.sample(parts, min(3, len(parts)))) for parts in sentences]
baselines = {name: row["rougeL"] for name, row in trivial_baselines("summarization", reports).items()}
baselines["three random sentences"] = compute_metrics(["rougeL"], three, reports["summary"])["rougeL"]
pd.Series(baselines).round(3)

# %% [markdown]
# None of these rows knows what a summary is. And now three random sentences as a *prompt*: sentences of other reports, put in
# front of ours, three times with other dice. Whatever they achieve is not due to their meaning.

# %% tags=["nbval-ignore-output"]
pool = [part for report in data["summarization"]["train"]["document"][:200]
        for part in re.split(r"(?<=[.?!]) ", report)]
nonsense = [" ".join(random.Random(seed).sample(pool, 3)) for seed in range(3)]
scores = [try_prompt("summarization", prompt + "\n{source}", on_test=True)["score"] for prompt in nonsense]
rows = [(name, score, "no model") for name, score in baselines.items()]
rows += [(f"random sentences {i}", score, "model, random prompt") for i, score in enumerate(scores)]
rows += [(name, score, "model, sensible prompt or none") for name, score in on_test["summarization"].score.items()]
ladder = pd.DataFrame(rows, columns=["row", "score", "kind"]).sort_values("score")

# %% tags=["nbval-ignore-output"]
kinds = {"no model": "C0", "model, random prompt": "C2", "model, sensible prompt or none": "C1"}
plt.figure(figsize=(7, 3.4))
for kind, color in kinds.items():
    plt.barh(ladder.row, ladder.score.where(ladder.kind == kind), color=color, label=kind)
plt.xlabel(f"ROUGE-L on test, n={len(reports)}")
plt.legend(loc="lower right")
plt.show()

# %% [markdown]
# This is the ladder on which every later score has to be read. The first sentence of a report is a strong rival for something
# that needs no model, because reports put the news first. And the reported prompt scores like random sentences do, and no better than no
# prompt at all: its respectable score is due to the cue in the source, not to the order in front of it. Random prompts differ
# among themselves, too. Whoever had tried just one of them against just one sensible prompt could have concluded anything.

# %% tags=["nbval-ignore-output"]
random_best = ladder.score[ladder.kind == "model, random prompt"].max()
order = on_test["summarization"].score["as reported"]
print(f"ROUGE-L: {order:.2f} for the reported prompt, {random_best:.2f} for the best of three random ones")
if scale.name == "mini":
    assert abs(order - random_best) < 0.1

# %% [markdown]
# The other two tasks have rows that need no model, too:

# %%
rivals = {name: trivial_baselines(name, test[name], data[name]["train"])
          for name in ("question_answering", "translation")}
for name, systems in rivals.items():
    for system, row in systems.items():
        print(f"{name:20}{system:30}{TASKS[name].main_metric} {row[TASKS[name].main_metric]:.2f}")

# %% [markdown]
# ## 6. The labor, and what it buys
#
# Somebody had to think of these prompts. What did each further try gain? The solid line is the best validation score so far.
# Each time the lead changes, we also score the new leader on test data (dashed). This looks back after the choice is made;
# nothing is chosen by it.

# %% tags=["nbval-ignore-output"]
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2))
leaders = {}
for (name, table), ax in zip(tried.items(), axes, strict=True):
    best_so_far = table.score.cummax()
    leaders[name] = table[best_so_far > best_so_far.shift(fill_value=-1)].copy()
    leaders[name]["test"] = [try_prompt(name, prompt, on_test=True)["score"] for prompt in leaders[name].prompt]
    same_on_test = leaders[name].test.reindex(table.index, method="ffill")
    ax.step(table.index, best_so_far, where="post", label="validation")
    ax.step(table.index, same_on_test, where="post", linestyle="--", label="test, same prompt")
    ax.set(title=name.replace("_", " "), xlabel="prompts tried", ylabel=TASKS[name].main_metric)
    ax.set_ylim(0, None)
axes[0].legend(loc="lower right")
figure.tight_layout()
plt.show()

# %% tags=["nbval-ignore-output"]
pd.DataFrame([{"task": name, "prompts tried": len(tried[name]), "took the lead": len(table) - 1,
               "gain on validation": table.score.iloc[-1] - table.score.iloc[0],
               "gain on test": table.test.iloc[-1] - table.test.iloc[0]} for name, table in leaders.items()]).round(2)

# %% [markdown]
# The curves have long flat stretches: most ideas were worth nothing, and nothing announced the few good ones. There is no
# direction in this search. A prompt that failed does not say which word to change, nor to what. And where the curve hardly
# leaves its first point, all that writing bought next to nothing. (A tie does not change the lead here. In section 3 the lower loss
# breaks ties, so a prompt can be the best one there that never leads here.)
#
# There is a second cost. The more prompts we try on the same few examples, the more the winner owes to luck on just these
# examples. This **selection optimism** can be measured: choose the best prompt on a few of the validation examples, score it
# on 20 others, and repeat with other draws. The difference is what the choice flatters itself with.

# %%
from rouge_score.rouge_scorer import RougeScorer

scorer, reports = RougeScorer(["rougeL"]), validation["summarization"]
each = torch.tensor([[scorer.score(summary, answer)["rougeL"].fmeasure
                      for summary, answer in zip(reports["summary"], answers, strict=True)]
                     for answers in tried["summarization"].answers])            # [prompts, examples]


def chosen_on(examples, repeats=500):
    """Mean score of the chosen prompt on the examples that chose it, and on 20 others."""
    both = []
    for i in range(repeats):
        order = torch.randperm(each.shape[1], generator=torch.Generator().manual_seed(i))
        here, there = each[:, order[:examples]].mean(dim=1), each[:, order[20:]].mean(dim=1)   # [prompts]
        both.append((here.max(), there[here.argmax()]))
    return torch.tensor(both).mean(dim=0).tolist()


# %% tags=["nbval-ignore-output"]
sizes = (3, 5, 10, 20)
luck = pd.DataFrame([chosen_on(examples) for examples in sizes],
                    columns=["where it was chosen", "elsewhere"],
                    index=[f"chosen on {examples} examples" for examples in sizes])
luck["optimism"] = luck["where it was chosen"] - luck["elsewhere"]
if scale.name == "mini":
    assert luck.optimism.iloc[0] > max(0, luck.optimism.iloc[-1])
luck.round(3)

# %% [markdown]
# The fewer examples choose, the more the winner's score flatters. Here one *cue*, alone or behind a header, is so far ahead of the rest
# that a few more examples find it, and the flattery fades quickly. Where the best prompts are closer to each other, luck decides for
# longer: compare the two gains of translation in the table above. This is why the test data of this course is looked
# at once for each finished system. The remark holds for trained prompts as well, and more so: whatever is tuned, tunes itself
# to the examples at hand.
#
# Read the column *elsewhere* once more, from top to bottom. More examples help to find the best prompt of our list, and there
# the gain ends: examples can *choose* among hand-written prompts, and change none of them. A prompt that learns from each
# example is what lessons 02 and 03 are about, and lesson 05 sets one training run against all these tries.
#
# ## 7. Why words end here
#
# A discrete prompt is a row of tokens, each of them one of a fixed vocabulary. How many such rows are there, and how long
# would it take to try them all at the speed of section 3?

# %% tags=["nbval-ignore-output"]
for length in (1, 2, 3, 5):
    prompts = len(tokenizer) ** length
    print(f"length {length}: {prompts:>27,} prompts, {prompts * seconds_per_prompt / 3600:>24,.1f} hours")

# %% [markdown]
# Search would need a compass: something that says which small change is an improvement. Words have no small changes. The
# model turns each token into a vector, and the vectors of two tokens are far apart. We measure how far: the distance from a
# token to the token closest to it, compared with the length of the vectors themselves.

# %%
vectors = model.get_input_embeddings().weight.detach().cpu().float()       # [vocabulary, width]


def neighbor(token):
    """The token that lies closest to another, and its distance."""
    distance = (vectors - vectors[token]).norm(dim=1)
    distance[token] = float("inf")
    return tokenizer.decode(distance.argmin()), distance.min().item()


some = random.Random(0).sample(range(len(vectors)), 300)
print(f"typical length of a token's vector:       {vectors[some].norm(dim=1).median():.2f}")
print(f"typical distance to the closest neighbor: {torch.tensor([neighbor(token)[1] for token in some]).median():.2f}")
for word in (" morning", " German", " clock"):
    closest, distance = neighbor(token_ids(tokenizer, word)[0])
    print(f"{word!r} -> closest is {closest!r}, {distance:.2f} away")

# %% [markdown]
# Each token sits alone, nearly as far from its closest neighbor as a vector is long. The points between them are no less real
# to the model: it computes with vectors and would accept any. But they have no spelling. Nobody can type the vector halfway
# between two words, so a discrete prompt can never be there, however much better it may be there. We take two words that are
# unusually close: how far is the point between them from any token?

# %%
pair = [token_ids(tokenizer, word)[0] for word in (" morning", " evening")]
halfway = vectors[pair].mean(dim=0)                                         # [width]
away = (vectors - halfway).norm(dim=1).min()
print(f"halfway between ' morning' and ' evening': {away:.2f} to the closest token")
assert away > 0.1 * vectors[some].norm(dim=1).median()

# %% [markdown]
# Even there nobody stands. A space of such points has what words lack: small steps, and with them a slope that says which way is down. Some
# methods use this slope to propose better *words* (Shin et al. 2020), but they still have to jump from token to token. To
# follow it freely, we have to hand the model vectors instead of words. That is a **soft prompt**, and lesson 02 builds one.
#
# What words keep for themselves should be said, too. A hard prompt can be read, argued about, carried to another model and
# written without a single training example. Where one works well enough, there is no reason for anything else.
#
# ## Exercises
#
# Each exercise is a stub, a check, a hint and a solution. The check says what is wrong, not only that something is.
#
# ### 1. Does the answer join the prompt? (easy, 10 minutes)
#
# The space at the end of a prompt hurts because it changes the tokens at the seam. Write `joins`: does the prompt keep its
# tokens when the answer is written behind it? Before you run the check, predict the result for `"Summary:" + " Carl"`,
# `"Summary: " + "Carl"`, `"Summary:\n" + "Carl"` and `"It rained on Mon" + "day"`.

# %%
def joins(tokenizer, prompt, answer):
    """True if the tokens of `prompt` are the first tokens of `prompt + answer`."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_01 import check_01_joins

check_01_joins(joins)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `tokenizer(text)["input_ids"]` gives the ids of a text. Compare two lists of ids, not two texts.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def joins(tokenizer, prompt, answer):
#     before = tokenizer(prompt)["input_ids"]
#     together = tokenizer(prompt + answer)["input_ids"]
#     return together[:len(before)] == before
# ```
#
# Yes, no, yes, no. A word cut in two breaks the seam like a space does: ` Mon` is not the beginning of ` Monday` to the
# model.
# </details>
#
# ### 2. The honest curve (medium, 10 minutes)
#
# The dashed line of section 6: after each try, what would the prompt that leads *on validation data* score on test data?
# Write `best_so_far`, which gets the validation and the test scores of all prompts in the order of trying, and returns one
# number for each try. If two prompts tie on validation, the earlier one keeps the lead.

# %%
def best_so_far(validation_scores, test_scores):
    """Two lists of scores -> the list of test scores of whoever leads on validation."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_01 import check_01_best_so_far

check_01_best_so_far(best_so_far)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Keep the index of the leader while you walk through the validation scores. The test scores may only be *read* at that index,
# never compared.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def best_so_far(validation_scores, test_scores):
#     leader, curve = 0, []
#     for i, score in enumerate(validation_scores):
#         if score > validation_scores[leader]:
#             leader = i
#         curve.append(test_scores[leader])
#     return curve
# ```
# </details>
#
# ### 3. Your own prompt (open end, 15 minutes)
#
# Find a prompt for summaries that is not in our list and beats the bare source, with its cue `Summary:`, by at least 0.05
# ROUGE-L. The check scores both on 60 validation examples that this lesson has not used. Count how many prompts you try.

# %%
def summary_prompt():
    """A prompt with `{source}` where the report and its cue stand, or `{text}` for the report alone."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_01 import check_01_summary_prompt

check_01_summary_prompt(summary_prompt)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The house style tells what happens, where and why. Which cue of section 3 comes close? A header in front can narrow things
# further: `"A header\n{text}A cue:"`.
# </details>
#
# <details><summary>Solution</summary>
#
# One of many:
#
# ```python
# def summary_prompt():
#     return "News in one sentence\n{text}What happens and why:"
# ```
# </details>
#
# ## What we found

# %% tags=["nbval-ignore-output"]
for name, table in on_test.items():
    none, reported, chosen = table.score
    print(f"- {name}, {TASKS[name].main_metric} on test: {none:.2f} with no prompt, {reported:.2f} as reported, "
          f"{chosen:.2f} for the best of {len(tried[name])}")
print(f"- for summaries, the lead sentence reaches {baselines['lead sentence']:.2f} without any model, "
      f"a prompt of random sentences up to {random_best:.2f}")
print(f"- a space at the end of a cue changes the loss by {extra.min():+.1f} to {extra.max():+.1f} nats per token")
flattery = luck.optimism.iloc[0]
print(f"- chosen on {sizes[0]} examples, the best prompt flatters itself by {flattery:.3f} ROUGE-L")
print(f"- each token of a prompt is one of {len(tokenizer):,} points; what lies between them is out of reach")

# %% [markdown]
# A frozen model continues text, and a prompt changes what it takes to be likely next. Good hand-written prompts exist, and
# finding them takes tries, luck and knowledge of what the model has read. The lesson's scores carry their baselines with
# them, so that the next lessons cannot win cheaply.
#
# ### Further reading
#
# - Radford et al. (2019), [Language Models are Unsupervised Multitask Learners](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf):
#   the GPT-2 report; section 3.6 has `TL;DR:` and the three random sentences
# - Brown et al. (2020), [Language Models are Few-Shot Learners](https://arxiv.org/abs/2005.14165): examples as prompts, in models far
#   larger than ours
# - Jiang et al. (2020), [How Can We Know What Language Models Know?](https://arxiv.org/abs/1911.12543): the spread between
#   paraphrases of one prompt
# - Shin et al. (2020), [AutoPrompt](https://arxiv.org/abs/2010.15980): tokens proposed by gradients
# - Perez, Kiela and Cho (2021), [True Few-Shot Learning with Language Models](https://arxiv.org/abs/2105.11447): prompts chosen on
#   few examples look better than they are
#
# Next: [02 · The soft-prompt embedding](02_soft_prompt_embedding.ipynb)
