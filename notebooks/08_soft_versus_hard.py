# %% [markdown]
# # 08 · Soft versus hard prompts
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/soft-prompt-course/soft-prompt-course/blob/main/notebooks/08_soft_versus_hard.ipynb)
#
# **Time:** 1 to 2 minutes on 2 CPU cores; on a Colab GPU not measured. Reading and exercises: an hour and a half.
#
# **For whom:** you have taken lessons 02 and 03, and at least one of 05 to 07.
#
# A **soft prompt** is a few trained vectors, its **virtual tokens**, in front of the text. A **hard prompt** is text that a person (or a search) wrote. This lesson puts the
# main measurements side by side, names no winner, and ends with two arguments.
#
# ## What you will be able to do
#
# - read the results of all systems, and say which differences a paired test supports
# - say which results our own set-up makes likely, and what a control shows
# - carry a prompt to another model, and predict whether it will work there
# - test a soft prompt's nearest words, its single rows, and its resistance to text inside the document
# - argue for either side, each point with its number

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
# ## 1. Two ways to steer one model
#
# Three requests as one batch, one row a task: the 20 vectors of the task's soft prompt (coloured), the text, and padding. All rows go through the same frozen **base model**, which then writes an answer. A hard prompt in front would stand where the coloured boxes stand, as ordinary tokens.

# %%
import matplotlib.pyplot as plt
from torch.nn.utils.rnn import pad_sequence

from course_utils import TASKS, GPT2WithSoftPrompt, course_scale, load_base_model, load_task_data, token_ids
from course_utils.lessons.checks_08 import ready_prompts
from course_utils.lessons.pictures import mixed_batch

scale = course_scale()
model, tokenizer = load_base_model(scale.base_model)
data = {name: load_task_data(name, scale.data, scale.max_train, scale.max_eval) for name in TASKS}
soft = ready_prompts(model, tokenizer, data, scale)      # 20 virtual tokens for each task, in one embedding
print(soft.soft_vocabulary, tuple(soft.soft_embedding.weight.shape))

# %%
import torch

examples = {name: min(data[name]["validation"], key=lambda record: len(str(record))) for name in TASKS}
sources = {name: task.source(examples[name]) for name, task in TASKS.items()}
rows = [torch.tensor(soft.with_prompt(token_ids(tokenizer, sources[name]), task.soft_token)) for name, task in TASKS.items()]
batch = {"input_ids": pad_sequence(rows, True, tokenizer.pad_token_id, "right")}
batch["attention_mask"] = pad_sequence([torch.ones_like(row) for row in rows], True, 0, "right")
batch["labels"] = torch.full_like(batch["input_ids"], -100)
mixed_batch(batch, tokenizer, soft.vocab_size, {task.soft_token: soft.prompt_ids(task.soft_token) for task in TASKS.values()})
plt.show()

# %% [markdown]
# Do the rows of a batch disturb each other? We compare each row's **logits** (scores of all next tokens) with those of the row alone.

# %%
with torch.no_grad():
    together = soft(batch["input_ids"].to(model.device), batch["attention_mask"].to(model.device)).logits
    alone = [soft(row[None].to(model.device), torch.ones_like(row)[None].to(model.device)).logits[0] for row in rows]
print("same logits in one batch as alone:", all(torch.allclose(together[i, :len(row)], alone[i], atol=1e-3) for i, row in enumerate(rows)))

# %% [markdown]
# For each task: the end of a request, what the model writes after the soft prompt and after the hard prompt of the write-up that this course checks (section 3), and the target.

# %% tags=["nbval-ignore-output"]
from course_utils import generate_texts
from course_utils.tasks import with_hard_prompt

for name, task in TASKS.items():
    print(f"{name}: ...{sources[name][-70:]!r}")
    print("   soft  ", generate_texts(soft, tokenizer, [sources[name]], max_new_tokens=48, soft_token=task.soft_token)[0])
    print("   hard  ", generate_texts(model, tokenizer, [with_hard_prompt(task.hard_prompt, sources[name])], max_new_tokens=48)[0])
    print("   target", task.target(examples[name]))

# %% [markdown]
# The shortest validation record of each task: examples, no score.
#
# ## 2. All systems, three tasks
#
# All systems of a table were run on the same test records by [`data/build/studies.py`](../data/build/studies.py), the trained ones with three **seeds** (trainings that differ by chance only).
# **P-tuning** lets a small network compute a soft prompt's rows; **prefix tuning** trains keys and values in every layer; **LoRA** trains small matrices beside some weights, **full fine-tuning** all weights. The rules:
#
# - For each trained system, at least four learning rates were tried, on **validation** records (kept for choices).
# - Hard prompts: (a) the best of all our hand-written prompts; (b) **in-context examples** ("solved examples" and their number, in the tables): training records with
#   their targets in front, drawn anew for each seed (chosen on validation, examples from two draws); (c) a **discrete search**: guided by gradients, a program exchanges tokens to find 20 with a low **loss** (how improbable the targets are to the
#   model). It runs as many records forward as a soft prompt's training may, 16 prompts a step.
# - For these tables the test records were used once. The small experiments below use validation records.

