# %% [markdown]
# # 02 · The soft-prompt embedding
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/soft-prompt-course/soft-prompt-course/blob/main/notebooks/02_soft_prompt_embedding.ipynb)
#
# **Time:** 1 to 2 minutes on 2 CPU cores; on a Colab GPU not measured, expect no more. Study time: about 90 minutes with the exercises.
#
# **For whom:** you can read PyTorch, and you know from lesson 01 what a hard prompt can do. You need not have trained a language model.
#
# ## What you will be able to do
#
# - follow a text from tokens to ids to vectors, and give a model vectors that no text has
# - write the forward pass of a soft prompt, its mask and its place in a padded batch, and prove them right before training
# - watch one small table of vectors learn three tasks
# - compare a trained vector with the tokens of the vocabulary, by a search with the larger budget
# - say what the nearest tokens of a soft prompt tell, after a look at random vectors

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
# ## 1. The mechanism in one picture
#
# The **base model** is a small GPT-2 that has read an invented gazette. It is **frozen**: none of its weights will change.
# A **hard prompt** is text in front of the input. A **soft prompt** is a few trained vectors in front of the input.
# Each of these vectors is a **virtual token**; their number is the **prompt length**.
#
# The picture shows a real example: three virtual tokens, a **source** (the text to translate) and a **target** (the translation we want).

# %%
import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown

from course_utils import TASKS, GPT2WithSoftPrompt, collate, course_scale, encode, load_base_model, load_task_data, token_ids

scale = course_scale()
model, tokenizer = load_base_model(scale.base_model)
model.requires_grad_(False)
table = model.get_input_embeddings().weight.detach()                # [vocabulary, width]
print("table of token vectors:", tuple(table.shape), "= [vocabulary, width]")

# %%
from course_utils.lessons.pictures import soft_prompt_in_front

translation = TASKS["translation"]
example = {"source": "Otto sold the boat.", "target": "Otto hat das Boot verkauft."}
picture = GPT2WithSoftPrompt(model, prompt_length=3)
batch = collate(encode([example], translation, tokenizer, picture).items, tokenizer.pad_token_id)
figure = soft_prompt_in_front(batch, tokenizer, table, picture.soft_embedding.weight, model.config.num_hidden_layers)
plt.show()

# %% [markdown]
# Read it from top to bottom.
#
# - **Two tables.** Ids of the text choose rows of the frozen table. Ids beyond the vocabulary choose rows of a second table, the only one that is trained.
# - **Mask and positions.** The **attention mask** says which places hold something (1) and which are padding (0). Positions count the places.
# - **Shifted predictions.** At each place the model gives **logits**: one number for each token of the vocabulary, from which `softmax` makes
#   the probability to come *next*. So each logit vector is compared with the label one place to the right. A label of -100 does not count: we train on the target alone.
#
# ### What looks at what
#
# The frozen blocks mix information between places by **attention**. In a GPT attention is **causal**: each place looks at itself and at what stands in
# front of it, never ahead. That is why the prompt stands in front. Every later place can look at it, and it can look at none of them.
# So its keys and values (what a place offers to those that look at it) are the same for every text. The grid has one row for each place that looks.

# %%
from course_utils.lessons.model_pictures import attention_grid

figure = attention_grid(batch, tokenizer, len(table))
plt.show()

# %% [markdown]
# Being allowed to look is not using what is seen. But we can test who *depends* on whom.
#
# ### Exercise 1 · Predict, then run (easy, 5 minutes)
#
# The vector at one `place` of `[prompt][text]` is replaced. At which places do the logits change? Write your prediction as a function. The check runs a model and compares.

