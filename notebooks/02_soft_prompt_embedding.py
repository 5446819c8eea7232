# %% [markdown]
# # 02 · The soft-prompt embedding
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/soft-prompt-course/soft-prompt-course/blob/main/notebooks/02_soft_prompt_embedding.ipynb)
#
# **Time:** half a minute on 2 CPU cores; on a Colab GPU not measured, expect no more
#
# In lesson 01 a prompt was a row of words, and improving it meant trying other words. Here we look at what the model does with
# those words before it reads them, and find a place where something better than a word fits in.
#
# ## What you will be able to do
#
# - follow a text from characters to token ids to vectors, and feed a model vectors directly
# - build a small `GPT2WithSoftPrompt` in four steps, freeze, concatenate, mask, shift, and prove it right before any training
# - watch one small table of vectors learn three tasks, each row its own
# - show with numbers that no word can take the place of a trained vector
# - count what is trained, what is stored and what is left alone, for models from 0.1 million to 1.5 billion parameters

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
# ## From text to ids to vectors
#
# A language model never sees characters. A **tokenizer** cuts the text into pieces and looks each piece up in a fixed list, the
# **vocabulary**. What remains is a row of integers, the token ids.

# %%
import torch

from course_utils import course_scale, load_base_model, token_ids

scale = course_scale()
model, tokenizer = load_base_model(scale.base_model)


def ids_of(text):
    """The token ids of a text, [1, text], on the model's device."""
    return torch.tensor([token_ids(tokenizer, text)], device=model.device)


ids = ids_of("Marta Klein repaired the old clock")
print(tokenizer.convert_ids_to_tokens(ids[0]))
print(ids.tolist())

# %% [markdown]
# The odd letter `Ġ` is how this kind of tokenizer writes a space: the space belongs to the word that follows it.
#
# The first thing the model does with an id is to use it as a row number. It owns a table with one row of numbers for each entry
# of the vocabulary, the **input embeddings**. In PyTorch such a table is an `nn.Embedding`, and looking something up is all that
# it does.

# %%
table = model.get_input_embeddings()
vectors = table(ids)
print(table)
print("ids    ", tuple(ids.shape), "= [batch, text]")
print("vectors", tuple(vectors.shape), "= [batch, text, width]")
assert torch.equal(vectors[0, 0], table.weight[ids[0, 0]])

# %% [markdown]
# From here on the ids are no longer needed. Everything above this layer sees vectors only, and `transformers` lets us prove
# that: give the model `inputs_embeds` instead of `input_ids`, and the predictions are the same. They come as **logits**: at each
# position one number per token of the vocabulary, which `softmax` turns into the probability of that token to come next.

# %%
with torch.no_grad():
    from_ids = model(input_ids=ids).logits                 # [batch, text, vocabulary]
    from_vectors = model(inputs_embeds=vectors).logits
print("same predictions:", torch.equal(from_ids, from_vectors))

# %% [markdown]
# This is the door. Whoever writes words can choose among the rows of the table, and nothing else. Whoever hands over vectors can
# choose *any* point of the space that these rows live in.

# %%
vocabulary_size, width = table.weight.shape
print(f"a hand-written prompt chooses each position among {vocabulary_size:,} points")
print(f"a soft prompt chooses each position in a space of {width} continuous dimensions")

# %% [markdown]
# ## A vector that nobody can type
#
# Take the vectors of two words and walk from one to the other. On the way there are points that no token has, and the model
# accepts them without complaint. Below, the last word of an unfinished sentence slides from *Monday* to *the*, and we watch
# what the model expects next: a time of day, or a place.

# %%
start, end = (token_ids(tokenizer, word)[0] for word in (" Monday", " the"))
context = ids_of("The gazette reports that Marta Klein repaired the old clock on")


@torch.no_grad()
def nearest_token(vector):
    """The token whose embedding lies closest to a vector."""
    return tokenizer.decode((table.weight - vector).norm(dim=1).argmin())


def between(share):
    """The vector that lies `share` of the way from " Monday" to " the"."""
    return (1 - share) * table.weight[start] + share * table.weight[end]


for share in (0.0, 0.25, 0.5, 0.75, 1.0):
    distance = (table.weight - between(share)).norm(dim=1).min().item()
    print(f"{share:4.2f}  nearest token {nearest_token(between(share))!r:12}  distance {distance:.2f}")

# %% [markdown]
# Only the two ends have distance 0. Everything between them is a perfectly good input without a spelling. And what does the
# model make of it?