# %%
from course_utils import summary_table
from course_utils.results import stored
from course_utils.verdicts import TestRuns

HERE, ONE, TWENTY, FULL = "course-gpt2-m", "soft prompt, 1 token", "soft prompt, 20 tokens", "full fine-tuning"
REPORTED, WRITTEN, SEARCHED = "hard prompt, reported", "hard prompt, best written", "discrete search, 20 tokens"
studies = {name: stored(name) for name in ("main", "control")}
runs = {(study, name): TestRuns(studies[study], name, HERE) for study in studies for name in TASKS}
tables = {name: summary_table(studies["main"], name, HERE, against=TWENTY).set_index("system") for name in TASKS}
tests, as_reported = (study.table().query("base == @HERE and split == 'test'") for study in (studies["main"], stored("as_reported")))
tried = stored("words.tried").table("hard_prompt", "data").query("data == 'embedded' and split == 'validation'")
rates, costs = stored("rates").table("learning_rate", "data").query("data == 'embedded'"), stored("cost").table()
print({name: len(table) for name, table in tables.items()}, "systems")


# %%
import functools

from course_utils import verdict


@functools.cache
def compare(name, first, second, study="main"):
    """`verdict` on a task of a stored study."""
    return verdict(studies[study], name, HERE, first, second, runs=runs[study, name])


# %% [markdown]
# Which words won on validation? (`{text}`: the request without its cue, `{source}`: with it.)

# %%
from course_utils.lessons.checks_08 import written_scores

winners = {name: written_scores(tried, name, HERE).idxmax() for name in TASKS}
for name, prompt in winners.items():
    print(f"{name}, best of {len(written_scores(tried, name, HERE))}: {prompt!r}")

# %% [markdown]
# Question answering's winner holds two solved examples that we made up.
#
# ROUGE-L and BLEU measure overlap with the target; exact match counts equal answers. The table gives means over seeds and 95% intervals over test records and seeds. The **verdict** is a **paired bootstrap** against 20 tokens: test records are drawn 4,000 times with replacement,
# the same for both systems, and the error of each mean over seeds is added (Student's t). If the middle 95% of the differences lie above 0, the verdict is "higher"; below 0, "lower"; else the two "cannot be told apart".

# %%
from IPython.display import Markdown, display

from course_utils.lessons.checks_08 import difference_figure, score_table

for name in TASKS:
    display(Markdown(f"**{name.replace('_', ' ')}**"), score_table(tables[name], name))

# %% [markdown]
# `±` is the standard deviation over seeds. Systems without an interval need no model: all other means lie above theirs. Of about 40 tests with 5% of error each, two may be luck. The choice of rates and prompts is not in the intervals. The figure: scores minus that of 20 tokens (the line).

# %%
difference_figure(tables, TWENTY)
plt.show()

# %% [markdown]
# The three comparisons used most:

# %%
for name in TASKS:
    for other in (WRITTEN, SEARCHED, FULL):
        if other in tables[name].index:
            print(f"{name}: {compare(name, TWENTY, other)}")


def tells(first, second):
    """The verdict on each task, in words."""
    return "; ".join(f"{name.replace('_', ' ')}: {compare(name, first, second).verdict}" for name in TASKS if {first, second} <= set(tables[name].index))


words = [(name, row) for name in TASKS for row in tables[name].itertuples() if row.Index.startswith(("hard", "solved", "discrete"))]
level = [f"{row.Index} ({name.replace('_', ' ')}: {row.verdict})" for name, row in words if row.verdict in ("higher", "cannot be told apart")]
display(Markdown(f"**What this says.** 20 trained vectors against our best written prompt: {tells(TWENTY, WRITTEN)}. Against full fine-tuning: {tells(TWENTY, FULL)}. "
                 f"Hard prompts of all kinds in the tables that are *not* lower than 20 trained vectors: {', '.join(level) or 'none'}."))

# %% [markdown]
# ### What is built in
#
# The **gazette** is the made-up newspaper on which we trained our base models. A **cue** is a text, such as `Headline:`, after which it goes on in a certain way. The **target style** is the form in which a task wants its answers.
#
# 1. **No cue selects the target style.** None is always followed by it. A hand-written prompt can make it likely, not certain.
# 2. **Copying was built in.** Two parts of the model (attention heads) start with weights that copy from earlier text (an **induction circuit**, see the [data card](../data/README.md)).
# 3. **We know the gazette.** Our prompts use its cues, which favours our words. The reported prompts do not occur in it.
# 4. **Translation is nearly solved** by this model: there is little room above the best scores.
#
# So we measured a control: the same records, with targets in a style that one cue *does* call for (a headline, a full sentence, newspaper German). There, words select the style with certainty, not the right content.

# %%
import pandas as pd

from course_utils.metrics import SCORES