# %%
def changes(prompt_length, text_length, place):
    """The places, counted from 0 at the first virtual token, whose logits change."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_02 import check_02_changes

check_02_changes(changes)

# %% [markdown]
# <details><summary>Hint</summary>
#
# Find the column of the replaced place in the grid above. Which rows have a coloured cell in it?
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def changes(prompt_length, text_length, place):
#     return list(range(place, prompt_length + text_length))
# ```
# </details>
#
# ## 2. From text to vectors
#
# A **tokenizer** cuts text into tokens of a fixed **vocabulary** and gives their ids. The model uses an id as a row number of its table, the
# **input embeddings**. In PyTorch such a table is an `nn.Embedding`.

# %%
from course_utils.lessons.pictures import text_to_vectors


def ids_of(text):
    """The token ids of a text, [1, text]."""
    return torch.tensor([token_ids(tokenizer, text)], device=model.device)


figure = text_to_vectors("Marta repaired the old clock", tokenizer, table)
plt.show()

# %% [markdown]
# After this step ids are no longer needed. `transformers` takes vectors as well (`inputs_embeds`), and the predictions are the same.

# %%
ids = ids_of("Marta repaired the old clock")
vectors = table[ids]                                                # [1, text, width]
with torch.no_grad():
    from_ids, from_vectors = model(input_ids=ids).logits, model(inputs_embeds=vectors).logits
print("logits", tuple(from_ids.shape), "= [batch, text, vocabulary]")
print("the same from vectors:", torch.allclose(from_ids, from_vectors, atol=1e-4))

# %% [markdown]
# This gives us more freedom. Typed words can only choose rows of the table. Vectors can be any points of the space in which these rows lie.
#
# ### A walk between two words
#
# We replace the last word of a sentence by a vector on the straight line between two words, in 200 small steps, and plot the probabilities of
# the next token. Before you run it, guess: does the prediction change evenly along the way, or at one point?

# %%
@torch.no_grad()
def walk(context, start, end, steps=200):
    """Probabilities of the next token, [steps + 1, vocabulary], as the last vector moves from one token to another."""
    share = torch.linspace(0, 1, steps + 1, device=model.device)[:, None]
    (a, *_), (b, *_) = token_ids(tokenizer, start), token_ids(tokenizer, end)
    last = (1 - share) * table[a] + share * table[b]                # [steps + 1, width]
    before = table[ids_of(context)].expand(steps + 1, -1, -1)
    return model(inputs_embeds=torch.cat([before, last[:, None]], 1)).logits[:, -1].softmax(-1)


walks = {"two → the": walk("Otto Berg cooked soup for", " two", " the"),
         "Monday → the": walk("Marta Klein repaired the old clock on", " Monday", " the")}

# %%
from course_utils.lessons.drawing import readable

figure, panels = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
for ax, (name, chances) in zip(panels, walks.items(), strict=True):
    for token in chances.amax(0).topk(4).indices.tolist():
        ax.plot(torch.linspace(0, 1, len(chances)), chances[:, token].cpu(), label=readable(tokenizer, token))
    ax.set(title=name, xlabel="share of the way")
    ax.legend(fontsize=8)
panels[0].set_ylabel("probability of the next token")
plt.show()

# %% tags=["nbval-ignore-output"]
lines = []
for name, given in {"two → the": ("Otto Berg cooked soup for", " two", " the"),
                    "Monday → the": ("Marta Klein repaired the old clock on", " Monday", " the")}.items():
    coarse, fine = (chances.diff(dim=0).abs().max() for chances in (walks[name][::2], walk(*given, steps=1000)))
    moved = walks[name].diff(dim=0).abs().sum(1) / 2
    busy = float(moved.topk(20).values.sum() / moved.sum())
    lines.append(f"- *{name}*: the steepest tenth of the way brings {busy:.0%} of all change. Largest change of a probability "
                 f"in one step: {coarse:.3f} with 100 steps, {fine:.3f} with 1,000.")
Markdown("\n".join(lines))

# %% [markdown]
# Both walks are smooth, but not even. With steps a tenth as long, the largest change also shrinks to about a tenth: there is no jump. Yet the second curve is flat, then
# steep, then flat. So "the most likely word" seems to flip, while the probabilities under it move continuously. Training needs exactly this: a slope to
# follow. Where a curve is flat, the slope says little.
#
# ## 3. Write it yourself
#
# ### Exercise 2 · The forward pass and its mask (medium, 15 minutes)
#
# Put `rows` in front of every text of a batch, extend the mask, run the frozen model, return all logits. No ids for the prompt are needed: use vectors.

# %%
def soft_forward(base_model, rows, input_ids, attention_mask):
    """rows [prompt, width], ids and mask [batch, text] -> logits [batch, prompt + text, vocabulary]."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_02 import check_02_soft_forward

check_02_soft_forward(soft_forward)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `rows.expand(batch, -1, -1)` gives every text the same rows. Concatenate along `dim=1`. The mask of the prompt is ones: `attention_mask.new_ones(batch, prompt)`.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def soft_forward(base_model, rows, input_ids, attention_mask):
#     embedded = base_model.get_input_embeddings()(input_ids)         # [batch, text, width]
#     prompt = rows.expand(len(input_ids), -1, -1)                    # [batch, prompt, width]
#     mask = torch.cat([attention_mask.new_ones(prompt.shape[:2]), attention_mask], dim=1)
#     return base_model(inputs_embeds=torch.cat([prompt, embedded], dim=1), attention_mask=mask).logits
# ```
# </details>
#
# ### Exercise 3 · A test that finds the bug (medium, 10 minutes)
#
# A wrong soft prompt still trains and still prints a falling loss. So test it first. There is an identity that must hold: a soft prompt whose rows are the embeddings of real tokens must give *those tokens'* logits, at all
# places. Write it as a test. The check gives your test one right forward pass and five with a bug.

