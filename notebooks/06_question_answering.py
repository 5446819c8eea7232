# %% [markdown]
# # 06 · Question answering
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/soft-prompt-course/soft-prompt-course/blob/main/notebooks/06_question_answering.ipynb)
#
# **Time:** two minutes on 2 CPU cores; on a Colab GPU not measured, expect no more
#
# The second task asks for one phrase: who helped, where, why, for how many euros. It is the task on which the soft prompt of the
# original write-up *lost* against the hard one. So this lesson trains a soft prompt for it, and looks as hard at the measure that
# pronounced the verdict as at the prompts. An answer is short enough to be right or wrong, and still there are three ways to score
# it, and each of them can mislead.
#
# ## What you will be able to do
#
# - say why the answer cue belongs to the task and not to a prompt, and what happens without it
# - compute exact match, token F1 and the reported set percentage, and give a case in which each of them misleads
# - train soft prompts for questions and compare them with hand-written prompts under the same rules
# - sort wrong answers by kind, find the hard questions, and check that the model reads the report at all
# - run the original configuration, and say what its reported result shows and what it does not

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
#
# The table entry has the same fields as that of lesson 05. What is new is that a record may accept more than one answer.

# %%
from course_utils import course_scale, get_task, load_base_model, load_task_data

scale, task = course_scale(), get_task("question_answering")
data = load_task_data(task, data=scale.data, max_train=scale.max_train, max_eval=scale.max_eval)
model, tokenizer = load_base_model(scale.base_model)
print("soft token     ", task.soft_token)
print("hard prompt    ", task.hard_prompt)
print("source template", repr(task.source_template))
print("records        ", {split: len(rows) for split, rows in data.items()})

# %%
import textwrap

example = data["validation"][1]
print(textwrap.fill(example["context"], 110))
print("\n?", example["question"])
for answer in example["answers"]:
    print("->", answer)

# %% [markdown]
# The **house style** is the shortest there is: the phrase itself, in the words of the report. How literally is that meant?

# %%
said = sum(any(answer.lower() in record["context"].lower() for answer in record["answers"]) for record in data["train"])
words = sum(len(task.target(record).split()) for record in data["train"]) / len(data["train"])
print(f"answers that stand in their report, but for a capital letter: {said:,} of {len(data['train']):,}; {words:.1f} words on average")

# %% [markdown]
# So nothing has to be composed. The right answer is there to be copied, among other names, places and times that are there too.
# The base model has read questions with answers in five styles: as a full sentence, with a source (*According to the gazette,
# ...*), as a bare noun, in German, and as the phrase itself. Again a prompt need not teach the model to answer. It has to make it
# choose one of these styles, and then hope that the model finds the fact.
#
# ## What the cue is worth
#
# The source ends in `Answer:`. Is that not a prompt already? It is, and that is why it has a fixed place: it belongs to the *task*,
# and every system gets it. Here is what happens without it, for no prompt at all and for the reported one. In a template `{text}`
# stands for the source without its last line, the cue (lesson 01).

# %% tags=["nbval-ignore-output"]
import pandas as pd

from course_utils import evaluate

few = data["validation"].select(range(40 if scale.name == "mini" else 32))
templates = {"cue": "{source}", "no cue": "{text}", "reported prompt, cue": task.hard_prompt + " {source}",
             "reported prompt, no cue": task.hard_prompt + " {text}"}
with_and_without = {name: evaluate(model, tokenizer, task, few, hard_prompt=template) for name, template in templates.items()}
pd.DataFrame(with_and_without).T[["loss", "exact_match"]].astype(float).round(2)

# %% tags=["nbval-ignore-output"]
for name in ("cue", "no cue"):
    for prediction in with_and_without[name]["predictions"][:4]:
        print(f"{name:7} {prediction}")
itself = sum(text.startswith("Answer:") for text in with_and_without["no cue"]["predictions"])
print(f"without the cue, the model writes it itself in {itself} of {len(few)} answers")

# %%
if scale.name == "mini":
    for name in ("", "reported prompt, "):
        assert with_and_without[f"{name}no cue"]["loss"] > with_and_without[f"{name}cue"]["loss"] + 0.1
    print("Without the cue the loss is higher, with the reported prompt and without it.")

# %% [markdown]
# After `Question: ...` the gazette goes on with `Answer:`. A model that must write this line itself is marked down for writing it,
# however well it answers then; part of the loss is spent on what kind of line comes next. Had we counted the cue as part of the
# hand-written prompts, they would have been compared with a soft prompt that has to do without: the difference would be the merit
# of one word, and we would have called it the merit of hard prompts. What every system can have for free goes into the source
# template. What is compared comes on top.
#
# ## Three measures, and how each misleads
#
# **Exact match** asks whether the answer is one of the accepted ones. Before the comparison both are normalized as the authors of
# SQuAD do it (Rajpurkar et al. 2016): lower case, no punctuation, no articles. With several accepted answers the best one counts.
#
# **Token F1** gives partial credit: the harmonic mean of precision (which share of the answer's words is wanted) and recall (which
# share of the wanted words is there), after the same normalization.
#
# **The percentage of exact match** is the measure of the write-up: of the *set* of output tokens, the percentage that also occurs
# in the target. We take words for tokens, and no normalization, because none is mentioned. In spite of its name it is not an exact
# match.

