"""Plausible wrong answers to lesson 02's exercises: each is told what is wrong. (Stubs and solutions: test_checks.py.)"""

import pytest
import torch

from course_utils.lessons import checks_02


def forward_with(order=lambda prompt, text: [prompt, text], mask=lambda ones, given: torch.cat([ones, given], 1),
                 rows=lambda given: given, part=slice(None)):
    def soft_forward(base_model, given, input_ids, attention_mask):
        embedded = base_model.get_input_embeddings()(input_ids)
        prompt = rows(given).expand(len(input_ids), -1, -1)
        ones = attention_mask.new_ones(prompt.shape[:2])
        longer = mask(ones, attention_mask)
        return base_model(inputs_embeds=torch.cat(order(prompt, embedded), 1), attention_mask=longer).logits[:, part]

    return soft_forward


def no_mask(base_model, rows, input_ids, attention_mask):
    embedded = base_model.get_input_embeddings()(input_ids)
    return base_model(inputs_embeds=torch.cat([rows.expand(len(input_ids), -1, -1), embedded], 1)).logits


def place_with(front=False, positions=lambda mask: (mask.cumsum(1) - 1).clamp(min=0), hidden=False):
    def place(rows, embedded, mask):
        batch, _, width = embedded.shape
        inputs = torch.cat([embedded.new_zeros(batch, len(rows), width), embedded], 1)
        longer = torch.cat([mask.new_zeros(batch, len(rows)), mask], 1)
        for i, pads in enumerate((mask == 0).sum(1).tolist()):
            start = 0 if front else pads
            inputs[i, start : start + len(rows)] = rows
            longer[i, start : start + len(rows)] = 0 if hidden else 1
        return inputs, longer, positions(longer)

    return place


def identity(compare):
    def is_right(candidate, base_model, word_ids, text_ids):
        rows = base_model.get_input_embeddings()(word_ids[0])
        soft = candidate(base_model, rows, text_ids, torch.ones_like(text_ids))
        return compare(soft, base_model(torch.cat([word_ids, text_ids], 1)).logits)

    return is_right


def descend(project, at_end=False, copy=torch.clone, rate=0.02):
    def wayward(loss_of, center, radius, steps=300):
        row = copy(center).requires_grad_(True)
        middle, optimizer = center.detach().clone(), torch.optim.Adam([row], lr=rate)
        for _ in range(steps):
            optimizer.zero_grad()
            loss_of(row).backward()
            optimizer.step()
            if not at_end:
                row.data = project(row.data, middle, radius)
        return project(row.detach(), middle, radius)

    return wayward


def ball(row, center, radius):
    return center + (row - center) * min(1.0, radius / float((row - center).norm() + 1e-9))


@pytest.mark.parametrize(("check", "wrong", "hint"), [
    ("changes", lambda prompt, text, place: range(prompt + text), "no position looks ahead"),
    ("changes", lambda prompt, text, place: [place], "looks back at it"),
    ("changes", lambda prompt, text, place: range(place + 1, prompt + text), "looks at itself"),
    ("changes", lambda prompt, text, place: range(place + 1), "other way round"),
    ("changes", lambda prompt, text, place: range(max(place, prompt), prompt + text), "changed, you said"),
    ("soft_forward", forward_with(order=lambda prompt, text: [text, prompt]), "in front of the text"),
    ("soft_forward", forward_with(mask=lambda ones, given: torch.cat([0 * ones, given], 1)), "1 over the prompt"),
    ("soft_forward", forward_with(mask=lambda ones, given: torch.cat([ones, given], 1).clamp(min=1)), "stay what it was"),
    ("soft_forward", forward_with(rows=torch.Tensor.detach), "no gradient"),
    ("soft_forward", forward_with(rows=lambda rows: rows.flip(0)), "real tokens' embeddings"),
    ("soft_forward", forward_with(part=slice(1, None)), "return them all"),
    ("soft_forward", no_mask, "no attention_mask"),
    ("place", place_with(front=True), r"\[prompt\]\[pad\]\[text\]"),
    ("place", place_with(positions=lambda mask: torch.arange(mask.shape[1]).expand_as(mask)), "not over the padding"),
    ("place", place_with(positions=lambda mask: mask.cumsum(1)), "count from 0"),
    ("place", place_with(hidden=True), "the mask must be"),
    ("place", lambda rows, embedded, mask: torch.cat([rows.expand(len(embedded), -1, -1), embedded], 1), "three things"),
    ("is_right", identity(lambda ours, theirs: ours.shape == theirs.shape), "behind the text was accepted"),
    ("is_right", identity(torch.equal), "rounding"),
    ("is_right", identity(lambda ours, theirs: torch.allclose(ours[:, -1], theirs[:, -1], atol=1e-3)), "last position alone"),
    ("is_right", identity(lambda ours, theirs: torch.allclose(ours, theirs, atol=100)), "accepted"),
    ("is_right", identity(lambda ours, theirs: torch.allclose(ours[:, 3:], theirs[:, 3:], atol=1e-3)), "virtual token alone"),
    ("is_right", identity(lambda ours, theirs: torch.allclose(ours[:, :3], theirs[:, :3], atol=1e-3)), "middle of the text"),
    ("wayward", descend(lambda row, center, radius: row), "project after each step"),
    ("wayward", descend(ball, at_end=True), "of what is possible"),
    ("wayward", descend(ball, copy=lambda row: row.data), "has changed"),
    ("wayward", descend(lambda row, center, radius: center + (row - center).clamp(-radius / 2, radius / 2)), "of what is"),
    ("wayward", lambda loss_of, center, radius, steps: center.clone(), "move at all"),
    ("wayward", descend(ball, rate=0.002), "learning rate too small"),
])
def test_wrong_answers_are_told_what_is_wrong(check, wrong, hint):
    with pytest.raises(AssertionError, match=hint):
        getattr(checks_02, f"check_02_{check}")(wrong)


def test_right_answers_in_other_words_pass(capsys):
    checks_02.check_02_soft_forward(forward_with())
    checks_02.check_02_place(place_with())
    checks_02.check_02_wayward(descend(ball))
    checks_02.check_02_is_right(identity(lambda ours, theirs: bool((ours - theirs).abs().max() < 1e-3)))
    assert capsys.readouterr().out.count("✓") == 4