# %%
def is_right(soft_forward, base_model, word_ids, text_ids):
    """Whether `soft_forward(base_model, rows, text_ids)` passes the identity check; word_ids [1, prompt], text_ids [1, text]."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_02 import check_02_is_right

check_02_is_right(is_right)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The rows are `base_model.get_input_embeddings()(word_ids[0])`. What does the model say to `word_ids` and `text_ids` joined? Compare with `torch.allclose` and a small tolerance.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def is_right(soft_forward, base_model, word_ids, text_ids):
#     rows = base_model.get_input_embeddings()(word_ids[0])
#     soft = soft_forward(base_model, rows, text_ids)
#     hard = base_model(torch.cat([word_ids, text_ids], dim=1)).logits
#     return soft.shape == hard.shape and torch.allclose(soft, hard, rtol=1e-4, atol=1e-4)
# ```
# </details>
#
# ## 4. The class, and three proofs
#
# The same as a module. It *holds* the base model and does not inherit from it, so one base model can serve many prompts.

# %%
from torch import nn
from torch.nn.functional import cross_entropy


class TinySoftPrompt(nn.Module):
    def __init__(self, base_model, rows):
        super().__init__()
        self.base_model = base_model.requires_grad_(False).eval()          # frozen, dropout off
        self.soft_embedding = nn.Embedding.from_pretrained(rows.clone(), freeze=False)

    def forward(self, input_ids, attention_mask, labels=None):
        embedded = self.base_model.get_input_embeddings()(input_ids)       # [batch, text, width]
        prompt = self.soft_embedding.weight.expand(len(input_ids), -1, -1)
        mask = torch.cat([attention_mask.new_ones(prompt.shape[:2]), attention_mask], dim=1)
        inputs = torch.cat([prompt, embedded], dim=1)                      # [batch, prompt + text, width]
        logits = self.base_model(inputs_embeds=inputs, attention_mask=mask).logits
        if labels is None:
            return logits                                                  # [batch, prompt + text, vocabulary]
        for_text = logits[:, prompt.shape[1] - 1:-1]                       # shifted: [batch, text, vocabulary]
        return cross_entropy(for_text.flatten(0, 1), labels.flatten(), ignore_index=-100)


# %% [markdown]
# **Proof 1, the identity check**, on the real model. A test that cannot fail proves nothing, so we also break it on purpose.

# %%
words, source = ids_of("News in one sentence\n"), ids_of("Marta Klein repaired the old clock.\n")
tiny = TinySoftPrompt(model, table[words[0]])
with torch.no_grad():
    hard = model(torch.cat([words, source], dim=1)).logits
    soft = tiny(source, torch.ones_like(source))
    tiny.soft_embedding.weight.data = tiny.soft_embedding.weight.data.flip(0)
    reversed_rows = tiny(source, torch.ones_like(source))
print("real tokens as rows, same logits:", torch.allclose(soft, hard, rtol=1e-4, atol=1e-3))
print("rows reversed, same logits:      ", torch.allclose(reversed_rows, hard, rtol=1e-4, atol=1e-3))

# %% [markdown]
# So every hard prompt in front of a text *is* a soft prompt that happens to lie on rows of the table. The best soft prompt of a length can therefore be no worse,
# on the data it is chosen for, than the best hard prompt of that length. Whether training finds it is a question for measurements (section 6).
#
# **Proof 2: the gradient reaches the rows and nothing else.** It passes through all frozen blocks on its way, so their activations must be kept (lesson 09 measures what that costs).

# %%
tiny(source, torch.ones_like(source), labels=source).backward()
gradient = tiny.soft_embedding.weight.grad
print("gradient on the rows:", tuple(gradient.shape), "each row has one:", bool((gradient.norm(dim=1) > 0).all()))
print("weights of the base model with a gradient:", sum(p.grad is not None for p in model.parameters()))

# %% [markdown]
# **Proof 3: the course's class agrees.** [`GPT2WithSoftPrompt`](../course_utils/soft_prompt.py) adds what daily use needs: several names in one
# soft vocabulary, ways to start, generation.

# %%
ours = GPT2WithSoftPrompt(model, prompt_length=tiny.soft_embedding.num_embeddings)
ours.soft_embedding.weight.data.copy_(tiny.soft_embedding.weight.data)
with torch.no_grad():
    same = torch.allclose(ours(source).logits, tiny(source, torch.ones_like(source)), rtol=1e-4, atol=1e-3)
print("same logits:", same)

# %% [markdown]
# ### Where the prompt goes in a padded batch
#
# For generation, texts of a batch are padded on the *left*, so that all end where the new words begin. Plain concatenation then gives
# `[prompt][pad][text]`. The mask hides the padding, but GPT-2 counts positions over it, and the text gets positions that it would not have alone.

# %%
from course_utils.lessons.pictures import padding_sides

P = list(range(len(table), len(table) + 3))
pad, text = [tokenizer.pad_token_id] * 3, ids_of("Otto sold the boat.")[0].tolist()
layouts = {"[prompt][pad][text], positions counted over the padding": (P + pad + text, [1] * 3 + [0] * 3 + [1] * len(text)),
           "[pad][prompt][text], positions counted from the mask": (pad + P + text, [0] * 3 + [1] * (3 + len(text)))}
drawn = {name: {"input_ids": torch.tensor([ids]), "attention_mask": torch.tensor([mask])} for name, (ids, mask) in layouts.items()}
first = next(iter(drawn.values()))
first["position_ids"] = torch.arange(first["input_ids"].shape[1])[None]
figure = padding_sides(drawn, tokenizer, len(table))
plt.show()

# %%
from course_utils import left_pad

reports = ["Marta Klein repaired the old clock in the town hall because the school had asked for it.\n", "Otto Berg sold the boat.\n"]
padded, padded_mask = (t.to(model.device) for t in left_pad([token_ids(tokenizer, each) for each in reports], tokenizer.pad_token_id))
short = ids_of(reports[1])
for name, each in {"our twenty lines": tiny, "the course's class": ours}.items():
    with torch.no_grad():
        alone, in_batch = each(short, torch.ones_like(short)), each(padded, padded_mask)
    alone, in_batch = (getattr(out, "logits", out)[-1, -1] for out in (alone, in_batch))
    print(f"{name}: same logits alone and in the batch: {torch.allclose(alone, in_batch, rtol=1e-4, atol=1e-3)}")

# %% [markdown]
# Our class fails this test. It is right for training, which pads on the right, and wrong for generation. You write the repair.
#
# ### Exercise 4 · `[pad][prompt][text]` (medium, 15 minutes)

# %%
def place(rows, embedded, mask):
    """rows [prompt, width], embedded [batch, text, width], mask [batch, text], padded on the left -> inputs, mask, positions."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_02 import check_02_place