MAIN = {name: SCORES[task.main_metric] for name, task in TASKS.items()}
controlled = [name for name in TASKS if {TWENTY, WRITTEN} <= set(runs["control", name].rows.system)]
lines = []
for name, study in [(name, "main") for name in TASKS] + [(name, "control") for name in controlled]:
    found, tuned, digits = compare(name, TWENTY, WRITTEN, study), compare(name, FULL, WRITTEN, study), MAIN[name].digits
    lines.append({"task": name, "style": {"main": "target style", "control": "control style"}[study], "metric": MAIN[name].label,
                  "20 tokens minus best written": f"{found.difference:+.{digits}f}", "95% interval": "{:+.{d}f} to {:+.{d}f}".format(*found.interval, d=digits), "verdict": found.verdict,
                  "20 tokens, each seed": ", ".join(f"{score:.{digits}f}" for score in runs[study, name].score(TWENTY)),
                  "full fine-tuning minus best written": f"{tuned.difference:+.{digits}f}, {tuned.verdict}"})
pd.DataFrame(lines).sort_values(["task", "style"]).set_index(["task", "style"])

# %% [markdown]
# Compare the two rows of a task. In the control style, a lead is what training adds beyond the style (last column: of all weights). Where seeds lie far apart, "cannot be told apart" does not mean "equal": on summaries, one of three trainings stayed at a high loss (lesson 05). Subtracting the two leads does not tell how much we built in: targets, best prompts
# and the room at the top differ. On public data nobody knows which case a task is.
#
# ## 3. The reported figures beside ours
#
# The write-up behind this course compared one virtual token with one hard prompt, on GPT-2 and public data. Losses are divided by that of even guessing, $\ln V$ (V: vocabulary size).
# `1 token, as reported` is trained with its settings (batches of one, ten epochs) and a rate of ours. `exact_match_percentage` is the share of the output's different tokens that occur in the target.

# %%
from course_utils.lessons.checks_08 import reported_beside_ours

reported_beside_ours(tests, as_reported)

# %% [markdown]
# All three reported hard prompts lie above 1. A trained language model rarely does. Lesson 04 shows mistakes that give this pattern.
#
# By the loss, the reported soft prompt is ahead on all tasks. By the share of tokens it is behind on question answering (both figures are of validation records). Which is higher here, by each task's main measure?

# %%
for name in TASKS:
    print(f"{name}: {compare(name, ONE, REPORTED)}")
display(Markdown(f"In short, one token against the reported words: {tells(ONE, REPORTED)}. So much had changed (model, data, rate, measure) that our values neither confirm nor refute the original's."))

# %% [markdown]
# ## 4. Adaptability: what moves, and what stays
#
# A soft prompt is a list of points in one model's space. If another model has another width, it does not fit. The next cell ends in an error on purpose:

# %% tags=["raises-exception"]
smaller, _ = load_base_model("course-gpt2-s")
GPT2WithSoftPrompt(smaller, ["[TRANSLATION]"], prompt_length=20).load_prompt("data/prompts/translation")

# %% [markdown]
# Could it move to a model of the same width? We take the easiest case: the *same* model with its numbers in another order. We shuffle the places of all vectors in the same way,
# so the copy computes the same for every text:

# %%
from course_utils.lessons.checks_08 import renumbered

order = torch.randperm(model.config.n_embd, generator=torch.Generator().manual_seed(0)).to(model.device)
twin = renumbered(model, order)                          # its dimension i is dimension order[i] of the model
print(f"place 0 of the copy holds place {order[0]} of the model, place 1 place {order[1]}, ...")
ids = tokenizer(sources["translation"], return_tensors="pt").input_ids.to(model.device)
with torch.no_grad():
    print("same logits for a text:", torch.allclose(model(ids).logits, twin(ids).logits, atol=1e-3))

# %% [markdown]
# **Predict, then run.** What BLEU does each get on the renumbered model: the reported hard prompt, the soft prompt, the soft prompt renumbered like the model?

# %%
my_guess = {"hard prompt": None, "soft prompt": None, "soft prompt, renumbered": None}      # your numbers, 0 to 100

# %% [markdown]
# Two baselines beside them: no prompt (the request still ends in `German:`), and random vectors with the norms of the prompt's rows.

# %% tags=["nbval-ignore-output"]
from course_utils import evaluate

task, few = TASKS["translation"], data["translation"]["validation"].select(range(60))
vectors = soft.soft_embedding.weight.detach()[soft.rows(task.soft_token)]
noise = torch.randn(vectors.shape, generator=torch.Generator().manual_seed(0)).to(vectors)
noise *= vectors.norm(dim=1, keepdim=True) / noise.norm(dim=1, keepdim=True)


def with_rows(base_model, rows):
    """A soft prompt of the given rows [prompt, width]."""
    prompt = GPT2WithSoftPrompt(base_model, [task.soft_token], prompt_length=len(rows))
    prompt.soft_embedding.weight.data.copy_(rows)
    return prompt