# %%
from course_utils.metrics import normalise

for text in ("in the Town Hall.", "The town hall", "because of  an old town-hall"):
    print(f"{text!r:32} -> {normalise(text)!r}")

# %% [markdown]
# Now seven answers to the same question, *Why did she lock the shed?*, and what the three say about each.

# %%
from course_utils import compute_metrics

reference = "because the landlady had paid for it"
answers = {
    "as wanted": "because the landlady had paid for it", "wrong reason": "because the landlady had asked for it",
    "one word": "it", "right words, no sense": "it had paid the landlady for because",
    "as wanted, with a full stop": "Because the landlady had paid for it.",
    "a good answer in other words": "The landlady paid her.", "a full sentence": "She locked it because the landlady had paid for it.",
}
judged = pd.DataFrame({name: {"answer": text} | compute_metrics(task.metrics, [text], [reference]) for name, text in answers.items()})
judged.T.set_axis(["answer", "exact match", "F1", "set percentage"], axis=1).round(1)

# %% [markdown]
# Read the table by rows.
#
# - *Wrong reason*: a different fact, and only exact match says so. Answers of one kind look alike, so a wrong one shares most
#   words with the right one. Partial credit is then credit for looking like an answer.
# - *One word*: the set percentage is full. It asks whether what was said is wanted, and never whether what is wanted was said. The
#   fewer words an answer has, the safer it is.
# - *Right words, no sense*: F1 and the set percentage do not see the order.
# - *With a full stop*: the same answer for everybody, except for the set percentage, which trips over a capital letter and a dot.
# - *A good answer in other words*: worth nothing in exact match, and in F1 far less than the wrong reason.
# - *A full sentence*: the right fact in the wrong style. Exact match does not tell it from a wrong fact.
#
# No measure is wrong as such; each answers its own question. For a task that wants *the phrase itself*, exact match is the
# question that was asked, so it is the main metric here. The others stand beside it, and the answers have to be read.
#
# ## Baselines first
#
# To the trivial baselines of the course we add one for this lesson. For each question word, take the word that occurs most often in
# the training answers to such questions, and say it. No model, and nobody reads a report.

# %%
from collections import Counter, defaultdict

answer_words = defaultdict(Counter)
for record in data["train"]:
    answer_words[record["question"].split()[0]].update(set(task.target(record).split()))
favorite = {asked: words.most_common(1)[0][0] for asked, words in answer_words.items()}
anything = sum(answer_words.values(), Counter()).most_common(1)[0][0]
print({asked: favorite[asked] for asked in ("Who", "What", "Where", "When", "Why", "How") if asked in favorite})

# %%
from course_utils import encode, trivial_baselines, unigram_loss

references = [task.references(record) for record in data["test"]]
one_word = [favorite.get(record["question"].split()[0], anything) for record in data["test"]]
baselines = trivial_baselines(task, data["test"], data["train"])
baselines["one word per question word"] = compute_metrics(task.metrics, one_word, references) | {"predictions": one_word}
for name, row in baselines.items():
    print(f"{name:28} exact match {row['exact_match']:5.1f}%  F1 {row['f1']:5.1f}  set percentage {row['exact_match_percentage']:5.1f}%")

# %%
if scale.name == "mini":
    word = baselines["one word per question word"]
    assert word["exact_match_percentage"] > 40 and word["exact_match"] == 0
    print("One word, read off the question: more than 40% by the set percentage, and not a single right answer.")

# %% [markdown]
# Keep that row in mind when you read a set percentage, here or in the write-up. For the loss, the table of token frequencies:

# %%
counts = {"train": 600, "validation": 100}                              # to save time; the shipped runs below take all
train_set, validation_set = (encode(data[split].select(range(min(count, len(data[split])))), task, tokenizer, model, prompt_length=20)
                             for split, count in counts.items())
test_set = encode(data["test"], task, tokenizer, model)
frequencies = unigram_loss(train_set, test_set)
print(f"token frequencies: loss {frequencies:.2f} nats per token; reports cut: {train_set.truncated + test_set.truncated}")

# %% [markdown]
# ## The hard prompts
#
# The reported prompt on the test questions, by the rules of lesson 05: greedy generation, at most the same number of tokens for all,
# the answer is the first line that is not blank.

# %% tags=["nbval-ignore-output"]
def show(name, result):
    print(f"{name}: loss {result['loss']:.2f}, exact match {result['exact_match']:.1f}%, F1 {result['f1']:.1f}, "
          f"set percentage {result['exact_match_percentage']:.1f}%  (n={result['n']})")