check_02_place(place)

# %% [markdown]
# <details><summary>Hint</summary>
#
# A text with `n` padding places has its prompt at places `n` to `n + prompt - 1`. Make both results longer at the front, then write the rows in. Positions are one less than the running sum of the mask.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def place(rows, embedded, mask):
#     batch, _, width = embedded.shape
#     inputs = torch.cat([embedded.new_zeros(batch, len(rows), width), embedded], dim=1)
#     longer = torch.cat([mask.new_zeros(batch, len(rows)), mask], dim=1)
#     for i, pads in enumerate((mask == 0).sum(dim=1).tolist()):
#         inputs[i, pads : pads + len(rows)] = rows
#         longer[i, pads : pads + len(rows)] = 1
#     return inputs, longer, (longer.cumsum(dim=1) - 1).clamp(min=0)
# ```
# </details>
#
# ## 5. One table, three tasks
#
# The original report gives each task a name: `[SUMMARIZE]`, `[QUESTIONANSWERING]`, `[TRANSLATION]`. These names do not go through the tokenizer. They are entries of a second,
# tiny vocabulary, the **soft vocabulary**. We give each name five virtual tokens. All three prompts start at the *same* five tokens of the vocabulary, so later differences come from training.

# %%
names = [task.soft_token for task in TASKS.values()]
soft = GPT2WithSoftPrompt(model, names, prompt_length=5)
start = soft.soft_embedding.weight.data[soft.rows(names[0])].clone()       # [5, width]
for name in names:
    soft.soft_embedding.weight.data[soft.rows(name)] = start
print("soft vocabulary:", names, "-> table", tuple(soft.soft_embedding.weight.shape))
print("each starts as", [tokenizer.decode(int(torch.cdist(row[None], table).argmin())) for row in start])

# %% tags=["nbval-ignore-output"]
data = {task.soft_token: load_task_data(task, scale.data, min(256, scale.max_train or 256), min(100, scale.max_eval or 100)) for task in TASKS.values()}
task_of = {task.soft_token: task for task in TASKS.values()}
learn = {name: encode(data[name]["train"], task_of[name], tokenizer, soft) for name in names}
unseen = {name: encode(data[name]["validation"], task_of[name], tokenizer, soft) for name in names}
for name in names:
    print(f"{name}: {len(learn[name])} records to learn from, {len(unseen[name])} validation records")

# %% [markdown]
# The loop: four records of each task, the sum of three losses, one step down the slope. The rate falls to 0 over the run. Lesson 03 takes such loops apart. Here we note where the rows are, and keep what the model writes
# for the first validation record of each task, before training and after 10, 50 and all 100 steps.

# %%
from course_utils import generate_texts, weights_fingerprint
from course_utils.progress import progress_bar


def draw(items, generator, count=4):
    """A batch of records, drawn at random."""
    chosen = torch.randint(len(items), (count,), generator=generator).tolist()
    return {key: tensor.to(model.device) for key, tensor in collate([items[i] for i in chosen], tokenizer.pad_token_id).items()}