# %%
@torch.no_grad()
def show(share):
    """The three most likely tokens after the sentence, its last word being `share` on the way to " the"."""
    sentence = torch.cat([table(context), between(share)[None, None]], dim=1)         # [1, text + 1, width]
    probabilities = model(inputs_embeds=sentence).logits[0, -1].softmax(-1)
    top = probabilities.topk(3)
    return [(tokenizer.decode(i), round(p, 1)) for p, i in zip(top.values.tolist(), top.indices, strict=True)]


for share in (0.0, 0.25, 0.5, 0.75, 1.0):
    print(share, show(share))

# %% [markdown]
# The answer changes little by little on the way. That is what makes training possible: a smooth change has a slope, and a
# slope can be followed. The same function behind a slider, for your own hands:

# %% tags=["nbval-ignore-output"]
import ipywidgets

slider = ipywidgets.FloatSlider(value=0.5, min=0.0, max=1.0, step=0.05, description="share")
ipywidgets.interactive(lambda share: print(show(share)), share=slider)

# %% tags=["nbval-ignore-output"]
slider.value = 0.8
assert slider.value == 0.8 and len(show(slider.value)) == 3

# %% [markdown]
# ## A vocabulary of our own
#
# The original write-up of this idea gives each task a name in square brackets: `[SUMMARIZE]`, `[QUESTIONANSWERING]`,
# `[TRANSLATION]`. To the tokenizer such a name is nothing special; it falls apart into pieces that have nothing to do with the
# task.

# %%
print(tokenizer.convert_ids_to_tokens(token_ids(tokenizer, "[SUMMARIZE]")))

# %% [markdown]
# So the name does not go through the tokenizer at all. It is an entry of a second, tiny vocabulary, the **soft vocabulary**, with a
# table of its own: an `nn.Embedding` with one row per name, or more than one if the prompt is to be longer. Each row is called a
# **virtual token**, and the number of rows that belong to one name is the **prompt length**.

# %%
from torch import nn

soft_vocabulary, prompt_length = ["[SUMMARIZE]"], 1
soft_embedding = nn.Embedding(len(soft_vocabulary) * prompt_length, width)
print(soft_embedding, "->", soft_embedding.weight.numel(), "numbers")

# %% [markdown]
# That table is all that will ever be trained. On GPT-2 small, which the original used, the same line makes a row of 768 numbers.
#
# ### Where do the numbers come from?
#
# A fresh `nn.Embedding` is filled from the normal distribution N(0, 1). For a soft prompt that is a poor place to start, and the
# reason can be measured: such a row is several times as long as any real embedding.

# %%
lengths = table.weight.detach().norm(dim=1)
fresh = torch.randn(1000, width, generator=torch.Generator().manual_seed(0)).norm(dim=1)
print(f"length of the model's own embeddings: {lengths.mean():.1f} on average, {lengths.max():.1f} at most")
print(f"length of a row drawn from N(0, 1):   {fresh.mean():.1f} on average")

# %% [markdown]
# Better starts are rows copied from sampled real tokens (Lester et al. 2021, section 3.2, compare them with random rows and with class
# labels), or from the words of an instruction. Copied rows are real words at first, and move away from them as training pulls. (The
# ids below 260 are single bytes and special tokens.)

# %%
generator = torch.Generator().manual_seed(0)
sampled = torch.randint(260, vocabulary_size, (prompt_length,), generator=generator)
soft_embedding = nn.Embedding.from_pretrained(table.weight.detach()[sampled].clone(), freeze=False)
print("starts as", [tokenizer.decode(i) for i in sampled])

# %% [markdown]
# ## Step by step to the class
#
# **Step 1, freeze.** No parameter of the base model may change, and its dropout must stay off: with dropout the frozen model would
# be a slightly different one at every step, and the prompt would chase noise.

# %%
model.requires_grad_(False).eval()
print("trainable parameters left in the base model:", sum(p.numel() for p in model.parameters() if p.requires_grad))

# %% [markdown]
# **Step 2, concatenate.** The rows of the soft prompt go in front of the rows of the text. Nothing else changes: one
# tensor, longer by the prompt length.

# %%
source = ids_of("Marta Klein repaired the old clock.\n")
embedded = table(source)                                             # [batch, text, width]
prompt = soft_embedding.weight.expand(len(source), -1, -1)           # [batch, prompt, width]
inputs = torch.cat([prompt, embedded], dim=1)                        # [batch, prompt + text, width]
print(tuple(prompt.shape), "+", tuple(embedded.shape), "->", tuple(inputs.shape))

