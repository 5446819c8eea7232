"""Checks of lesson 02, the soft-prompt embedding. Most run the learner's function on a GPT-2 of a few thousand random numbers."""

from __future__ import annotations

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from .checks import check, passed

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def tiny_model() -> GPT2LMHeadModel:
    """A frozen GPT-2 with random weights, large enough ones that every input makes a difference."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 40, "n_positions": 32, "n_embd": 16, "n_layer": 2, "n_head": 2, "bos_token_id": 0, "eos_token_id": 0}
    model = GPT2LMHeadModel(GPT2Config(**sizes, initializer_range=0.3, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0))
    return model.requires_grad_(False).eval()


@check
def check_02_changes(changes) -> None:
    """``changes(prompt_length, text_length, place)`` against a model that is run twice."""
    model, generator = tiny_model(), torch.Generator().manual_seed(1)
    for prompt, text, place in ((2, 4, 3), (3, 3, 4), (2, 4, 0), (1, 5, 5)):
        vectors = torch.randn(1, prompt + text, 16, generator=generator)
        other = vectors.clone()
        other[0, place] = torch.randn(16, generator=generator)
        difference = (model(inputs_embeds=vectors).logits - model(inputs_embeds=other).logits)[0].abs().amax(1)
        truth = (difference > 1e-4).nonzero()[:, 0].tolist()
        said = [int(each) for each in changes(prompt, text, place)]
        if said == truth:
            continue
        where = f"prompt of {prompt}, text of {text}, the vector at place {place} replaced: "
        assert said != list(range(prompt + text)), where + "not all: no position looks ahead, so those in front keep their logits"
        assert said != [place], where + "not only its own: every later position looks back at it"
        assert said != list(range(place + 1)), where + "the other way round: a position looks back, never ahead"
        assert said != list(range(place + 1, prompt + text)), where + "its own logits change too: a position looks at itself"
        raise AssertionError(where + f"the logits at {truth} changed, you said {said}")
    passed("a vector changes the logits at its own place and at all later ones")


@check
def check_02_soft_forward(soft_forward) -> None:
    """``soft_forward(base_model, rows, input_ids, attention_mask)`` against real tokens in front of the text."""
    model, seen = tiny_model(), []
    model.register_forward_pre_hook(lambda _, args, given: seen.append(given), with_kwargs=True)
    for words, text in (([[7, 3, 11]], [[5, 6, 8, 9]]), ([[4]], [[1, 2, 3], [9, 8, 7]]), ([[30, 31]], [[5, 6], [7, 8], [9, 1]])):
        words, text = torch.tensor(words), torch.tensor(text)
        mask = torch.ones_like(text)
        mask[-1, -1] = 0
        rows = model.get_input_embeddings()(words[0]).clone().requires_grad_(True)
        prompt, batch = len(rows), len(text)
        seen.clear()
        logits = soft_forward(model, rows, text, mask)
        assert seen, "the base model was not called: hand it inputs_embeds and attention_mask"
        longer = seen[-1].get("attention_mask")
        assert longer is not None, "the base model got no attention_mask: padding would be read as text"
        assert tuple(longer.shape) == (batch, prompt + text.shape[1]), (
            f"the mask has shape {tuple(longer.shape)}, expected {(batch, prompt + text.shape[1])}: it must grow with the inputs")
        assert bool((longer[:, :prompt] == 1).all()), "the mask must be 1 over the prompt, which is never padding"
        assert torch.equal(longer[:, prompt:].bool(), mask.bool()), "over the text the mask must stay what it was"
        wanted = (batch, prompt + text.shape[1], 40)
        assert tuple(logits.shape) == wanted, (
            f"logits have shape {tuple(logits.shape)}, expected [batch, prompt + text, vocabulary] = {wanted}: return them all")
        hard = model(torch.cat([words.expand(batch, -1), text], 1), attention_mask=longer).logits
        assert torch.allclose(logits[:-1], hard[:-1], **CLOSE) and torch.allclose(logits[-1, :-1], hard[-1, :-1], **CLOSE), (
            "rows that are real tokens' embeddings must give those tokens' logits: do the rows stand in front of the text?")
        assert logits.requires_grad, "no gradient reaches the rows: do not detach them, and no torch.no_grad()"
    passed("real tokens in disguise give their own logits, and the gradient reaches the rows")


@check
def check_02_place(place) -> None:
    """``place(rows, embedded, mask)`` on batches padded on the left, against each text alone."""
    model, generator = tiny_model(), torch.Generator().manual_seed(2)
    for prompt, lengths in ((2, (4, 2)), (1, (3, 3, 1)), (3, (2, 5))):
        longest, rows = max(lengths), torch.randn(prompt, 16, generator=generator)
        embedded = torch.randn(len(lengths), longest, 16, generator=generator)
        mask = torch.tensor([[0] * (longest - n) + [1] * n for n in lengths])
        result = place(rows, embedded.clone(), mask.clone())
        assert isinstance(result, tuple) and len(result) == 3, "return three things: inputs, mask, positions"
        inputs, longer, positions = result
        assert tuple(inputs.shape) == (len(lengths), prompt + longest, 16), (
            f"inputs have shape {tuple(inputs.shape)}, expected {(len(lengths), prompt + longest, 16)}")
        for i, n in enumerate(lengths):
            start = longest - n   # padding in front of the prompt
            front = inputs[i, :prompt]
            assert torch.equal(inputs[i, start : start + prompt], rows), (
                "you made [prompt][pad][text]: the prompt belongs between padding and text" if torch.equal(front, rows) and start
                else f"row {i}: expected the prompt at places {start} to {start + prompt - 1}, right behind the padding")
            assert torch.equal(inputs[i, start + prompt :], embedded[i, start:]), f"row {i}: the text must follow the prompt"
            assert longer.shape == inputs.shape[:2] and longer[i].tolist() == [0] * start + [1] * (prompt + n), (
                f"row {i}: the mask must be {[0] * start + [1] * (prompt + n)}, it is {longer[i].tolist()}")
            assert positions.shape == inputs.shape[:2] and positions[i, start:].tolist() == list(range(prompt + n)), (
                f"row {i}: positions must count from 0 at the prompt, not over the padding; they are {positions[i].tolist()}")
            alone = model(inputs_embeds=torch.cat([rows, embedded[i, start:]])[None]).logits[0, -1]
            padded = model(inputs_embeds=inputs, attention_mask=longer, position_ids=positions).logits[i, -1]
            assert torch.allclose(alone, padded, **CLOSE), f"row {i} gets other logits in the batch than alone"
    passed("[pad][prompt][text]: every text gets the same logits in the batch and alone")


def right(model, rows, text, mask):
    """A forward pass that is right but for rounding."""
    embedded = model.get_input_embeddings()(text)
    longer = torch.cat([mask.new_ones(len(text), len(rows)), mask], 1)
    inputs = torch.cat([rows.expand(len(text), -1, -1), embedded], 1)
    return model(inputs_embeds=inputs, attention_mask=longer).logits * (1 + 2e-6)


def behind(model, rows, text, mask):
    """The prompt behind the text."""
    embedded = model.get_input_embeddings()(text)
    return model(inputs_embeds=torch.cat([embedded, rows.expand(len(text), -1, -1)], 1)).logits


def only_end_right(model, rows, text, mask):
    """All logits but the last at the wrong place."""
    logits = right(model, rows, text, mask)
    return torch.cat([logits[:, :-1].roll(1, 1), logits[:, -1:]], 1)


def mean_row(model, rows, text, mask):
    """The mean of the rows in place of each."""
    return right(model, rows.mean(0, keepdim=True).expand_as(rows), text, mask)


def wrong_at(place: int):
    """Right everywhere but at one place of [prompt][text]."""
    def fault(model, rows, text, mask):
        logits = right(model, rows, text, mask).clone()
        logits[:, place] = logits[:, place].roll(1, -1)
        return logits

    return fault


FAULTS = {
    "puts the prompt behind the text": behind,
    "reverses the rows": lambda model, rows, text, mask: right(model, rows.flip(0), text, mask),
    "puts the mean row everywhere": mean_row,
    "is right at the last position alone": only_end_right,
    "makes every row a tenth longer": lambda model, rows, text, mask: right(model, 1.1 * rows, text, mask),
    "is wrong at the first virtual token alone": wrong_at(0),
    "is wrong in the middle of the text alone": wrong_at(4),
}


@check
def check_02_is_right(is_right) -> None:
    """``is_right(candidate, base_model, word_ids, text_ids)`` on a right forward pass and on seven that are not."""
    model, words, text = tiny_model(), torch.tensor([[7, 3, 11]]), torch.tensor([[5, 6, 8, 9]])
    assert is_right(right, model, words, text) in (True, 1), (
        "a right forward pass was refused: it differs from the reference by rounding (1e-6), so compare with torch.allclose")
    for what, wrong in FAULTS.items():
        assert is_right(wrong, model, words, text) in (False, 0), (
            f"a forward pass that {what} was accepted: compare the logits of all positions with the model's own")
    passed(f"one right forward pass accepted, {len(FAULTS)} wrong ones refused")


@check
def check_02_wayward(wayward) -> None:
    """``wayward(loss_of, center, radius, steps)``: the best place in a ball, against a projected descent of many small steps."""
    scales, goal = torch.tensor([8.0, 1.0, 0.3, 2.0]), torch.tensor([0.5, 2.0, 4.0, -1.0])
    for center, radius in ((torch.tensor([0.5, 0.0, -0.5, 0.5]), 0.8), (torch.zeros(4), 1.5)):
        given = center.clone()

        def loss_of(row):
            return (scales * (row - goal).square()).sum()

        row = wayward(loss_of, given, radius, 300)
        assert torch.equal(given, center), "center has changed: start from center.clone()"
        assert tuple(row.shape) == (4,), f"expected one row of shape (4,), got {tuple(row.shape)}"
        row, distance = row.detach(), float((row.detach() - center).norm())
        assert distance <= radius * 1.001, (
            f"the row ends {distance:.2f} from the center, allowed are {radius}: project after each step")
        best = center.clone()
        for _ in range(5000):
            best = best - 0.01 * 2 * scales * (best - goal)
            best = center + (best - center) * min(1.0, radius / float((best - center).norm()))
        gain = float((loss_of(center) - loss_of(row)) / (loss_of(center) - loss_of(best)))
        assert gain > 0.3, f"the loss fell by {gain:.0%} of what is possible in the ball: does the row move at all?"
        assert gain > 0.96, (
            f"the loss fell by {gain:.0%} of what is possible in the ball: project after *each* step, and by the length of "
            "row - center, not number by number or of the row itself. Or is the learning rate too small to arrive in 300 steps?")
    passed("the row stays near the chosen place, and the loss falls as far as it can there")
