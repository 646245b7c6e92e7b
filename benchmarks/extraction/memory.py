"""What the language model knows by heart of the development world's entities, and how often it is right.

    python benchmarks/extraction/memory.py RELATION...

The graph holds the entities of the labelled list; every pair that the model proposes is judged by it.
"""

from __future__ import annotations

import sys

from run import HERE, gold

from harvest import bertnet, shipped
from kgplatform import belief, connect, opening, settings
from kgplatform.cards import datatype
from kgplatform.names import normalise
from kgplatform.types import Candidate, Evidence, Mention, Source, SourceId


def main(names: list[str]) -> None:
    chosen = settings.load()
    cards, kinds = shipped.relations(), shipped.kinds()
    kg = connect("memory")
    kg.learn(cards.values(), kinds.values())
    listed = Source(SourceId("import:dev"), "import", title=str(HERE.name))
    rows = [line.split("\t") for line in (HERE / "gold.tsv").read_text("utf-8").splitlines()[1:]]
    kg.add(
        [
            Candidate(
                Mention(head, _kind(cards[relation].domain)),
                relation,
                Mention(tail, _kind(cards[relation].range)),
                Evidence("import", listed),
            )
            for head, relation, tail, _ in rows
            if not datatype(cards[relation])
        ]
    )
    report = bertnet.harvest(
        kg, [cards[name] for name in names], scorer=opening.scorer(chosen), encoder=opening.encoder(chosen), dry_run=True
    )
    true = gold()
    for outcome in report.outcomes:
        right = [(normalise(c.head.name), c.relation, normalise(c.tail.name)) in true for c in outcome.claims]
        counts = f"{outcome.scored} scored, {len(right)} kept, {sum(right)} right"
        print(f"{outcome.relation}: AUC on seeds {outcome.auc:.2f}, {counts} {outcome.note}")
        for claim, ok in zip(outcome.claims, right, strict=True):
            score = claim.evidence[0].score
            p = belief.probability(round((score + belief.PRIOR) * belief.UNIT))
            print(f"  {p:.2f} {'yes' if ok else 'NO '} {claim.head.name} | {claim.tail.name} {dict(claim.evidence[0].detail)['pmi']}")


def _kind(kinds: tuple[str, ...]) -> str:
    return kinds[0] if len(kinds) == 1 else "thing"


if __name__ == "__main__":
    main(sys.argv[1:] or ["capital of", "located in", "born in", "discovered by"])