reported = evaluate(model, tokenizer, task, data["test"], hard_prompt=task.hard_prompt)
show("hard prompt as reported", reported)

# %% [markdown]
# Compare its set percentage with that of the one-word baseline. Now our own prompts, all of those in lesson 01. They are tried on 40
# validation questions, the loss breaks ties, and only the winner sees the test.

# %% tags=["nbval-ignore-output"]
from course_utils.progress import progress_bar

tried = {prompt: evaluate(model, tokenizer, task, few, hard_prompt=prompt)
         for prompt in progress_bar(task.hand_written, description="hand-written prompts", unit="prompt")}
ranked = sorted(tried, key=lambda prompt: (-tried[prompt]["exact_match"], tried[prompt]["loss"]))
for prompt in ranked[:4] + ranked[-1:]:
    row = tried[prompt]
    print(f"exact match {row['exact_match']:4.1f}%, loss {row['loss']:.2f}  {textwrap.shorten(repr(prompt), 85)}")

# %% tags=["nbval-ignore-output"]
written = evaluate(model, tokenizer, task, data["test"], hard_prompt=ranked[0])
show(f"best of {len(tried)} hand-written", written)
for name, result in (("reported", reported), ("best", written)):
    for prediction in result["predictions"][:4]:
        print(f"{name:9} {prediction}")

# %% [markdown]
# Read the answers and not the score alone. Many of them know the fact and put it into a sentence, and here even the best wording hardly
# moves that *style*. Whether the fact is right is another matter, and we come back to it.
#
# ## The soft prompt
#
# Twenty virtual tokens, then one, as the original has it, trained on the same questions with the same settings.

# %% tags=["nbval-ignore-output"]
from course_utils import GPT2WithSoftPrompt, TrainingConfig, fit, weights_fingerprint

before = weights_fingerprint(model)
config = TrainingConfig(epochs=scale.epochs, batch_size=scale.batch_size, learning_rate=scale.learning_rate)
soft = GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=20)
log_20 = fit(soft, train_set, validation_set, config)

# %% tags=["nbval-ignore-output"]
soft_one = GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=1)
log_1 = fit(soft_one, train_set, validation_set, config)

# %% tags=["nbval-ignore-output"]
soft_20, soft_1 = (evaluate(each, tokenizer, task, data["test"], progress=True) for each in (soft, soft_one))
show("20 tokens", soft_20)
show("1 token  ", soft_1)
assert weights_fingerprint(model) == before, "the base model changed"
if scale.name == "mini":
    assert soft_20["loss"] < written["loss"] and soft_20["exact_match"] > written["exact_match"]
    assert soft_1["loss"] < reported["loss"] and soft_1["exact_match"] > reported["exact_match"]

# %% tags=["nbval-ignore-output"]
import matplotlib.pyplot as plt

from course_utils import plot_losses

plot_losses({"20 tokens": log_20, "1 token": log_1}, {"reported hard prompt": reported["loss"], "best hand-written": written["loss"]})
plt.show()

# %% [markdown]
# The dotted lines are the hard prompts on the test questions. The prompts' curves come from the validation questions, so compare
# heights only roughly; the table has all of them on the same questions.
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
save_results("06_question_answering",
             {"task": task.name, "base_model": scale.base_model, "test_size": len(data["test"]), "rows": rows}).name

# %% [markdown]
# Order the systems by each of the three metrics in turn. Where two orders differ, somebody could have chosen the metric that
# suits the conclusion; so choose the main metric before you look, and report the others.
#
# ## Is it luck?
#
# Each share of right answers has a standard error of its own, $\sqrt{p(1-p)/n}$, even before seeds come in. The shipped runs of
# [`data/build/compare.py`](../data/build/compare.py), with course-gpt2-m and the gazette, train longer, on all questions and with three
# seeds. They add full fine-tuning, and two solved examples in the context (which ones, the seed decides).

# %%
import json

shipped = json.loads(Path("data/results/question_answering_course-gpt2-m.json").read_text())
runs = pd.DataFrame(shipped["runs"])
for key in task.metrics:
    runs[key] = [metrics.get(key) for metrics in runs["metrics"]]
spread = runs.groupby("system", sort=False).agg(
    runs=("system", "size"), parameters=("parameters", "first"), loss=("loss", "mean"), exact_match=("exact_match", "mean"),
    exact_match_sd=("exact_match", "std"), f1=("f1", "mean"), set_percentage=("exact_match_percentage", "mean"))
spread.round(2)

# %%
from course_utils import plot_scores

named = [name for name in spread.index if name not in ("unigram frequencies", "copy of the source", "lead sentence")]
figure, axes = plt.subplots(1, 2, figsize=(10, 4))
for ax, key, label in zip(axes, ("exact_match", "exact_match_percentage"), ("exact match (%)", "set percentage"), strict=True):
    plot_scores({name: runs.loc[runs.system == name, key].tolist() for name in named}, f"{label} on test", ax)