# %% [markdown]
# **Step 3, the attention mask grows too.** Texts of a batch differ in length and are filled up with padding, which the mask hides.
# The prompt is always visible, so its part of the mask is all ones.

# %%
mask = torch.ones_like(source)                                       # [batch, text]
mask = torch.cat([mask.new_ones(len(source), prompt_length), mask], dim=1)
logits = model(inputs_embeds=inputs, attention_mask=mask).logits     # [batch, prompt + text, vocabulary]
print("logits", tuple(logits.shape))

# %% [markdown]
# **Step 4, the shift.** The logits at a position predict the *next* token. So the last row of the prompt predicts the first token
# of the text, and the predictions for the text's tokens stand one place to the left: from `prompt_length - 1` up to the last but
# one.

# %%
for_text = logits[:, prompt_length - 1:-1]                           # [batch, text, vocabulary]
loss = nn.functional.cross_entropy(for_text.flatten(0, 1), source.flatten())
print("a prediction for every token of the text:", for_text.shape[1] == source.shape[1])
print("loss below that of even guessing:", loss.item() < torch.tensor(vocabulary_size).log().item())

# %% [markdown]
# Put together, the four steps are a class of some twenty lines. It *holds* the base model instead of inheriting from it: the
# base stays exactly what it was, can be shared between prompts, and any other decoder-only model can take its place.

# %%
class TinySoftPrompt(nn.Module):
    def __init__(self, base_model, prompt_length, seed=0):
        super().__init__()
        self.base_model = base_model.requires_grad_(False).eval()
        table = base_model.get_input_embeddings().weight.detach()
        chosen = torch.randint(260, len(table), (prompt_length,), generator=torch.Generator().manual_seed(seed))
        self.soft_embedding = nn.Embedding.from_pretrained(table[chosen].clone(), freeze=False)

    def forward(self, input_ids, attention_mask, labels=None):
        embedded = self.base_model.get_input_embeddings()(input_ids)                       # [batch, text, width]
        prompt = self.soft_embedding.weight.expand(len(input_ids), -1, -1)                 # [batch, prompt, width]
        mask = torch.cat([attention_mask.new_ones(prompt.shape[:2]), attention_mask], dim=1)
        inputs = torch.cat([prompt, embedded], dim=1)                                      # [batch, prompt + text, width]
        logits = self.base_model(inputs_embeds=inputs, attention_mask=mask).logits
        if labels is None:
            return logits                                                                  # [batch, prompt + text, vocabulary]
        for_text = logits[:, prompt.shape[1] - 1:-1]                                       # [batch, text, vocabulary]
        # -100 marks labels that do not count: lesson 03
        return nn.functional.cross_entropy(for_text.flatten(0, 1), labels.flatten(), ignore_index=-100)


tiny = TinySoftPrompt(model, prompt_length=5)
print("trainable parameters:", sum(p.numel() for p in tiny.parameters() if p.requires_grad), "= 5 x", width)

# %% [markdown]
# ## Is it right? Three proofs before any training
#
# A soft-prompt model that is wrong still trains, still prints a falling loss, and teaches nothing. So we ask for proof first.
#
# **Proof 1: real words in disguise.** Put the embeddings of real tokens into the soft prompt. The model must then behave exactly as
# if those words stood in front of the text.

# %%
def as_prompt(words):
    """A TinySoftPrompt whose rows are the embeddings of real words."""
    word_ids = ids_of(words)
    soft = TinySoftPrompt(model, word_ids.shape[1])
    soft.soft_embedding.weight.data = table.weight.detach()[word_ids[0]].clone()
    return soft, word_ids


words = "News in one sentence\n"
disguised, word_ids = as_prompt(words)
with torch.no_grad():
    soft = disguised(source, torch.ones_like(source))
    hard = model(torch.cat([word_ids, source], dim=1)).logits
print("same logits:", torch.allclose(soft, hard, rtol=1e-4, atol=1e-4))

# %% [markdown]
# A proof that cannot fail is none. So we break it on purpose: the same rows in another order must give other predictions.

# %%
disguised.soft_embedding.weight.data = disguised.soft_embedding.weight.data.flip(0)
with torch.no_grad():
    reversed_prompt = disguised(source, torch.ones_like(source))
print("differs once the rows are reversed:", (reversed_prompt - hard).abs().max().item() > 0.1)

