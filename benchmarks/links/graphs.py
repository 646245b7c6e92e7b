"""Graphs that the measurements make of the published ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kgplatform.texts import Texts
from kgplatform.view import GraphView, Ints


def with_facts(view: GraphView, triples: Ints) -> GraphView:
    """The view's entities and relations with these facts ``(n, 3)``, each once."""
    triples = np.unique(triples, axis=0)
    keys = Texts.of([f"{h}|{r}|{t}" for h, r, t in triples.tolist()])
    return replace(view, triples=triples, confidence=np.ones(len(triples), dtype=np.float32), keys=keys)