def falling(optimizer, steps):
    """Ten steps of warm-up, then a straight line to 0."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, (step + 1) / 10) * max(0, 1 - step / steps))


# %% tags=["nbval-ignore-output"]
before = weights_fingerprint(model)
texts, snapshots = {name: {} for name in names}, []
optimizer = torch.optim.AdamW([soft.soft_embedding.weight], lr=0.1, weight_decay=0.0)
schedule, generator = falling(optimizer, 100), torch.Generator().manual_seed(0)
for step in progress_bar(range(101), description="training", unit="step"):
    if step > 0:
        sum(soft(**draw(learn[name], generator)).loss for name in names).backward()
        optimizer.step(), optimizer.zero_grad(), schedule.step()
    if step % 10 == 0:
        snapshots.append(soft.soft_embedding.weight.detach().clone())
    for name in names if step in (0, 10, 50, 100) else ():
        text = task_of[name].source(data[name]["validation"][0])
        texts[name][step] = generate_texts(soft, tokenizer, [text], task_of[name].max_new_tokens, soft_token=name)[0]
trained = snapshots[-1]                                                    # [15, width]

# %% [markdown]
# What does the model write? Under each task's own prompt stand the texts that the *other two* trained prompts lead to, for the same source.

# %% tags=["nbval-ignore-output"]
from IPython.display import display

from course_utils.lessons.written import written

for name in names:
    record, task = data[name]["validation"][0], task_of[name]
    others = {f"behind {other}": generate_texts(soft, tokenizer, [task.source(record)], task.max_new_tokens, soft_token=other)[0]
              for other in names if other != name}
    display(Markdown(f"**{name}**"), written(texts[name] | others, task.target(record), task.source(record)))

# %% [markdown]
# Read for two things: is the style the wanted one, and is the text right? One record a task is an illustration, not a measurement. The losses are measured on more records: each prompt in front of each task.
# We also check that the base model is what it was.

# %% tags=["nbval-ignore-output"]
import pandas as pd

from course_utils.loss import token_losses
from course_utils.systems import as_system


@torch.no_grad()
def per_record(system, encoded):
    """Mean loss of each record, [records], in nats per target token."""
    batch = {key: tensor.to(model.device) for key, tensor in collate(encoded.items, tokenizer.pad_token_id).items()}
    losses, rows = token_losses(as_system(system), batch)
    sums = torch.zeros(len(encoded), device=losses.device).index_add(0, rows, losses)
    return (sums / torch.bincount(rows, minlength=len(encoded))).cpu()


behind = {f"prompt of {other}": [per_record(soft, encode(data[name]["validation"], task_of[name], tokenizer, soft, soft_token=other))
                                 for name in names] for other in names}
behind["no prompt"] = [per_record(model, encode(data[name]["validation"], task_of[name], tokenizer, model)) for name in names]
pd.DataFrame({row: [losses.mean().item() for losses in cells] for row, cells in behind.items()}, index=names).T.round(3)

# %% tags=["nbval-ignore-output"]
from course_utils.lessons.charts import resampled_interval


def compare(first, second):
    """The mean difference of two paired lists of losses, its 95% interval over records, and the verdict."""
    low, high = resampled_interval((first - second).tolist())
    word = "lower" if high < 0 else "higher" if low > 0 else "cannot be told apart"
    return f"{(first - second).mean():+.3f} [{low:+.3f}, {high:+.3f}]: {word}"


rows = [f"- {name}, own prompt against {row}: {compare(behind[f'prompt of {name}'][i], cells[i])}"
        for i, name in enumerate(names) for row, cells in behind.items() if row != f"prompt of {name}"]
Markdown("Loss on validation records (n = " + ", ".join(str(len(unseen[name])) for name in names) + "):\n\n" + "\n".join(rows)
         + f"\n- base model unchanged: {weights_fingerprint(model) == before}")

# %% [markdown]
# Each column of the table is one task, and the list says which differences are more than a choice of records. The frozen model is the same in all cells. The prompt decides which of its behaviours it shows. This is one training run (one seed).
#
# ### Where did the rows go?
#
# A row has many numbers, and paper has two. The picture shows a **plane** (PCA): the two directions in which the rows' positions spread most, over all steps. Everything at a right angle to it is invisible, so two points that touch here may be far apart.

# %% tags=["nbval-ignore-output"]
points = torch.stack(snapshots).cpu()                                      # [snapshots, 15, width]
center = points.flatten(0, 1).mean(0)
_, spread, directions = torch.linalg.svd(points.flatten(0, 1) - center, full_matrices=False)
plane = directions[:2].T                                                   # [width, 2]
seen = float(spread[:2].square().sum() / spread.square().sum())
figure, ax = plt.subplots(figsize=(7, 4.8), layout="constrained")
ax.scatter(*((table.cpu() - center) @ plane).T, s=3, color="lightgrey", label="tokens of the vocabulary")
for n, name in enumerate(names):
    paths = (points[:, soft.rows(name)] - center) @ plane                  # [snapshots, 5, 2]
    ax.plot(paths[..., 0], paths[..., 1], color=f"C{n}", linewidth=1)
    ax.scatter(*paths[-1].T, marker="*", s=60, color=f"C{n}", label=f"{name}, after the last step")
ax.scatter(*((start.cpu() - center) @ plane).T, marker="o", facecolors="none", edgecolors="black", label="start: five tokens", zorder=5)
ax.set(xlabel="direction of the largest spread", ylabel="direction of the second largest spread")
figure.legend(loc="outside lower center", ncols=2, fontsize=8)
plt.show()

# %% tags=["nbval-ignore-output"]
norms, ends = table.norm(dim=1), trained.norm(dim=1)
Markdown(f"The plane holds {seen:.0%} of the spread of the rows. Grey: the tokens. Circles: the five starting tokens. A line: the way of one row; a star: its end. "
         f"Length of a row: {norms.mean():.1f} for tokens on average, {norms.max():.1f} at most; trained rows end with {ends.min():.1f} to {ends.max():.1f}.")

# %% [markdown]
# ## 6. Can a token take the place of a trained row?
#
# A prompt of *one* row stands where one token could stand. So we can compare fairly. We train one row for translation. Then we try the tokens of the vocabulary (of a very large one the 5,000 most frequent) in its
# place, in rounds: all on two training records, the best 256 on sixteen more, the best 16 on all. The search runs more records through the model than training does (printed below). Both choose on training records, and both are judged on the same validation records.

# %% tags=["nbval-ignore-output"]
name = "[TRANSLATION]"
one = GPT2WithSoftPrompt(model, [name], prompt_length=1)
learn_one, unseen_one = (encode(data[name][split], translation, tokenizer, one) for split in ("train", "validation"))


def train_row(longest=None, steps=200):
    """One row, trained from the same token; after each step cut to the length `longest`, if one is given."""
    one.soft_embedding.weight.data[0] = table[token_ids(tokenizer, " The")[0]]
    row, generator = one.soft_embedding.weight, torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW([row], lr=0.03, weight_decay=0.0)
    schedule = falling(optimizer, steps)
    for _ in range(steps):
        one(**draw(learn_one, generator)).loss.backward()
        optimizer.step(), optimizer.zero_grad(), schedule.step()
        row.data *= min(1.0, (longest or 1e9) / float(row.detach().norm()))
    return row.data[0].clone()


free, within = train_row(), train_row(longest=float(norms.max()))

# %% tags=["nbval-ignore-output"]
@torch.no_grad()
def losses_behind(tokens, items):
    """Mean loss of some records behind each of some tokens, [tokens]."""
    total = torch.zeros(len(tokens), device=model.device)
    for item in items:
        ids, labels = (item[key][item["input_ids"] < len(table)].to(model.device) for key in ("input_ids", "labels"))
        places = (labels != -100).nonzero()[:, 0]        # one further on because of the prompt, one back because of the shift
        for n, part in enumerate(tokens.split(256)):
            inputs = torch.cat([part[:, None], ids.expand(len(part), -1)], dim=1)
            log_p = model(inputs, logits_to_keep=places).logits.log_softmax(-1)            # [tokens, targets, vocabulary]
            total[256 * n : 256 * n + len(part)] -= log_p[:, torch.arange(len(places)), labels[places]].mean(1)
    return total / len(items)


tokens, runs = torch.arange(min(len(table), 5000), device=model.device), 0
for keep, items in ((256, learn_one.items[:2]), (16, learn_one.items[2:18]), (1, learn_one.items)):
    runs += len(tokens) * len(items)
    tokens = tokens[losses_behind(tokens, items).topk(keep, largest=False).indices]
best_token = int(tokens[0])
print(f"search: {runs:,} records run forward; training: {200 * 4:,} forward and as many backward")
print("best token:", readable(tokenizer, best_token))

# %% [markdown]
# Two more competitors stand between token and trained row. **Snapped**: the trained row is replaced by the token nearest to it. **Constrained**: a row trained
# with the same budget, but never longer than the longest token. Both use the same rate, falling to 0.

# %% tags=["nbval-ignore-output"]
def loss_of_row(row):
    one.soft_embedding.weight.data[0] = row
    return per_record(one, unseen_one)


nearest = int(torch.cdist(free[None], table).argmin())
rivals = {"no prompt": behind["no prompt"][names.index(name)], "start: token ␣The": loss_of_row(table[token_ids(tokenizer, " The")[0]]),
          f"snapped: token {readable(tokenizer, nearest)}": loss_of_row(table[nearest]),
          f"best token: {readable(tokenizer, best_token)}": loss_of_row(table[best_token]),
          "constrained row": loss_of_row(within), "trained row": loss_of_row(free)}
pd.DataFrame([{"in front of the source": each, "loss": losses.mean().item(),
               "against the trained row": "" if each == "trained row" else compare(losses, rivals["trained row"])}
              for each, losses in rivals.items()]).round(3).set_index("in front of the source")

# %% tags=["nbval-ignore-output"]
verdicts = {each: compare(losses, rivals["trained row"]).split(": ")[1] for each, losses in rivals.items() if each != "trained row"}
found, best_losses = verdicts[f"best token: {readable(tokenizer, best_token)}"], rivals[f"best token: {readable(tokenizer, best_token)}"]
said = {"higher": "has a higher loss than", "lower": "has a lower loss than", "cannot be told apart": "cannot be told apart from"}
Markdown(f"On {len(unseen_one)} validation records the best token of the search **{said[found]} the trained row**. The constrained row {said[verdicts['constrained row']]} it. "
         f"The trained row is {free.norm():.1f} long, the constrained one {within.norm():.1f}, tokens {norms.mean():.1f} on average.\n\n"
         f"The constrained row against the best token: {compare(rivals['constrained row'], best_losses)}. "
         f"It lies {(table - within).norm(dim=1).min():.1f} from the token nearest to it; of 500 tokens half have another token within "
         f"{torch.cdist(table[:500], table).topk(2, largest=False).values[:, 1].median():.1f}.")

# %% [markdown]
# So the last comparison separates two reasons: whether a row wins because it lies *far out*, or because it may lie *anywhere*. This holds for one task, one seed and prompts of one token; the search looks at all tokens, but at most of them on two records only. Stored runs go further: full training, three seeds, test records. Where the list names a discrete search, it replaced tokens of a hard prompt within the budget of one soft prompt's training.

# %% tags=["nbval-ignore-output"]
from course_utils import Study, verdict
from course_utils.tasks import data_root

main, lines = Study("main", data_root() / "results"), []
systems = main.table().query("split == 'test'").groupby("task")["system"].unique()
for task in TASKS:
    for words in ("discrete search, 20 tokens", "hard prompt, best written"):
        for length in ("1 token", "20 tokens"):
            if {words, f"soft prompt, {length}"} <= set(systems.get(task, ())):
                lines.append(f"- {task}: {verdict(main, task, 'course-gpt2-m', f'soft prompt, {length}', words, draws=500)}")
Markdown("Stored study, course-gpt2-m, test records:\n\n" + ("\n".join(lines) or "- not measured yet"))

# %% [markdown]
# Remember one thing when you read these: the target style of the gazette is one that no cue calls for exactly, by construction. That favours soft prompts. Lesson 08 adds the style for which words suffice.
#
# ## 7. What do the nearest tokens say?
#
# It is tempting to read a soft prompt by the token nearest to each row. First we need a **null**: what does the same reading give for random vectors? We take the cosine (the angle, so lengths do not matter) of each row with its nearest token, for our fifteen trained
# rows, and for 1,000 vectors of random direction.

# %% tags=["nbval-ignore-output"]
def reading(rows):
    """The highest cosine of each row with a token, and that token's id."""
    return (nn.functional.normalize(rows, dim=-1) @ nn.functional.normalize(table, dim=-1).T).max(dim=-1)


