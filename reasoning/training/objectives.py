"""What training makes small, for one batch of distinct questions: the loss summed over the answers, each with its weight.

``one_vs_all`` sets the answers against every entity. ``against_some`` sets them against a sample that the whole batch shares, which costs
the same however many entities there are; true answers in the sample do not count as wrong (Sun et al., 2019, for the rest). With
``which_relation`` the model also tells which relation holds between two entities (Chen et al., 2021).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy as of_rows
from torch.nn.functional import embedding, logsigmoid

from reasoning.models.base import Bilinear, Factored, Model
from reasoning.queries import Batch
from reasoning.training.softmax import Answers, cross_entropy


def one_vs_all(model: Model, batch: Batch) -> Tensor:
    """Cross-entropy of every answer against all entities."""
    if isinstance(model, Bilinear):
        answers = Answers(batch.mass, batch.rows, batch.tails, batch.weights)
        return cross_entropy(model.query(batch.heads, batch.relations), model.answers(), answers)
    scores = model.learning(batch)
    return batch.mass @ torch.logsumexp(scores, dim=1) - batch.weights @ scores[batch.rows, batch.tails]


def against_some(model: Factored, batch: Batch, sample: Tensor, *, margin: float, temperature: float) -> Tensor:
    """Self-adversarial log-sigmoid loss: answers above ``-margin``, the ascending ``sample`` ``(some,)`` below, the nearest most."""
    queries = model.query(batch.heads, batch.relations)
    table = model.answers()
    right = model.match_each(embedding(batch.rows, queries), model.look_up(batch.tails, table))
    wrong = model.match(queries, model.look_up(sample, table))
    true = _in_sample(batch, sample)
    share = torch.softmax((temperature * wrong).masked_fill(true, -torch.inf).detach(), dim=1).nan_to_num(0.0)
    missed = (share * logsigmoid(-margin - wrong)).sum(dim=1)
    return -(batch.weights @ logsigmoid(margin + right) + batch.mass @ missed) / 2.0


def _in_sample(batch: Batch, sample: Tensor) -> Tensor:
    """Which of the sample are answers: ``(batch, some)``. The sample ascends and has no entity twice."""
    column = torch.searchsorted(sample, batch.tails).clamp(max=len(sample) - 1)
    found = torch.zeros(len(batch.heads), len(sample), dtype=torch.bool, device=sample.device)
    there = sample[column] == batch.tails
    found[batch.rows[there], column[there]] = True
    return found


def which_relation(model: Bilinear, batch: Batch) -> Tensor:
    """Cross-entropy of the relation of every triple against all relations of its direction; 0 where the model has no vectors for it."""
    pair = model.between(batch.heads[batch.rows], batch.tails)
    if pair is None:
        return batch.mass.new_zeros(())
    asked = batch.relations[batch.rows]
    scores = pair @ model.relation_vectors().T
    inverse = asked >= model.relations
    forward, backward = scores[:, : model.relations], scores[:, model.relations :]
    chosen = torch.where(inverse[:, None], backward, forward)
    return batch.weights @ of_rows(chosen, asked % model.relations, reduction="none")