# %% [markdown]
# So every hand-written prompt that stands in front of a text *is* a soft prompt, one that happens to sit on the rows of the table.
# The reverse does not hold. The best soft prompt of a given length is therefore at least as good as the best such hard prompt of
# that length. Whether training finds it is another matter, and we come to it below.
#
# **Proof 2: gradients reach the rows and nothing else.**

# %%
tiny(source, torch.ones_like(source), labels=source).backward()
print("gradient on the soft prompt:", tuple(tiny.soft_embedding.weight.grad.shape))
print("gradients on the base model:", sum(p.grad is not None for p in model.parameters()))
print("no row is without one:", bool((tiny.soft_embedding.weight.grad.norm(dim=1) > 0).all()))

# %% [markdown]
# Note what this does *not* say. To reach the prompt, the gradient travels back through every layer of the base model, so most
# activations of all layers must be kept. Training a soft prompt saves the gradients of the weights, the optimizer's memory and the
# storage of a second model, but little of the memory of the activations (lesson 08 measures it). Of the computation it saves at most a third: forward pass, gradients of the activations and
# gradients of the weights cost about the same, and only the last of these falls away.
#
# **Proof 3: the course's class agrees with ours.** `course_utils` has the same idea with what daily use adds: several names in one
# soft vocabulary, three ways to start, batched generation, clear errors. It is short;
# [read it](../course_utils/soft_prompt.py) next to your own.

# %%
from course_utils import GPT2WithSoftPrompt

ours = GPT2WithSoftPrompt(model, ["[SUMMARIZE]"], prompt_length=5)
ours.soft_embedding.weight.data.copy_(tiny.soft_embedding.weight.data)
with torch.no_grad():
    a, b = ours(source).logits, tiny(source, torch.ones_like(source))
print("same logits:", torch.allclose(a, b, rtol=1e-4, atol=1e-4), tuple(a.shape))

# %% [markdown]
# ## Where the prompt goes in a batch
#
# For generation, texts of different length are padded on the *left*, so that all of them end where the new words begin. There
# the prompt has to slip between padding and text: `[pad][prompt][text]`. Naive concatenation gives `[prompt][pad][text]`. That alone
# is no harm, for padding is masked. But GPT-2 adds to each vector a second one, learned for its *position*: 0, 1, 2 ... A plain forward
# pass counts the padding too, so the text behind it gets the wrong ones, unless positions are counted from the mask. The test of all this:
# alone and in a batch, a text must get the same predictions.

# %%
from course_utils import left_pad

reports = ["Marta Klein repaired the old clock in the town hall because the school had asked for it. It took two hours.\n",
           "Otto Berg sold the new boat on Monday.\n"]
batch, batch_mask = (t.to(model.device) for t in left_pad([token_ids(tokenizer, report) for report in reports], tokenizer.pad_token_id))
short = ids_of(reports[1])                                           # the second text; in the batch it has padding
for name, soft in (("ours", ours), ("tiny", tiny)):
    with torch.no_grad():
        alone = soft(short, torch.ones_like(short))
        alone, padded = (getattr(out, "logits", out)[-1, -1] for out in (alone, soft(batch, batch_mask)))
    print(f"{name}: same predictions behind padding: {torch.allclose(alone, padded, rtol=1e-4, atol=1e-4)}")

# %% [markdown]
# Our twenty lines fail it; training pads on the right, where it does no harm, but whoever generates needs the whole class. With
# it, generated answers are the same too:

# %%
from course_utils import generate_texts

together = generate_texts(ours, tokenizer, reports, max_new_tokens=12)
one_by_one = [generate_texts(ours, tokenizer, [report], max_new_tokens=12)[0] for report in reports]
print("same answers:", together == one_by_one)

# %% [markdown]
# ## One table, three tasks
#
# The class is right; let it learn something. Its soft vocabulary gets the three names of the write-up with one row each. All three
# rows start at the same place, the embedding of one real token: what differs between them later comes from training.

# %%
from course_utils import TASKS

names = [task.soft_token for task in TASKS.values()]
soft = GPT2WithSoftPrompt(model, names, prompt_length=1)
first = table.weight.data[token_ids(tokenizer, " The")[0]]                     # [width]
soft.soft_embedding.weight.data[:] = first
print(names, "->", tuple(soft.soft_embedding.weight.shape), "= [names x prompt length, width]")