noise = torch.randn(1000, table.shape[1], generator=torch.Generator().manual_seed(0)).to(model.device)
null, ours_found = reading(noise).values, reading(trained)
limit = float(null.quantile(0.95))
is_start = ours_found.indices == reading(start).indices.repeat(len(names))
figure, ax = plt.subplots(figsize=(7, 2.8))
ax.hist(null.cpu(), bins=40, color="lightgrey", density=True, label="1,000 random vectors")
for n, name in enumerate(names):
    ax.plot(ours_found.values[soft.rows(name)].cpu(), [0.8 + 1.2 * n] * 5, "*", markersize=9, color=f"C{n}", label=f"rows of {name}")
ax.set(xlabel="cosine with the nearest token", ylabel="density of random vectors")
ax.legend(fontsize=8)
plt.show()

# %% tags=["nbval-ignore-output"]
above = ours_found.values > limit
Markdown(f"{int(above.sum())} of {len(trained)} trained rows lie nearer to a token than 95% of random vectors do (cosine above {limit:.2f}); of as many random ones it would be about {0.05 * len(trained):.0f}. "
         f"Of these, {int((above & is_start).sum())} have as nearest token the one they *started* from. The others read: "
         + (", ".join(f"`{readable(tokenizer, i)}`" for i in ours_found.indices[above & ~is_start].tolist()) or "none") + ".")