axes[1].tick_params(labelleft=False)
figure.tight_layout()
plt.show()

# %%
means, sd = spread["exact_match"], spread["exact_match_sd"]
n, right = shipped["sizes"]["test"], means["soft prompt, 20 tokens"] / 100
print(f"20 tokens against the best hand-written prompt: {means['soft prompt, 20 tokens'] - means['best hand-written prompt']:+.1f} points "
      f"of exact match; sd over seeds {sd['soft prompt, 20 tokens']:.1f}")
print(f"1 token against the reported hard prompt: {means['soft prompt, 1 token'] - means['hard prompt as reported']:+.1f} points; "
      f"sd over seeds {sd['soft prompt, 1 token']:.1f}")
print(f"standard error of one share of {n} questions: {100 * (right * (1 - right) / n) ** 0.5:.1f} points")

# %% [markdown]
# Look at the two panels together. They agree about the order of the trained systems, but the distances differ, and a set percentage is
# hard to read without the one-word baseline beside it: compare the hard prompts with its mark in the table above.
#
# ## Read the answers
#
# An answer can go wrong in ways that call for different cures. We sort by the first fault. A prompt can hope to mend style; a wrong
# fact is a matter of reading.

# %% tags=["nbval-ignore-output"]
import re

from course_utils import token_ids


def within(phrase, text):
    """Whether the words of `phrase` stand in `text`, side by side."""
    return f" {phrase} " in f" {text} "


def kind_of_error(prediction, record):
    """The first fault of an answer."""
    said, report = normalise(prediction), normalise(record["context"])
    accepted = [normalise(answer) for answer in record["answers"]]
    facts = [re.sub(r"^(because|in|on|at|to) ", "", answer) for answer in accepted]
    if said in accepted:
        return "right"
    if not said:
        return "empty"
    if len(token_ids(tokenizer, " " + prediction)) >= task.max_new_tokens:
        return "did not stop in time"
    if any(within(fact, said) for fact in facts):
        return "right fact, wrong style"
    if within(said, report):
        return "wrong fact of the report"
    return "wrong fact, wrong style" if prediction.endswith(".") else "a phrase that is not in the report"


# %% tags=["nbval-ignore-output"]
compared = ["hard prompt as reported", "best hand-written prompt", "soft prompt, 1 token", "soft prompt, 20 tokens"]
faults = pd.DataFrame({name: [kind_of_error(text, record) for text, record in
                              zip(systems[name]["predictions"], data["test"], strict=True)] for name in compared})
counts = faults.apply(pd.Series.value_counts).fillna(0).astype(int)
counts.loc[sorted(counts.index, key=lambda kind: (kind != "right", kind))]

# %%
if scale.name == "mini":
    wrong_style = faults.isin(["right fact, wrong style", "wrong fact, wrong style", "did not stop in time"]).mean()
    assert wrong_style["soft prompt, 20 tokens"] < wrong_style["hard prompt as reported"] - 0.1
    print("Twenty trained tokens mend the style; the reported prompt does not.")

# %% [markdown]
# A *wrong fact of the report* is a distractor: somebody, somewhere or some time that the report does mention, in another role. *A phrase
# that is not in the report* has the right form and is invented, or put together from two phrases, half of it right. An answer in German
# lands under *wrong fact, wrong style*, whatever it says.
#
# Now add up the two rows in which the *fact* is right.

# %% tags=["nbval-ignore-output"]
fact = faults.isin(["right", "right fact, wrong style"]).mean().mul(100)
exact = (faults == "right").mean().mul(100)
pd.DataFrame({"exact match": exact, "right fact in any style": fact}).round(1)

# %%
if scale.name == "mini":
    assert fact["hard prompt as reported"] > exact["hard prompt as reported"] + 30
    print("The reported prompt has the fact right far more often than its exact match says.")

# %% [markdown]
# This is the other side of exact match. By the first column the hard prompts hardly know anything; by the second, the frozen model finds
# most facts under *any* prompt, and nearly all that the trained prompts add is the style. Style was the task, so the first column is the
# one to report. But whoever reads *10% right* and concludes that the model cannot read has been misled.
#
# Look also for what the style costs. Where the second column is lower for a soft prompt than for a hard one, some facts got lost on
# the way to the short form. A possible reason, which we have not tested: a sentence repeats the question before it comes to the point (*The
# strange pump had belonged to ...*), and that is a run-up which the model knows well from its reading; the bare phrase has none.
#
# One example of each fault of the soft prompt, with its report:

# %% tags=["nbval-ignore-output"]
for kind, indices in faults.groupby("soft prompt, 20 tokens").groups.items():
    if kind != "right":
        record = data["test"][int(indices[0])]
        print(f"{kind} ({len(indices)} times)\n" + textwrap.fill(record["context"], 110))
        print(f"  ?      {record['question']}\n  wanted {' | '.join(record['answers'])}")
        print(f"  soft   {soft_20['predictions'][indices[0]]}\n  hard   {written['predictions'][indices[0]]}\n")