# %% [markdown]
# To be quick we take the shortest examples of each task: 64 to learn from, 24 unseen ones to measure on. `encode` makes token ids of
# them, with labels that count the wanted text only (lesson 03 says why).

# %%
from course_utils import encode, load_task_data

learn, unseen = {}, {}
for task in TASKS.values():
    data = load_task_data(task, scale.data, scale.max_train, scale.max_eval)
    short = {split: sorted(records, key=lambda record: len(task.source(record))) for split, records in data.items()}
    learn[task.soft_token] = encode(short["train"][:64], task, tokenizer, model, prompt_length=1)
    unseen[task.soft_token] = short["validation"][:24]
measure = {task.soft_token: encode(unseen[task.soft_token], task, tokenizer, model, prompt_length=1) for task in TASKS.values()}

# %% [markdown]
# Two losses are needed: of a few training examples behind the row of their task, to learn from; and of a task's unseen examples behind
# *any* vector, to measure with. For the second there is a soft prompt of its own, `probe`. Both hold the same frozen model.

# %%
from course_utils import collate, evaluate_loss


def train_loss(name, chosen):
    """Mean loss, in nats, of some training examples of a task behind the row of its name."""
    batch = collate([learn[name][i] for i in chosen], tokenizer.pad_token_id)
    return soft(**{key: tensor.to(model.device) for key, tensor in batch.items()}, soft_token=name).loss


probe = GPT2WithSoftPrompt(model, prompt_length=1)


def loss_behind(vector, name):
    """Mean loss, in nats, of the unseen examples of a task behind one vector, [width]."""
    probe.soft_embedding.weight.data[0] = vector
    return evaluate_loss(probe, measure[name])


# %% [markdown]
# The loop: examples of each task, the sum of the three losses, one step downhill. The same lines serve every task, and nobody has to
# think of a wording. Lesson 03 takes such a loop apart; here we watch. Every fifth step we note where the rows are, and how they do.

# %% tags=["nbval-ignore-output"]
import time

from course_utils.progress import progress_bar

rows, snapshots, curve = soft.soft_embedding.weight, [], []                    # rows: [3, width]
optimizer = torch.optim.AdamW([rows], lr=0.05, weight_decay=0.0)
generator, started = torch.Generator().manual_seed(0), time.perf_counter()
for step in progress_bar(range(41), description="training", unit="step"):
    if step > 0:
        chosen = torch.randint(64, (4,), generator=generator).tolist()
        sum(train_loss(name, chosen) for name in names).backward()
        optimizer.step()
        optimizer.zero_grad()
    if step % 5 == 0:
        snapshots.append(rows.detach().clone())
        curve.append([loss_behind(row, name) for row, name in zip(snapshots[-1], names, strict=True)])
training_seconds, trained = time.perf_counter() - started, snapshots[-1]

# %% tags=["nbval-ignore-output"]
import matplotlib.pyplot as plt

from course_utils import plot_prompt_path

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
left.plot(range(0, 41, 5), torch.tensor(curve) / torch.tensor(curve[0]), label=names)
left.set(xlabel="step", ylabel="loss on unseen examples, start = 1")
left.legend()
plot_prompt_path(snapshots, table.weight, right)
figure.tight_layout()
plt.show()

# %% [markdown]
# On the left the losses fall. On the right is the reason: the rows move. They start together, on a token, part ways within a few steps,
# and leave the cloud of the tokens; the colors are those of the left side. (Of all directions of the space, the map shows the two in
# which the rows spread most.) A hand-written prompt has no such picture: once written, it stays where it is. Lesson 03 looks at the
# movement more closely.
#
# Has each row found something for its own task, or are they simply good for everything? We put every row in front of every task.

# %% tags=["nbval-ignore-output"]
import pandas as pd


def loss_behind_words(task, prompt=None):
    """Mean loss of a task's unseen examples behind a hand-written prompt, or none."""
    return evaluate_loss(model, encode(unseen[task.soft_token], task, tokenizer, model, hard_prompt=prompt))


losses = pd.DataFrame([[loss_behind(row, name) for name in names] for row in trained], [f"row of {name}" for name in names], names)
losses.loc["no prompt"] = [loss_behind_words(task) for task in TASKS.values()]
losses.loc["hard prompt as reported"] = [loss_behind_words(task, task.hard_prompt) for task in TASKS.values()]
own = pd.Series([losses.loc[f"row of {name}", name] for name in names], names)
if scale.name == "mini":
    assert (own == losses.min()).all() and (own < 0.97 * losses.iloc[3:].min()).all()