# %% [markdown]
# So count what is left after the null and after the starting tokens before you interpret a word. And even a near token explains little: Khashabi et al. (2021) trained prompts that work and lie near any text they liked. They call it **waywardness**. You can do it too.
#
# ### Exercise 5 · A prompt that reads as you please (hard, 20 minutes)
#
# Write a training loop that lowers `loss_of(row)` while the row stays within `radius` of `center`, say the embedding of a word of your choice. The check uses a small loss of its own.
# Then try it on the model (last lines of the solution). There is no single answer: how much loss does your word cost, at which radius?

# %%
def wayward(loss_of, center, radius, steps):
    """A row [width] within `radius` of `center` with as low a loss as you can find; `center` must not change."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_02 import check_02_wayward

check_02_wayward(wayward)

# %% [markdown]
# <details><summary>Hint</summary>
#
# After each step of the optimizer look at `row - center`. If it is longer than the radius, shorten it to the radius. Start from a copy.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def wayward(loss_of, center, radius, steps):
#     row = center.clone().requires_grad_(True)
#     optimizer = torch.optim.Adam([row], lr=0.02)
#     for _ in range(steps):
#         optimizer.zero_grad()
#         loss_of(row).backward()
#         optimizer.step()
#         away = row.data - center
#         row.data = center + away * min(1.0, radius / (float(away.norm()) + 1e-9))
#     return row.detach()
# ```
#
# On the model, with the names of this lesson:
#
# ```python
# drawn = torch.Generator().manual_seed(0)
#
# def loss_on_a_batch(row):
#     batch = draw(learn_one, drawn)
#     ids, labels = batch["input_ids"][:, 1:], batch["labels"][:, 1:]
#     inputs = torch.cat([row.expand(len(ids), 1, -1), table[ids]], dim=1)
#     mask = batch["attention_mask"]
#     logits = model(inputs_embeds=inputs, attention_mask=mask).logits[:, :-1]
#     return cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
#
# word = table[token_ids(tokenizer, " clock")[0]]
# row = wayward(loss_on_a_batch, word, radius=1.0, steps=200)
# print(loss_of_row(word).mean(), loss_of_row(row).mean(), tokenizer.decode(reading(row[None]).indices))
# ```
# </details>
#
# ## 8. Where to start: is N(0, 1) a poor place?
#
# A fresh `nn.Embedding` is filled from the normal distribution N(0, 1). Our advice has been to start from rows of real tokens instead. Two things can be tested: how long such rows are, and what training makes of them. Same rate, same steps, five rows, three seeds each.

# %% tags=["nbval-ignore-output"]
name = translation.soft_token
five = GPT2WithSoftPrompt(model, [name], prompt_length=5)
learn_five, unseen_five = (encode(data[name][split], translation, tokenizer, five) for split in ("train", "validation"))


def train_from(init, seed, steps=60):
    """Losses of the validation records after a short training of five rows for translation."""
    system = GPT2WithSoftPrompt(model, [name], prompt_length=5, init=init, seed=seed)
    optimizer = torch.optim.AdamW([system.soft_embedding.weight], lr=0.1, weight_decay=0.0)
    schedule, generator = falling(optimizer, steps), torch.Generator().manual_seed(seed)
    for _ in range(steps):
        system(**draw(learn_five, generator)).loss.backward()
        optimizer.step(), optimizer.zero_grad(), schedule.step()
    return per_record(system, unseen_five)


starts = {init: torch.stack([train_from(init, seed) for seed in range(3)]) for init in ("vocab", "normal")}
fresh = torch.randn(1000, table.shape[1], generator=torch.Generator().manual_seed(0)).norm(dim=1)
for init, losses in starts.items():
    print(f"{init:7} loss after 60 steps, by seed: {', '.join(f'{each:.3f}' for each in losses.mean(1))}")
print(f"length: tokens {norms.mean():.1f}, N(0, 1) rows {fresh.mean():.1f}, our trained rows {ends.mean():.1f}, on average")

# %% tags=["nbval-ignore-output"]
apart = starts["normal"].mean(1).min() > starts["vocab"].mean(1).max() or starts["normal"].mean(1).max() < starts["vocab"].mean(1).min()
design = Study("design", data_root() / "results").table("prompt_init", "prompt_length", "learning_rate").query("metric == 'loss' and split == 'validation'")
design = design.groupby(["task", "prompt_length", "prompt_init", "learning_rate"])["value"].agg(["mean", "count"]).reset_index()
best = design.loc[design.groupby(["task", "prompt_length", "prompt_init"])["mean"].idxmin()] if len(design) else design
display(Markdown(f"Start N(0, 1) against tokens, mean of three seeds: {compare(starts['normal'].mean(0), starts['vocab'].mean(0))} over records; "
                 f"the seeds of the two {'do not overlap' if apart else 'overlap'}. Stored study (more steps, mean over seeds, each start at its best learning rate):"))
best.rename(columns={"mean": "loss", "count": "seeds", "prompt_length": "length", "prompt_init": "start", "learning_rate": "rate"}).round(3) if len(best) else Markdown("not measured yet")

# %% [markdown]
# Keep two questions apart. *Is a long row bad?* Our trained rows of section 5 also end longer than tokens, as the printed lengths show, so being longer than a token is no fault in itself. *Does the start matter?* It
# can only be said for a given rate and number of steps. The stored study, where it has rows, gives each start its own best rate.
#
# ## 9. What we found

# %% tags=["nbval-ignore-output"]
i = {name: n for n, name in enumerate(names)}
gains = ", ".join(f"{name} {behind['no prompt'][i[name]].mean():.3f} to {behind[f'prompt of {name}'][i[name]].mean():.3f}" for name in names)
no_word = {"higher": "supported here", "lower": "not supported here", "cannot be told apart": "cannot be told apart here"}[found]
own = [compare(behind[f"prompt of {name}"][i[name]], behind[f"prompt of {other}"][i[name]]).endswith("lower")
       for name in names for other in names if other != name]
base = [compare(behind[f"prompt of {name}"][i[name]], behind["no prompt"][i[name]]).endswith("lower") for name in names]
Markdown(f"""
- A soft prompt is rows in front of the text. Real tokens as rows give their own logits; the gradient reaches the rows alone; the base model is unchanged.
- Validation loss with no prompt and with five trained rows: {gains}.
- Translation, one place in front of the text: {best_losses.mean():.3f} with the best token, {rivals['constrained row'].mean():.3f} with the constrained row, {rivals['trained row'].mean():.3f} with the trained row.
- {int(above.sum())} of {len(trained)} rows have a nearest token that beats the null, {int((above & is_start).sum())} of them the token they started from.