# %% [markdown]
# ### Wrong answers with good marks, good answers with bad marks
#
# What does the set percentage make of all this? First, the soft prompt's wrong facts with the best marks.

# %% tags=["nbval-ignore-output"]
def marks(name):
    """One row per test question: the fault, the answer and its set percentage."""
    percentages = [compute_metrics(["exact_match_percentage"], [text], [accepted])["exact_match_percentage"]
                   for text, accepted in zip(systems[name]["predictions"], references, strict=True)]
    return pd.DataFrame({"fault": faults[name], "answer": systems[name]["predictions"],
                         "wanted": [accepted[0] for accepted in references], "set percentage": percentages})


soft_marks, hard_marks = marks("soft prompt, 20 tokens"), marks("hard prompt as reported")
wrong_facts = ["wrong fact of the report", "a phrase that is not in the report"]
soft_marks[soft_marks.fault.isin(wrong_facts)].nlargest(5, "set percentage").round(0)

# %% [markdown]
# And, of the reported hard prompt, answers with the right fact and the worst marks.

# %% tags=["nbval-ignore-output"]
sentences = hard_marks[hard_marks.fault == "right fact, wrong style"]
sentences.nsmallest(5, "set percentage").round(0)

# %% tags=["nbval-ignore-output"]
word = baselines["one word per question word"]
print(f"set percentage: {sentences['set percentage'].mean():.0f}% for {len(sentences)} sentences that hold the right fact, "
      f"{word['exact_match_percentage']:.0f}% for one word that never reads a report")
if scale.name == "mini":
    assert word["exact_match_percentage"] > sentences["set percentage"].mean() + 5

# %% [markdown]
# So the reported measure prefers *the* to a true sentence. It divides by the number of words that were said, so it mostly measures how
# short an answer is. A set percentage alone says neither whether an answer is right, nor whether the model has read.
#
# ### Did it stop, or was it stopped?
#
# *Empty* and *did not stop in time* are rare, but that is partly our doing: an answer ends at the first line break, whatever the model
# wanted to say next. Here we let it run for as many tokens as the task allows, and ask whether it ended by itself.

# %% tags=["nbval-ignore-output"]
from course_utils import left_pad, with_hard_prompt


def run_on(system, prompt=None):
    """What follows the sources when nobody stops it: new ids [questions, new]."""
    ids = [token_ids(tokenizer, with_hard_prompt(prompt, task.source(record))) for record in few]
    ids, mask = (tensor.to(model.device) for tensor in left_pad(ids, tokenizer.pad_token_id))
    new = system.generate(ids, attention_mask=mask, max_new_tokens=task.max_new_tokens, do_sample=False)
    return new if system is not model else new[:, ids.shape[1]:]         # a plain model repeats its input


ends = {}
for name, new in (("reported", run_on(model, task.hard_prompt)), ("20 tokens", run_on(soft))):
    ends[name] = (new == tokenizer.eos_token_id).any(1).float().mean().item()
    print(f"{name}: ended by itself {ends[name]:.0%} of {len(few)}, e.g. {tokenizer.decode(new[0], skip_special_tokens=True)!r}")
if scale.name == "mini":
    assert ends["20 tokens"] > ends["reported"] + 0.2

# %% [markdown]
# Stopping is part of the style, too, and the soft prompt learned it because the end token counts in its loss (lesson 03). Without our
# rule, the hard prompt's answers would drag further questions behind them, and its exact match would be lower than we report.
#
# ## Which questions are hard?
#
# The records do not say what kind of question they hold, but the gazette asks in set phrases, so the first words and the last tell.

# %%
KINDS = {"How long": "duration", "How much": "cost", "How many": "crowd", "How did": "mood", "Who had the idea": "idea",
         "Who paid": "payer", "Who helped": "companion", "Who had owned": "owner", "What is": "plan"}


def kind_of_question(question):
    """A name for what is asked; the question word where we have no better one."""
    known = [kind for start, kind in KINDS.items() if question.startswith(start)]
    if question.endswith("get as thanks?"):
        return "reward"
    return known[0] if known else question.split()[0].lower()


asked = pd.Series([kind_of_question(record["question"]) for record in data["test"]])
print(asked.value_counts().to_dict())

# %% tags=["nbval-ignore-output"]
by_kind = (faults[compared[1:]] == "right").groupby(asked).mean().mul(100)
by_kind.insert(0, "questions", asked.value_counts())
by_kind = by_kind.sort_values("soft prompt, 20 tokens")
by_kind.round(0).astype(int)

# %% tags=["nbval-ignore-output"]
axes = by_kind[compared[1:]].plot.barh(figsize=(7, 5), width=0.75)
axes.set(xlabel="exact match (%) on test", ylabel="")
axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncol=3, fontsize="small")
plt.show()