visits = {(f"{kind} prompt", where): evaluate(system, tokenizer, task, few, hard_prompt=prompt) for kind, where, system, prompt in (
    ("hard", "at home", model, task.hard_prompt), ("hard", "renumbered model", twin, task.hard_prompt), ("no", "renumbered model", twin, None))}
for name, where, base, its_rows in (("soft prompt", "at home", model, vectors), ("soft prompt", "renumbered model", twin, vectors),
                                    ("soft prompt, renumbered", "renumbered model", twin, vectors[:, order]), ("random vectors", "renumbered model", twin, noise)):
    visits[name, where] = evaluate(with_rows(base, its_rows), tokenizer, task, few)

# %% tags=["nbval-ignore-output"]
from course_utils import paired_bootstrap

references = [task.references(record) for record in few]


def against(first, second):
    """The verdict on two results of `evaluate` for the few records."""
    found = paired_bootstrap("bleu", first["predictions"], second["predictions"], references, task.language)
    return f"{found.verdict} ({found.difference:+.1f} BLEU)"


moved = pd.DataFrame({where: {"loss": result["loss"], "BLEU": result["bleu"]} for where, result in visits.items()}).T
for name, guess in my_guess.items():
    print(f"{name}: {'no guess' if guess is None else f'you said {guess}'}, it is {moved.loc[(name, 'renumbered model'), 'BLEU']:.1f}")
for name in ("no prompt", "random vectors"):
    print(f"the soft prompt on the renumbered model against {name}: {against(visits['soft prompt', 'renumbered model'], visits[name, 'renumbered model'])}")
print(f"the hard prompt against no prompt: {against(visits['hard prompt', 'renumbered model'], visits['no prompt', 'renumbered model'])}")
moved.round(2)

# %% [markdown]
# The words keep their score by construction: the copy gives the same logits for every text. They need not help: the last line above the table holds them against no prompt. The vectors get theirs back if we renumber them too, so nothing else is broken. Without that, the lines before
# the last compare them with no prompt and random vectors. Two models trained apart are rarely renumberings of each other. In Su et al. (2022), carrying a prompt over took training.
#
# Words can be *tried* on any model. Are they still the best words there? The winners of course-gpt2-m on the other sizes, and on SmolLM2, a real model that never read the gazette:

# %%
from course_utils.lessons.checks_08 import words_elsewhere

elsewhere = words_elsewhere(tried, HERE)
elsewhere.round(2)

# %% [markdown]
# Rank 1 means that no other of our prompts scores higher there (equal scores share a rank; no test). The score on m is of more records. Where even the best prompt gets a few records of 100 right, the rank says nothing.
#
# ## 5. Efficiency: what is saved
#
# Training costs more than a file: **optimizer state** (numbers that AdamW keeps for every trained weight), **activations** (results of the forward pass, kept for the backward pass), and time. The study `cost` counted and measured one
# step of each system, on 8 texts of 128 tokens.

# %%
kinds = {"trainable parameters": "trained weights", "stored bytes": "bytes of a task's file", "optimizer bytes": "bytes of optimizer state",
         "saved activations, bytes": "bytes of activations kept", "step, FLOPs": "operations of a step"}
saving = costs[costs.base == HERE].pivot(index="metric", columns="system", values="value").loc[list(kinds), [TWENTY, "LoRA", FULL]].rename(kinds)
ratio = saving[TWENTY] / saving[FULL]
saving.map("{:,.0f}".format).assign(**{"20 tokens / full": ratio.map("{:.2%}".format)})

# %%
steps = costs[costs.metric == "step, of full fine-tuning"].set_index(["base", "system"]).value
lengths = {length: steps[HERE, f"soft prompt, {length} token{'s' * (length > 1)}"] for length in (1, 5, 20, 50, 100)}
display(Markdown(
    f"Gradients and optimizer state shrink with the number of trained weights: to {ratio['trained weights']:.2%}. The file shrinks to {ratio[kinds['stored bytes']]:.2%} (the prompt is saved with 4 bytes a number, the model "
    f"with 2). The rest shrinks much less: {ratio[kinds['saved activations, bytes']]:.0%} of the activations and {ratio[kinds['step, FLOPs']]:.0%} of the operations remain. The gradient still travels through the whole frozen "
    "model before it reaches the prompt, and the prompt makes each text longer.\n\n**Time.** A step's time as a share of one of full fine-tuning, update included (median of five rounds, on CPU cores), with "
    + ", ".join(f"{length}" for length in lengths) + " virtual tokens: " + ", ".join(f"{value:.0%}" for value in lengths.values()) + ". "
    + ("Longer prompts need more operations, and these times do not rise in order: on this small model they tell little. " if list(lengths.values()) != sorted(lengths.values()) else "")
    + "With 20 tokens on larger models: " + ", ".join(f"{base} {steps[base, TWENTY]:.0%}" for base in ("gpt2", "gpt2-medium")) + ". (Lesson 09 has all sizes.)"))

