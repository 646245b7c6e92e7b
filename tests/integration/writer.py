"""A process of the concurrency tests: ``python -m tests.integration.writer WHERE write|merge|forget …``; says what it has done."""

from __future__ import annotations

import json
import random
import sys

from kgplatform.errors import BadRequest
from kgplatform.types import SourceId
from tests.integration.crowd import PEOPLE, claims_of, open_again


def tell(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def write(writer: int, rounds: int) -> None:
    for round_ in range(rounds):
        store.put(claims_of(writer, round_))
        tell(round_)


def merge(seed: int, many: int = 12) -> None:
    chosen = random.Random(seed)
    made: list[str] = []
    for _ in range(many):
        if made and chosen.random() < 0.4:
            done = store.undo(made.pop(chosen.randrange(len(made))))
            tell("undo", done.id, done.keep, done.other)
            continue
        keep, other = chosen.sample(PEOPLE, 2)
        try:
            done = store.merge(keep.id, other.id)
        except BadRequest:
            continue
        made.append(done.id)
        tell("merge", done.id, done.keep, done.other)


def forget(sources: int) -> None:
    for source in range(sources):
        store.forget(SourceId(f"doc:{source}"))
        tell(source)


if __name__ == "__main__":
    store = open_again(json.loads(sys.argv[1]))
    numbers = map(int, sys.argv[3:])
    match sys.argv[2]:
        case "write":
            write(*numbers)
        case "merge":
            merge(*numbers)
        case "forget":
            forget(*numbers)
    store.close()