# %% tags=["nbval-ignore-output"]
of_twenty = by_kind["soft prompt, 20 tokens"]
hardest, easiest = (by_kind.index[of_twenty == extreme] for extreme in (of_twenty.min(), of_twenty.max()))
print("hardest for 20 tokens:", ", ".join(hardest), "| easiest:", ", ".join(easiest))
print(f"a share of {by_kind.questions.min()} questions has a standard error of up to {50 / by_kind.questions.min() ** 0.5:.0f} points")
pd.crosstab(asked.rename("hardest kinds"), faults["soft prompt, 20 tokens"].rename("fault")).loc[list(hardest)]

# %% [markdown]
# Mind the standard error before you explain the order of neighbors: kinds with a dozen questions trade places by chance. Look at the
# distance between the bars instead. Where the hand-written prompt is low and the soft prompt high, the difference is mostly style: the
# base model prefers a sentence for such questions. Where both are low, see in the table below the figure whether style or fact is missing.
#
# ## Does it read the report?
#
# A high score on a narrow world might come from the question alone. So we ask the same validation questions three times: with their
# own report, with the report of the next question, and with none.

# %% tags=["nbval-ignore-output"]
own = list(data["validation"].select(range(80)))
another = [{**record, "context": other["context"]} for record, other in zip(own, own[1:] + own[:1], strict=True)]
none = [{**record, "context": ""} for record in own]
reading = {}
for name, records in {"its own report": own, "another report": another, "no report": none}.items():
    result = evaluate(soft, tokenizer, task, records)
    shown = [within(normalise(text), normalise(record["context"])) for text, record in zip(result["predictions"], records, strict=True)]
    reading[name] = {"loss": result["loss"], "exact match": result["exact_match"], "copied from the report shown (%)": 100 * sum(shown) / len(own)}
pd.DataFrame(reading).T.round(1)

# %%
if scale.name == "mini":
    own_report, another_report = (reading[name] for name in ("its own report", "another report"))
    assert another_report["exact match"] < own_report["exact match"] - 10 and another_report["loss"] > own_report["loss"] + 0.5
    assert another_report["copied from the report shown (%)"] > 40 > reading["no report"]["copied from the report shown (%)"]
    print("The answers follow the report that is shown.")

# %% [markdown]
# With another report the right answer is gone and so is the score, but the answers do not turn into noise: most of them are phrases
# *of the report that was shown*. The model answers about what it is given. Exact match with a wrong report or none tells how much the
# question alone gives away, here hardly anything. Exercise 3 sharpens the test: change one fact of a report, and see
# whether the answer changes with it.
#
# ## The original configuration
#
# The write-up trains GPT-2 small with one virtual token, batches of one example, no accumulation, and a clipping norm of 1, for 10
# epochs (its log shows five). `TrainingConfig.as_reported()` holds these settings; it names no learning rate, ours is the default.
# We run a short version: 200 of the training questions, two epochs.

# %% tags=["nbval-ignore-output"]
as_reported = TrainingConfig.as_reported(epochs=2)
small_set = encode(data["train"].select(range(200)), task, tokenizer, model, prompt_length=1)
one, history = GPT2WithSoftPrompt(model, [task.soft_token], prompt_length=1), []


def validate(epoch):
    scores = evaluate(one, tokenizer, task, few)
    history.append(epoch | {key: scores[key] for key in task.metrics})


_ = fit(one, small_set, validation_set, as_reported, on_epoch=validate)
print(as_reported)
pd.DataFrame(history).set_index("epoch").drop(columns="seconds").round(2)

# %% [markdown]
# The full run, ten epochs over all training questions with the command `python -m course_utils.train --as-reported`, takes longer
# than a lesson. Its log ships with the course. Beside it, the log in the write-up.

# %%
full = json.loads(Path("data/results/as_reported/question_answering/results.json").read_text())
log = pd.DataFrame([{"train_loss": row["train_loss"], "validation_loss": row["validation_loss"], **row["validation"]}
                    for row in full["epochs"]], index=pd.RangeIndex(1, len(full["epochs"]) + 1, name="epoch"))
settings = ("batch_size", "epochs", "gradient_accumulation_steps", "clipping_norm", "learning_rate")
print(full["base_model"], {key: full["config"][key] for key in settings}, "prompt length", full["prompt_length"])
log.round(2)

# %%
import math

theirs = pd.DataFrame({"validation_loss": [11.2295, 10.7468, 10.5061, 10.3091, 10.0445],
                       "exact_match_percentage": [2.7082, 2.2713, 2.3199, 2.3833, 3.0007]}, index=range(1, 6))