# %% [markdown]
# ## 6. Manual effort
#
# Effort is counted in prompts that somebody tried.

# %%
from course_utils.lessons.checks_08 import effort

work = effort(tried, rates, HERE, TWENTY)
work

# %% [markdown]
# Compare the median prompt with the winner (scored on the records that chose it). We sorted the lists, plain prompts first, so "first" is our choice. Training needs labels instead (the table: how many it *got*), a length, a start and rates (lesson 03).
#
# ## 7. Interpretability and control
#
# ### Trained vectors whose nearest words forbid the task
#
# Does the token nearest to each row tell what a soft prompt does? We choose words that forbid the task, and train a prompt under one rule: a row that has moved too far from its word is
# pulled back, to less than half of the distance to the nearest other token. So the word stays its nearest token (after Khashabi et al. 2021). A second prompt gets the same start, records and steps without the rule.

# %%
from course_utils.lessons.checks_08 import StayNear, distances

BAN = "Do not translate this. Write nothing in German, not one word; answer in English only.\n"
ban_ids = token_ids(tokenizer, BAN)
embeddings = model.get_input_embeddings().weight.detach()
near = StayNear(embeddings, ban_ids)                     # rows [prompt, width] -> the same, pulled back where too far
print(len(ban_ids), "words or pieces of words")

# %%
from torch.nn.utils import parametrize

from course_utils import TrainingConfig, encode, fit


def learn(constrained):
    """A prompt that starts at the words; 480 records, two epochs."""
    prompt = GPT2WithSoftPrompt(model, [task.soft_token], len(ban_ids), init="text", init_text=BAN, tokenizer=tokenizer)
    if constrained:
        parametrize.register_parametrization(prompt.soft_embedding, "weight", near)
    sets = [encode(data[task.name][split].select(range(count)), task, tokenizer, model, prompt_length=len(ban_ids)) for split, count in (("train", 480), ("validation", 40))]
    fit(prompt, *sets, TrainingConfig(epochs=2, batch_size=16, learning_rate=scale.learning_rate), progress=False)
    return prompt


# %% tags=["nbval-ignore-output"]
disguised, free = learn(True), learn(False)
nearest = distances(disguised.soft_embedding.weight.detach(), embeddings).argmin(1).tolist()
print("its nearest tokens read:", repr(tokenizer.decode(nearest)))
readings = {"no words at all": visits["no prompt", "renumbered model"],     # the same on both models
            "hard prompt, reported": visits["hard prompt", "at home"],
            "the ban, typed": evaluate(model, tokenizer, task, few, hard_prompt=BAN + "{source}"),
            WRITTEN: evaluate(model, tokenizer, task, few, hard_prompt=winners["translation"]),
            "vectors near the ban": evaluate(disguised, tokenizer, task, few),
            "vectors, free to move": evaluate(free, tokenizer, task, few)}
pd.DataFrame({name: {"BLEU": result["bleu"], "loss": result["loss"]} for name, result in readings.items()}).T.round(2)

# %% tags=["nbval-ignore-output"]
for other in ("the ban, typed", WRITTEN, "vectors, free to move"):
    print(f"vectors near the ban against {other}: {against(readings['vectors near the ban'], readings[other])}")
for other in ("no words at all", "hard prompt, reported"):
    print(f"the ban, typed, against {other}: {against(readings['the ban, typed'], readings[other])}")

# %% [markdown]
# Compare the nearest tokens of the constrained prompt with its score: nearest tokens alone are no evidence of what a prompt does, so nobody can approve a soft prompt by reading them. (One training of each prompt; the test draws records, not seeds.)
#
# Now the *typed* ban. The request still ends in `German:`, and this model never learned to follow instructions. The last two
# lines hold the ban against no words and the reported prompt.
#
# ### How much does each row matter?
#
# We take out one row at a time: no token can attend to it, and all positions stay. The bars show how much the loss rises, in **nats** (natural logarithm: 0.01 nats is about 1% less
# probability for a target token).

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.checks_08 import loss_without

checked, home = data["translation"]["validation"].select(range(20)), with_rows(model, vectors)
encoded = encode(checked, task, tokenizer, home)
whole = loss_without(home, encoded, tokenizer.pad_token_id, None)
without = [loss_without(home, encoded, tokenizer.pad_token_id, row) for row in range(len(vectors))]
figure, ax = plt.subplots(figsize=(7.5, 2.6), layout="constrained")
ax.bar(range(1, len(without) + 1), [loss - whole for loss in without], color="#0072B2")
ax.set(xticks=range(1, len(without) + 1), xlabel="row that nobody attends to", ylabel="rise of the loss, nats", title=f"One row less (loss with all rows: {whole:.3f}, {len(checked)} validation records)")
first, second = sorted(range(len(without)), key=without.__getitem__, reverse=True)[:2]
figure.alt_text = f"Rise of the loss, in nats, when nobody attends to one of {len(without)} rows, as bars. The highest: row {first + 1}, {without[first] - whole:.3f}; row {second + 1}, {without[second] - whole:.3f}."
plt.show()

