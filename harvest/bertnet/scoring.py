"""How well a pair fits a relation, as a causal language model reads it: slot pointwise mutual information.

    PMI(head, tail) = log p(tail | prompt with head) − mean over other heads of log p(tail | prompt with that head)

The second term takes out how frequent the tail's words are, and how well they follow *any* head of the kind: with
a bare neutral word in its place ("This"), a rare name wins after every head. The other heads are the card's
seeds. Only prompts that end with their tail can be read this way; their mean is taken. After BertNet (Hao et al., 2023),
whose score is for masked models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadCard
from kgplatform.lm.ports import TokenScorer
from kgplatform.ports import Progress
from kgplatform.types import Relation

TAIL = "{tail}"


def openings(card: Relation) -> list[str]:
    """The card's prompts that end with the tail, without it. Raises ``BadCard`` when there is none."""
    found = [prompt.removesuffix(TAIL).rstrip() for prompt in card.prompts if prompt.endswith(TAIL)]
    if not found:
        raise BadCard(
            f"{card.name!r} has no prompt that ends with {{tail}}, which a model is asked for: add one, such as '{{head}} … {{tail}}'"
        )
    return found


def filled(opening: str, words: str) -> str:
    """The opening with its head, as the beginning of a sentence."""
    text = opening.replace("{head}", words)
    return text[:1].upper() + text[1:]


def slot_pmi(
    card: Relation, pairs: Sequence[tuple[str, str]], scorer: TokenScorer, progress: Progress | None = None
) -> npt.NDArray[np.float64]:
    """PMI in nats of each (head, tail), a mean over prompts: ``(pairs,)``.

    A seed's own head is left out where its tail is judged, and so is the head that is judged.
    """
    asked = openings(card)
    seeds = set(card.seeds)
    others = list(dict.fromkeys(head for head, _ in card.seeds))
    against = [
        (row, other, tail) for row, (head, tail) in enumerate(pairs) for other in others if other != head and (other, tail) not in seeds
    ]
    items = [(filled(opening, head), f" {tail}") for opening in asked for head, tail in pairs]
    usual = [(filled(opening, other), f" {tail}") for opening in asked for _, other, tail in against]
    scores = scorer.logprobs([*items, *usual], progress)
    own = scores[: len(items)].reshape(len(asked), len(pairs)).mean(0)
    rows = np.array([row for row, _, _ in against], dtype=np.intp)
    plain = scores[len(items) :].reshape(len(asked), len(against)).mean(0)
    counts = np.bincount(rows, minlength=len(pairs))
    return np.asarray(own - np.bincount(rows, weights=plain, minlength=len(pairs)) / np.maximum(counts, 1), dtype=np.float64)