losses.round(3)

# %% [markdown]
# Read it by columns: each task does best behind its own row. A row made for another task helps less, or harms. The frozen model is the
# same in every cell of this table; which of its behaviors it shows is decided by a single vector, and the vector was decided by 64
# examples, through nothing but gradients.
#
# ## Better than any word
#
# A prompt of one row stands where a prompt of one token could stand, and there are only so many tokens. So for once *all* hand-written
# prompts of that length can be tried, if only on little. Translation has the shortest texts: each token of the vocabulary goes in front of two training
# examples, and the twelve best in front of the unseen ones.

# %%
@torch.no_grad()
def losses_behind_tokens(tokens, item):
    """Mean loss of one example behind each of some tokens, [tokens], in nats."""
    ids, labels = item["input_ids"].to(model.device), item["labels"].to(model.device)
    inputs = torch.cat([tokens[:, None], ids.expand(len(tokens), -1)], dim=1)          # [tokens, 1 + text]
    places = (labels != -100).nonzero()[:, 0]          # one further on because of the prompt, one back because of the shift
    log_p = model(inputs, logits_to_keep=places).logits.log_softmax(-1)                # [tokens, targets, vocabulary]
    return -log_p[:, torch.arange(len(places)), labels[places]].mean(dim=1)


# %% tags=["nbval-ignore-output"]
task, started = TASKS["translation"], time.perf_counter()
name = task.soft_token
tokens = torch.arange(min(len(tokenizer), 5000), device=model.device)          # of GPT-2's 50,257, the 5,000 most frequent
first_round = torch.cat([sum(losses_behind_tokens(part, learn[name][i]) for i in (0, 1))
                         for part in progress_bar(tokens.split(256), description="256 tokens at a time")])
finalists = first_round.topk(12, largest=False).indices.tolist()
by_token = {repr(tokenizer.decode(i)): loss_behind(table.weight.data[i], name) for i in finalists}
print(f"{len(tokens):,} tokens: {time.perf_counter() - started:.0f} seconds; 40 steps on three tasks: {training_seconds:.0f} seconds")

# %% tags=["nbval-ignore-output"]
by_hand = {prompt: loss_behind_words(task, prompt) for prompt in (task.hard_prompt, *task.hand_written)}
best_token, best_prompt = min(by_token, key=by_token.get), min(by_hand, key=by_hand.get)
ranking = pd.DataFrame([
    ("nothing", "", losses.loc["no prompt", name]),
    (f"best token: {best_token}", f"{len(tokens):,} tokens", by_token[best_token]),
    (f"best prompt: {best_prompt!r}", f"{len(by_hand)} prompts", by_hand[best_prompt]),
    ("trained row", "1 run", own[name])], columns=["in front of the text", "tried", "loss"])
if scale.name == "mini":
    assert own[name] < 0.97 * min(by_token[best_token], by_hand[best_prompt])
ranking.round(3)

# %% [markdown]
# No token of those that came through the first round reaches the trained row, and no prompt from lesson 01 does, though most of those have
# many tokens. (The order of prompts differs from lesson 01, which went by BLEU and on other examples.) Look also at how the entries came
# about. Tokens and prompts were tried one after the other, and a bad one said nothing about the next. The vector had one
# run, in which each step told where to go from there. (Writing prompts can still be the better deal, for instance where there are no
# examples to learn from. Lesson 08 does the accounts.)
#
# How precisely does a row have to be placed? Move it halfway to the token that is nearest to it, then all the way.

# %% tags=["nbval-ignore-output"]
neighbors = torch.cdist(table.weight.data[:500], table.weight.data).topk(2, largest=False).values[:, 1].median().item()
moves = {}
for name, row in zip(names, trained, strict=True):
    distance = (table.weight.data - row).norm(dim=1)
    token = table.weight.data[distance.argmin()]
    moves[name] = {"distance from the start": (row - first).norm().item(), "distance to the nearest token": distance.min().item(),
                   "between neighboring tokens": neighbors, "loss of the row": own[name],
                   "loss halfway to the token": loss_behind((row + token) / 2, name), "loss of the token": loss_behind(token, name),
                   "loss with no prompt": losses.loc["no prompt", name]}
moves = pd.DataFrame(moves)
if scale.name == "mini":
    gain, lost = (moves.loc[other] - moves.loc["loss of the row"] for other in ("loss with no prompt", "loss of the token"))
    assert (lost > 0.5 * gain).all() and (gain > 0).all()
    assert (moves.loc["distance to the nearest token"] > 2 * neighbors).all()