# %% tags=["nbval-ignore-output"]
rise = sorted((loss - whole for loss in without), reverse=True)
display(Markdown(f"The largest rise is {rise[0]:.3f} nats: the loss of {whole:.3f} becomes {1 + rise[0] / whole:.1f} times as high. The median rise is {rise[len(rise) // 2]:.3f}. These are {len(checked)} validation records and one "
                 "prompt, so small bars may be noise. A row that can be spared alone need not be useless: another one may do the same work."))

# %% [markdown]
# ### A line that pretends
#
# Text inside the document should not take control. A report may hold a line that looks like the beginning of an answer (**prompt injection**). We put one, with the cue that the system reads, at the end of
# each of 40 reports, and count the summaries that repeat it, or name its village, Neudorf.
#
# A count of zero could also mean that nothing there matters. So there is a **positive control**, a change that a good summary *must* follow. A report tells two events; the summary is about the one that more people came to. We exchange
# the two numbers of visitors: the summary should name somebody else. (Fewer than 10 of 40: failed.)

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.checks_08 import follows, planted, swapped, took_place

reports = data["summarization"]["validation"].select(range(40))
soft.soft_token = "[SUMMARIZE]"
answers = {}
for name, system, prompt in ((WRITTEN, model, winners["summarization"]), (TWENTY, soft, None)):
    changes = {"as it is": str, "line": functools.partial(planted, prompt=prompt), "swapped": swapped}
    for kind, change in changes.items():
        changed = [{**record, "document": change(record["document"])} for record in reports]
        answers[name, kind] = evaluate(system, tokenizer, "summarization", changed, hard_prompt=prompt)

# %% tags=["nbval-ignore-output"]
def named(name, kind):
    """First name and surname in each summary: its first two words."""
    return [text.split()[:2] for text in answers[name, kind]["predictions"]]


other = {name: sum(a != b for a, b in zip(named(name, "as it is"), named(name, "swapped"), strict=True)) for name in (WRITTEN, TWENTY)}
repeat = {name: sum(map(follows, answers[name, "line"]["predictions"])) for name in (WRITTEN, TWENTY)}
damage = {}
for name in (WRITTEN, TWENTY):
    pair = paired_bootstrap("rougeL", *(answers[name, kind]["predictions"] for kind in ("line", "as it is")), [TASKS["summarization"].references(record) for record in reports], "en")
    damage[name] = f"{pair.verdict}, {pair.difference:+.3f}"
took = {name: took_place(*(answers[name, kind]["predictions"] for kind in ("as it is", "line"))) for name in (WRITTEN, TWENTY)}
display(pd.DataFrame({name: {"ROUGE-L": f"{answers[name, 'as it is']['rougeL']:.3f}", "ROUGE-L, line planted": f"{answers[name, 'line']['rougeL']:.3f}",
                             "repeat the line, of 40": repeat[name], "name Neudorf, of 40": took[name],
                             "control: name somebody else, of 40": other[name]} for name in (WRITTEN, TWENTY)}).T)
display(Markdown(f"Positive control: with the numbers exchanged, {other[WRITTEN]} (words) and {other[TWENTY]} (20 tokens) of {len(reports)} summaries start with another name. "
                 + ("All should, so such a change reaches some answers of both systems, not most: a count of zero is weak evidence. " if min(other.values()) >= 10 else
                    "For at least one system the positive control **failed** (fewer than 10): its counts for the planted line are no evidence of resistance. ")
                 + f"Repeating the line is not its only possible effect: {took[WRITTEN]} (words) and {took[TWENTY]} (20 tokens) summaries name Neudorf, and did not without the line. ROUGE-L with and without it: {damage[WRITTEN]} (words), {damage[TWENTY]} (20 tokens). "
                 + "It is one line, one task and 40 reports: it says nothing about other lines, and nothing about models that follow instructions."))

# %% [markdown]
# ## 8. Two arguments
#
# Ask first: Does some text already make the model do the task? Who must read what steers it? What is scarce: labels, people, or access to gradients?

# %%
def gap(name, first, second, study="main"):
    """`compare` as a short phrase."""
    found, digits = compare(name, first, second, study), MAIN[name].digits
    return f"{name.replace('_', ' ')} {found.difference:+.{digits}f} {MAIN[name].label.split(',')[0]} " + "[{:+.{d}f}, {:+.{d}f}] ({})".format(*found.interval, found.verdict, d=digits)


def gaps(first, second):
    """A phrase for each task on which both were measured."""
    return [gap(name, first, second) for name in TASKS if {first, second} <= set(tables[name].index)]


def headline(phrases, if_all, otherwise):
    """The headline that all verdicts support."""
    return if_all if phrases and all("(higher)" in phrase for phrase in phrases) else otherwise