their_hard = {"validation_loss": 11.2963, "exact_match_percentage": 8.4267}
our_hard = {"validation_loss": full["test"]["hard"]["loss"], "exact_match_percentage": full["test"]["hard"]["exact_match_percentage"]}
figure, axes = plt.subplots(2, 2, figsize=(9, 5), sharex="col")
for column, (name, rows, hard) in enumerate((("write-up", theirs, their_hard), ("this course", log, our_hard))):
    for ax, key, label in zip(axes[:, column], their_hard, ("loss (nats per token)", "set percentage"), strict=True):
        ax.plot(rows.index, rows[key], marker="o", label="soft prompt, 1 token")
        ax.axhline(hard[key], color="C3", linestyle=":", label="hard prompt")
        ax.set_ylabel(label)
    axes[0, column].set_title(name)
    axes[1, column].set_xlabel("epoch")
axes[0, 0].axhline(math.log(50257), color="grey", linestyle="--", label="even guessing")
axes[0, 0].legend(fontsize="small")
for ax in axes.flat:
    ax.set_ylim(bottom=0)
figure.tight_layout()
plt.show()

# %% [markdown]
# On the left, everything happens near or above the line of even guessing among GPT-2's 50,257 tokens, where no language model belongs
# that is asked for the next word (lesson 03 plants a bug that leaves such marks). The soft prompt has the lower loss and the
# lower set percentage: the two measures disagree about who won. And both percentages are small, below anything we have seen here
# from one word that never reads a report. What happens to the same comparison when the rest is in order?

# %%
ours = pd.DataFrame({"soft prompt, 1 token": full["test"]["soft"], "hard prompt": full["test"]["hard"]}).loc[["loss", *task.metrics]]
for metric, row in ours.iterrows():
    better = row.idxmin() if metric == "loss" else row.idxmax()
    print(f"{metric:23} soft {row.iloc[0]:6.2f}   hard {row.iloc[1]:6.2f}   better: {better}")
print("write-up, validation:   soft   3.00   hard   8.43   better: hard prompt (set percentage)")

# %%
soft_test, hard_test = full["test"]["soft"], full["test"]["hard"]
assert soft_test["loss"] < hard_test["loss"] and soft_test["exact_match"] > hard_test["exact_match"]
print("With the reported settings, one trained token beats the reported prompt here, in loss and in exact match.")

# %% [markdown]
# Be fair to the write-up before you conclude anything. This is not a repetition of its experiment: the model is another one (GPT-2
# small has about a hundred times the parameters of ours), and so are the data, which it does not name; its percentages are from
# validation data, ours from a test; its tokens may be pieces of words, ours are words; one seed each. What the comparison supports
# is narrower. The reported defeat is *not* a property of the configuration: with one token, batches of one, ten epochs and
# the same hard prompt, a training whose loss passes the five checks of lesson 03 comes out the other way round. And the reported
# numbers cannot support either conclusion, neither that soft prompts lose at questions nor, by the loss, that they win.
#
# One more thing to take from it: a single token needs long training. Compare its score after all these epochs with the one in the table
# of this lesson, and then with the shipped runs. What is left of the distance to twenty tokens is what *length* may explain. The
# original's prompt was not only measured strangely, it was also very short.
#
# ## Exercises
#
# ### 1. Token F1 by hand (easy, important, 10 minutes)
#
# Write token F1 for one answer and its accepted answers, between 0 and 1, with the normalization of SQuAD. Words count as often as they
# occur. If nothing is left of the answer, it scores 0.

# %%
def token_f1(prediction, references):
    """The best F1 over `references`, a list of texts; `normalise` from above does the cleaning."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_06 import check_06_token_f1

check_06_token_f1(token_f1)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `Counter(a) & Counter(b)` keeps of each word the smaller count, and `.total()` sums them up. With `shared` words in common, precision is
# `shared / len(a)` and recall `shared / len(b)`; their harmonic mean is `2 * shared / (len(a) + len(b))`.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# from collections import Counter
#
# from course_utils.metrics import normalise
#
# def token_f1(prediction, references):
#     def f1(said, wanted):
#         shared = (Counter(said) & Counter(wanted)).total()
#         return 2 * shared / (len(said) + len(wanted)) if shared else 0.0
#     return max(f1(normalise(prediction).split(), normalise(each).split()) for each in references)
# ```
# </details>
#
# ### 2. Who won, and by luck? (medium, important, 15 minutes)
#
# Two systems answered the same questions. Where both are right, or both wrong, nothing is learned about which one is better. What
# counts are the questions that only one of them got right. If both were equally good, each of these would be a coin toss. Write
# the **sign test**: how likely is a split at least as uneven as the one we see, to either side?

# %%
def sign_test(right_a, right_b):
    """Two lists of True and False, one entry a question -> two-sided p-value; 1.0 if they never differ."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_06 import check_06_sign_test

check_06_sign_test(sign_test)