moves.round(3)

# %% [markdown]
# The rows lie several times as far from every token as neighboring tokens lie from each other. They use the room between the words, and
# they need it: rounded to the nearest token, a row loses most of its gain, or all of it. Nor is the place a needle's point: moved halfway,
# which is farther than neighboring tokens lie apart, a row still keeps a good part of its gain. What no token can do is be *out there*.
# The embeddings of tokens are there for every text; a row is placed for one task.
#
# Nor does it have to stay at one row. A prompt may be as long as the model's positions allow, of which each row takes one; lesson 03
# compares 1 with 20.
#
# ## What is trained, what is stored
#
# Now the numbers that make people interested. We build each model from its configuration without its weights, count its parameters,
# and set one and twenty virtual tokens against them.

# %%
from transformers import AutoConfig, AutoModelForCausalLM, GPT2Config


def count(config):
    """Parameters of a model that is never filled with weights."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config).num_parameters()


configs = {f"course-gpt2-{size}": AutoConfig.from_pretrained(f"data/base_models/course-gpt2-{size}") for size in ("xs", "s", "m", "l")}
configs |= {name: GPT2Config(n_embd=w, n_layer=layers, n_head=heads) for name, w, layers, heads in
            [("gpt2 (small)", 768, 12, 12), ("gpt2-medium", 1024, 24, 16), ("gpt2-large", 1280, 36, 20), ("gpt2-xl", 1600, 48, 25)]}

# %%
sizes = pd.DataFrame({"width": {n: c.n_embd for n, c in configs.items()}, "parameters": {n: count(c) for n, c in configs.items()}})
sizes["1 token"] = sizes["width"]
sizes["20 tokens"] = 20 * sizes["width"]
sizes["20 tokens, share"] = (sizes["20 tokens"] / sizes["parameters"]).map("{:.4%}".format)
sizes["20 tokens, fp32"] = (4 * sizes["20 tokens"] / 1024).map("{:.1f} KiB".format)
sizes

# %% [markdown]
# Two readings of this table, both true. On a large model a task costs almost nothing: kilobytes instead of another copy of the
# model. On our smallest model twenty tokens are a visible share of everything. The prompt grows with the *width* of the model, the
# model grows with its width squared and its depth, and so the share falls as models grow. Whether so few numbers are *enough* is
# another question, and the answer also changes with size: at 11 billion parameters prompt tuning matched training the whole
# model, at 100 million it was far behind (Lester et al. 2021, figure 1). This is what our single rows have done:

# %% tags=["nbval-ignore-output"]
for name in names:
    print(f"{name:20} {width} numbers, {width / model.num_parameters():.4%} of the model's: "
          f"{1 - own[name] / losses.loc['no prompt', name]:.0%} less loss than with no prompt")

# %% [markdown]
# What training all the parameters would do in their place, lessons 05 to 08 measure.
#
# ## Keep it: a prompt is a small file
#
# A trained prompt, here the row of translation, is stored without the model it belongs to, in the layout of an adapter of the PEFT library, so that other programs
# can read it too.

# %% tags=["nbval-ignore-output"]
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp()) / "my_prompt"
soft.save_prompt(folder, soft_token="[TRANSLATION]")
print({file.name: file.stat().st_size for file in sorted(folder.iterdir())})

# %%
again = GPT2WithSoftPrompt(model, ["[TRANSLATION]"], prompt_length=1, seed=1)
again.load_prompt(folder)
print("the same row came back:", torch.equal(again.soft_embedding.weight, soft.soft_embedding.weight[soft.rows("[TRANSLATION]")]))

# %% [markdown]
# ## Exercises
#
# Each exercise is a stub, a check, a hint and a solution. The check says what is wrong, not only that something is.
#
# ### 1. Concatenate (easy, 5 minutes)
#
# Write `with_prompt`: put the rows of a prompt in front of every text of a batch and extend the mask. This is the line that the
# whole course hangs on.

# %%
def with_prompt(rows, embedded, mask):
    """rows [prompt, width], embedded [batch, text, width], mask [batch, text] -> (inputs, longer mask)."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_02 import check_02_with_prompt

check_02_with_prompt(with_prompt)