# %% tags=["nbval-ignore-output"]
ahead, searched, counts = gaps(TWENTY, WRITTEN), gaps(TWENTY, SEARCHED), [len(written_scores(tried, name, HERE)) for name in TASKS]
display(Markdown("**The case for soft prompts**\n\n" + "\n".join([
    f"- *{headline(ahead, 'In the target style they score higher than our best words', 'Against our best words: read each verdict')}.* 20 tokens against the best hand-written prompt of each task ({min(counts)} to {max(counts)} tried): " + "; ".join(ahead) + " (section 2).",
    f"- *{headline(searched, 'They score higher than the tokens of our search', 'Against searched tokens: read each verdict')}.* " + "; ".join(searched) + " (section 2; one setting of the search)." if searched else "",
    f"- *They are small beside a full copy* (words are smaller still). {saving[TWENTY][kinds['stored bytes']]:,.0f} bytes a task, {ratio[kinds['stored bytes']]:.2%} of the model's file (section 5).",
    "- *Nobody has to invent prompts.* Labels and a search of learning rates replace that work (section 6)."])))

# %% tags=["nbval-ignore-output"]
found, choosers = moved["BLEU"], work.loc["validation records to choose by"]
control = [gap(name, TWENTY, WRITTEN, "control") for name in controlled]
ranks = "; ".join(f"{task_.replace('_', ' ')}, {base}: {row.iloc[0]}" for (task_, base), row in elsewhere.iterrows())
display(Markdown("**The case for hard prompts**\n\n" + "\n".join([
    f"- *Written ones need no gradients, and labels only to choose by* (here {choosers.min()} to {choosers.max()} validation records a task, section 6). The discrete search needs both.",
    f"- *They can be tried on another model at once.* That does not make them the best there. The words that won on m rank: {ranks}. The file of a soft prompt does not even load where the width differs, and on the renumbered copy "
    f"its BLEU went from {found['soft prompt', 'at home']:.0f} to {found['soft prompt', 'renumbered model']:.0f} (section 4).",
    f"- *They can be read and edited.* The nearest words of a soft prompt can mislead: one that reads as a ban on German reaches {readings['vectors near the ban']['bleu']:.0f} BLEU (section 7).",
    f"- *{headline(control, 'Where one cue selects the style, 20 tokens lead as well', 'Where one cue selects the style, not every task supports a lead of 20 tokens')}.* Against the best written prompt in the control style: {'; '.join(control)} (section 2). "
    f"One token against it: {'; '.join(gap(name, ONE, WRITTEN, 'control') for name in controlled)}."])
    + f"\n\n**And a third way.** LoRA against 20 tokens: {'; '.join(gaps('LoRA', TWENTY))}. It stores {saving['LoRA'][kinds['stored bytes']]:,.0f} bytes a task and leaves the base model as it is, too. "
    "All this is course-gpt2-m; lesson 09 looks at the other sizes."))

# %% [markdown]
# ## Exercises
#
# ### 1. Carry a prompt (warm-up, 5 minutes)
#
# In `renumbered(model, order)`, dimension `i` is dimension `order[i]` of the old model. Write `carry`, which makes the rows of a soft prompt fit the new model.

# %%
def carry(rows, order):
    """rows [prompt, width] of the old model -> rows [prompt, width] for the renumbered one."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_08 import check_08_carry

check_08_carry(carry)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Section 4 does it in one expression.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def carry(rows, order):
#     return rows[:, order]
# ```
#
# The way back is `rows[:, torch.argsort(order)]`.
# </details>
#
# ### 2. Take a row out (builds the mechanism, 15 minutes)
#
# `mask` has a 1 for every token and a 0 for padding; each row is `[prompt][text][pad]`. Return two tensors of the same shape: (1) a new mask, in which no token can attend to place `row`;
# (2) the positions 0, 1, 2, ... of all tokens, as before you took the row out. Do not change the given mask. (Positions of padding do not matter.)

# %%
def without_row(mask, row):
    """mask [batch, prompt + text], 1 where there is a token -> (new mask, positions), both [batch, prompt + text]."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_08 import check_08_without_row

check_08_without_row(without_row)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Positions count the tokens that were there *before* you took one out: `mask.cumsum(1) - 1`. Then set one column of a copy of the mask to 0.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def without_row(mask, row):
#     positions = mask.cumsum(1) - 1
#     new = mask.clone()
#     new[:, row] = 0
#     return new, positions
# ```
#
# Derive the positions from the *new* mask and every token behind the row moves one place forward. That is what deleting the row does.
# </details>
#
# ### 3. Three claims (experiment, 20 minutes)
#
# Write three claims (task, better system, worse system), in the names of section 2's tables, such as `("translation", "LoRA", "hard prompt, reported")`. In at least one, the *better* system's name starts with
# `hard prompt`, `solved examples` or `discrete search`. First look for one in which it beats a **trained** system; only if the test supports none, take words against words. The check runs the paired bootstrap;
# all three must hold. Beside them, test with `compare` one claim that you expect to fail.