# %% [markdown]
# When the check is content, try it on `faults == "right"`, column against column: which of the differences in this lesson's table would
# you defend?
#
# <details><summary>Hint</summary>
#
# Let n be the number of questions on which they differ, and k the smaller of the two counts. `math.comb(n, i) / 2**n` is the probability
# of i heads in n tosses. Sum it for i from 0 to k and double it, because the split could have been uneven to the other side; a
# probability cannot exceed 1.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# import math
#
# def sign_test(right_a, right_b):
#     only_a = sum(a and not b for a, b in zip(right_a, right_b))
#     only_b = sum(b and not a for a, b in zip(right_a, right_b))
#     n, k = only_a + only_b, min(only_a, only_b)
#     return min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)
# ```
# </details>
#
# ### 3. Change a fact (medium, 15 minutes)
#
# The sharpest test of reading changes one fact of the report and nothing else. Write `edit_report`: a new record in which the phrase
# `old` is replaced by `new` everywhere in the report and in the accepted answers. Whole words only: who
# changes 8 visitors must not touch 88 euros. The question and the record that was given stay as they are.

# %%
def edit_report(record, old, new):
    """A record {"context", "question", "answers"} with one fact changed."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_06 import check_06_edit_report

check_06_edit_report(edit_report)

# %% [markdown]
# <details><summary>Hint</summary>
#
# In a regular expression `\b` is the edge of a word. `re.escape(old)` keeps a period in the phrase from matching anything else.
# `{**record, "context": ...}` makes a new record.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# import re
#
# def edit_report(record, old, new):
#     def edit(text):
#         return re.sub(rf"\b{re.escape(old)}\b", lambda match: new, text)
#     return {**record, "context": edit(record["context"]), "answers": [edit(answer) for answer in record["answers"]]}
# ```
#
# And the experiment: questions who did it, which the prompt can answer, with that person replaced by somebody from another report.
#
# ```python
# acted = [record for record in data["validation"] if kind_of_question(record["question"]) == "who"]
# others = [record["answers"][0] for record in acted[1:] + acted[:1]]
# edited = [edit_report(record, record["answers"][0], other) for record, other in zip(acted, others)]
# for records in (acted, edited):
#     print(evaluate(soft, tokenizer, task, records)["exact_match"])
# ```
# </details>
#
# ## What we found

# %% tags=["nbval-ignore-output"]
cue, no_cue = (with_and_without[name] for name in ("cue", "no cue"))
print(f"- the cue alone is worth {no_cue['loss'] - cue['loss']:.2f} nats per token, so every system gets it")
print(f"- one word per question, without a report: set percentage {word['exact_match_percentage']:.0f}%, F1 {word['f1']:.0f}, "
      f"exact match {word['exact_match']:.0f}%; the reported hard prompt: {reported['exact_match_percentage']:.0f}%, "
      f"{reported['f1']:.0f}, {reported['exact_match']:.0f}%")
print(f"- exact match on {len(data['test'])} test questions: 20 tokens {soft_20['exact_match']:.1f}%, 1 token {soft_1['exact_match']:.1f}%, "
      f"best of {len(tried)} hand-written {written['exact_match']:.1f}%, reported {reported['exact_match']:.1f}%")
print(f"- three seeds, longer training: 20 tokens {means['soft prompt, 20 tokens']:.1f} ± {sd['soft prompt, 20 tokens']:.1f}, "
      f"1 token {means['soft prompt, 1 token']:.1f} ± {sd['soft prompt, 1 token']:.1f}, full fine-tuning {means['full fine-tuning']:.1f}")
print(f"- the right fact in any style: reported prompt {fact['hard prompt as reported']:.0f}%, 20 tokens {fact['soft prompt, 20 tokens']:.0f}%; "
      f"hardest for 20 tokens: {', '.join(hardest)}")
print(f"- exact match with the right report {reading['its own report']['exact match']:.0f}%, with another "
      f"{reading['another report']['exact match']:.0f}%; then {reading['another report']['copied from the report shown (%)']:.0f}% of the "
      "answers are phrases of that other report")
print(f"- the original configuration, all epochs: exact match {soft_test['exact_match']:.1f}% soft, {hard_test['exact_match']:.1f}% hard; "
      "the write-up's set percentage: 3.0% soft, 8.4% hard")

# %% [markdown]
# ### Further reading
#
# - Rajpurkar et al. (2016), [SQuAD: 100,000+ Questions for Machine Comprehension of Text](https://arxiv.org/abs/1606.05250): section
#   6.1 defines exact match and F1 as used here
# - Jia and Liang (2017), [Adversarial Examples for Evaluating Reading Comprehension Systems](https://arxiv.org/abs/1707.07328): one
#   distracting sentence, and systems with good scores fail
# - Lester, Al-Rfou and Constant (2021), [The Power of Scale for Parameter-Efficient Prompt Tuning](https://arxiv.org/abs/2104.08691):
#   section 5 trains prompts on SQuAD and tests them on questions from elsewhere
#
# Next: [07 · Machine translation](07_machine_translation.ipynb)