**Claims of the original report**

- *"Soft prompts operate without constraints on vocabulary"*: true of the mechanism, which takes any vector. That this helps, a trained row against the best token of our search: **{no_word}** (one seed; loss of the token minus loss of the row {compare(best_losses, rivals['trained row'])}).
- *"Without constraints on length"*: **not supported here** as stated. Each row takes one of {model.config.max_position_embeddings:,} positions.
- *"Optimizing their embeddings for the targeted task, in contrast with general-purpose, pre-existing embeddings"*: lower loss than no prompt on {sum(base)} of 3 tasks, and lower than another task's prompt in {sum(own)} of 6 comparisons: **{'supported here' if all(own) and all(base) else 'supported in part here'}**.
- *"Dynamic adjustability"*: rows moved {(trained - start.repeat(3, 1)).norm(dim=1).mean():.1f} on average in 100 steps (tokens are {norms.mean():.1f} long). **Supported here** for training; at use a trained prompt is as fixed as a written one.
""")

# %% [markdown]
# ### Further reading
#
# - Lester, Al-Rfou and Constant (2021), [The Power of Scale for Parameter-Efficient Prompt Tuning](https://arxiv.org/abs/2104.08691): the method of this course; section 3.2 on starts and lengths
# - Li and Liang (2021), [Prefix-Tuning](https://arxiv.org/abs/2101.00190): trained vectors in every layer; their ablation "embedding-only" is our method
# - Khashabi et al. (2021), [Prompt Waywardness](https://arxiv.org/abs/2112.08348): why nearest tokens are not an explanation
#
# Next: [03 · Training a soft prompt](03_training_a_soft_prompt.ipynb)