# %% [markdown]
# <details><summary>Hint</summary>
#
# `rows` has no batch dimension yet: `rows.expand(batch, -1, -1)`. The mask of the prompt is ones, with the dtype of `mask`.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def with_prompt(rows, embedded, mask):
#     prompt = rows.expand(len(embedded), -1, -1)
#     ones = mask.new_ones(prompt.shape[:2])
#     return torch.cat([prompt, embedded], dim=1), torch.cat([ones, mask], dim=1)
# ```
# </details>
#
# ### 2. Count (easy, 5 minutes)
#
# How many numbers are trained, and how many bytes does the file need at least, for a soft vocabulary of `names` names with
# `prompt_length` rows each, at a given width, in fp32?

# %%
def cost(names, prompt_length, width):
    """(trainable parameters, bytes in fp32)."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_02 import check_02_cost

check_02_cost(cost)

# %% [markdown]
# <details><summary>Hint</summary>
#
# A number in fp32 takes four bytes. The size of the base model does not matter.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def cost(names, prompt_length, width):
#     parameters = names * prompt_length * width
#     return parameters, 4 * parameters
# ```
# </details>
#
# ### 3. What does a prompt "say"? (medium, 10 minutes)
#
# It is tempting to read a soft prompt by looking up the nearest token of each row. Write `read_prompt`: the id of the token with the
# highest **cosine similarity** to each row. Then remember what lesson 05 will show: such a reading can be nonsense although the
# prompt works, and a prompt can be made to read like any text you please (Khashabi et al. 2021).

# %%
def read_prompt(rows, table):
    """rows [prompt, width], table [vocabulary, width] -> ids [prompt]."""
    raise NotImplementedError


# %% tags=["raises-exception"]
from course_utils.lessons.checks_02 import check_02_read_prompt

check_02_read_prompt(read_prompt)

# %% [markdown]
# <details><summary>Hint</summary>
#
# The cosine similarity is the product of two vectors of length 1. `torch.nn.functional.normalize` makes them so, and a matrix
# product compares all of them at once.
# </details>
#
# <details><summary>Solution</summary>
#
# ```python
# def read_prompt(rows, table):
#     rows = torch.nn.functional.normalize(rows, dim=-1)
#     table = torch.nn.functional.normalize(table, dim=-1)
#     return (rows @ table.T).argmax(dim=-1)
# ```
# </details>
#
# ## What we found

# %% tags=["nbval-ignore-output"]
print(f"- a text becomes ids, ids become vectors of width {width}; above that, the model knows nothing of words")
print("- freeze, concatenate, mask, shift: the class has four steps, and real words in disguise prove them")
print(f"- in 40 steps {len(names)} rows moved from one token to three places, each the best of them for its own task")
print(f"- translation: loss {own['[TRANSLATION]']:.3f} behind the trained row, {by_token[best_token]:.3f} behind the best of "
      f"{len(tokens):,} tokens, {by_hand[best_prompt]:.3f} behind the best of {len(by_hand)} hand-written prompts")
print(f"- 20 virtual tokens are {20 * width:,} numbers here and {20 * 768:,} on GPT-2 small: {20 * 768 / count(GPT2Config()):.3%} of it")
print("- the base model got no gradient and cannot change; the prompt fits in a file of a few kilobytes")

# %% [markdown]
# The write-up that this course follows speaks for soft prompts with six general claims. Each has a measurement that you can repeat:
#
# | a soft prompt | measured |
# |---|---|
# | adapts to each task | rows against tasks, above; one task at a time in lessons 05 to 07 |
# | changes as it learns | the map of the paths, above; lesson 03 |
# | is not bound to a vocabulary | the trained row against every token, above |
# | is placed precisely for its task | the way back to the nearest token, above; the prompt read aloud in lesson 05 |
# | takes no trial and error with words | tries against one run, above; the curve of tries in lesson 01, the accounts in lesson 08 |
# | has few parameters | the table of sizes, above; against training all of them in lessons 05 to 08 |
#
# ### Further reading
#
# - Lester, Al-Rfou and Constant (2021), [The Power of Scale for Parameter-Efficient Prompt Tuning](https://arxiv.org/abs/2104.08691):
#   the method of this course; section 3.2 on initialisation and length
# - Li and Liang (2021), [Prefix-Tuning](https://arxiv.org/abs/2101.00190): trainable vectors in every layer instead of the first alone;
#   their ablation "embedding-only" is our method
# - Khashabi et al. (2021), [Prompt Waywardness](https://arxiv.org/abs/2112.08348): why nearest tokens are not an explanation
#
# Next: [03 · Training a soft prompt](03_training_a_soft_prompt.ipynb)