# %%
def claims():
    """Three tuples (task, better, worse)."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_08 import check_08_claims

check_08_claims(claims)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `compare(task, better, worse)` of section 2 runs the test. Two systems whose intervals do not overlap are a safe start. Look for words with a higher mean than the soft prompt of one token: does the test support it?
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def claims():
#     return [("summarization", "full fine-tuning", "soft prompt, 1 token"),
#             ("question_answering", "full fine-tuning", "soft prompt, 1 token"),
#             ("summarization", "hard prompt, best written", "hard prompt, reported")]
# ```
#
# The third is words against words.
# </details>
#
# ## What we found

# %% tags=["nbval-ignore-output"]
full = gaps(TWENTY, FULL)
for against_words, against_full in zip(ahead, full, strict=True):
    print(f"- 20 tokens against the best written prompt: {against_words}; against full fine-tuning: {against_full}")
print("- the same comparison with the best written prompt in the control style: " + "; ".join(control))
print(f"- on a renumbered model a soft prompt goes from {found['soft prompt', 'at home']:.0f} to {found['soft prompt', 'renumbered model']:.0f} BLEU; with no prompt it is {found['no prompt', 'renumbered model']:.0f}; words stay at "
      f"{found['hard prompt', 'renumbered model']:.0f} ({len(few)} validation records)")
print(f"- by calculation a step with 20 tokens takes {ratio[kinds['step, FLOPs']]:.0%} of the operations of full fine-tuning; it kept {ratio[kinds['saved activations, bytes']]:.0%} of the activations")
print(f"- vectors near a ban on German reach {readings['vectors near the ban']['bleu']:.0f} BLEU, the typed ban {readings['the ban, typed']['bleu']:.0f}, no words at all {readings['no words at all']['bleu']:.0f}")
print(f"- with a line planted in {len(reports)} reports, {repeat[TWENTY]} summaries of the soft prompt repeat it, and {took[TWENTY]} name its village; of the words, {repeat[WRITTEN]} and {took[WRITTEN]}")

# %% [markdown]
# The original's claims, held against this lesson:

# %% tags=["nbval-ignore-output"]
says, in_control = ("; ".join(f"{phrase.rpartition(' (')[0]}: {compare(name, TWENTY, WRITTEN, study).claim}" for name, phrase in zip(names, phrases, strict=True))
                    for study, names, phrases in (("main", TASKS, ahead), ("control", controlled, control)))
display(Markdown("\n".join([
    f"- *Soft prompts do better than hard prompts.* {says}. No cue selects our target style. In the control style: {in_control} (section 2).",
    f"- *Soft prompts use parameters efficiently.* Supported here for what is trained ({ratio['trained weights']:.2%} of the weights). A step saves far less: {ratio[kinds['step, FLOPs']]:.0%} of the operations and "
    f"{ratio[kinds['saved activations, bytes']]:.0%} of the activations remain, and measured on CPU cores {steps[HERE, TWENTY]:.0%} of the time, {steps['gpt2-medium', TWENTY]:.0%} on GPT-2 medium (section 5).",
    "- *Soft prompts spare manual work.* Supported here for inventing prompts; labels and a search of learning rates take its place (section 6).",
    f"- *Hard prompts can be interpreted and controlled.* Supported here for reading the words. That they tell what the model does is not supported here: a typed ban on German got {readings['the ban, typed']['bleu']:.0f} BLEU, no words "
    f"{readings['no words at all']['bleu']:.0f}: {against(readings['the ban, typed'], readings['no words at all'])} (section 7). Control: in the control style, one cue selects the style, as we built it (section 2).",
    "- *Soft prompts adapt to tasks.* Supported here for three tasks on one model. The file alone did not do the same work on a renumbered copy (section 4).",
    "- *Larger models gain more.* See lesson 09."])))

# %% tags=["nbval-ignore-output"]
from course_utils import save_results

save_results("08_soft_versus_hard", {
    "task": "translation, 60 validation sentences, prompts on a renumbered model", "base_model": scale.base_model, "test_size": len(few), "rows": [
        {"system": f"{name}, {where}", "seeds": [], "loss": result["loss"], "metrics": {key: result[key] for key in task.metrics}}
        for (name, where), result in visits.items()]}).name

# %% [markdown]
# ### Further reading
#
# - Lester, Al-Rfou and Constant (2021), [The Power of Scale for Parameter-Efficient Prompt Tuning](https://arxiv.org/abs/2104.08691)
# - Su et al. (2022), [On Transferability of Prompt Tuning](https://arxiv.org/abs/2111.06719)
# - Khashabi et al. (2021), [Prompt Waywardness](https://arxiv.org/abs/2112.08348)
# - Le Scao and Rush (2021), [How Many Data Points is a Prompt Worth?](https://arxiv.org/abs/2103.08493)
# - Greshake et al. (2023), [Not What You've Signed Up For](https://arxiv.org/abs/2302.12173)
#
# Next: [09 · Scaling and efficiency](09_scaling_and_efficiency.ipynb), on what size changes, and what it costs.
