"""A harvest that is given so many minutes: it ends soon after them, keeps what was judged, and the same command goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harvest.bertnet import Limits, Models, Report, harvest
from harvest.bertnet.deadline import Deadline, TimeOver
from harvest.bertnet.proposing import Asked, Searched
from harvest.bertnet.search import Bounds
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Ledger, Runner, Task
from kgplatform.jobs.steps import Result, Steps
from kgplatform.lm.cache import CachedScorer
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.lm.scripted_masked import ScriptedMasked
from kgplatform.ports import Progress
from kgplatform.types import Relation
from tests.unit.test_bertnet import CAPITAL, SAID, Given, Kept, capitals, graph, only

OVER = "the time that was given is over; the same command goes on"


class Clock:
    """Goes on by a second with every batch that a model reads."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("harvest.bertnet.deadline.monotonic", made)
    return made


class Slow(ScriptedScorer):
    """A second for a batch, of which it keeps count."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(sentences=SAID * 8, name="knowing@1")
        self._clock, self.decoded = clock, 0

    def logprobs(self, items: Sequence[tuple[str, str]], progress: Progress | None = None) -> Any:
        self._clock.now += 1
        return super().logprobs(items, progress)

    def following(self, sequences: Any, wanted: Any) -> Any:
        self._clock.now += 1
        self.decoded += len(sequences)
        return super().following(sequences, wanted)


class SlowMasked(ScriptedMasked):
    def __init__(self, clock: Clock, sentences: Sequence[str]) -> None:
        super().__init__(sentences)
        self._clock = clock

    def fill(self, cloze: Any, partial: Any) -> Any:
        self._clock.now += 1
        return super().fill(cloze, partial)


def ask(
    kg: KnowledgeGraph, model: Slow, answers: Path, steps: Steps, seconds: float | None = None, cards: Sequence[Relation] = (CAPITAL,)
) -> Report:
    models = Models(CachedScorer(model, answers), HashingEncoder(), model)
    return harvest(kg, list(cards), models, limits=Limits(minutes=seconds / 60 if seconds else None), steps=steps)


def test_a_deadline_ends_what_is_at_hand_but_throws_nothing_complete_away(clock: Clock) -> None:
    told: list[tuple[int, int]] = []
    heeded = Deadline.after(1).heeded(lambda done, total: told.append((done, total)))
    clock.now = 60
    heeded(1, 3)
    clock.now = 61
    heeded(3, 3)
    with pytest.raises(TimeOver):
        heeded(2, 3)
    assert told == [(1, 3), (3, 3), (2, 3)]
    Deadline.after(None).check()


def test_it_ends_a_batch_after_its_time_and_the_next_goes_on_to_the_same_end(clock: Clock, tmp_path: Path) -> None:
    whole = graph()
    expected = ask(whole, Slow(clock), tmp_path / "whole", Kept({}, 1000))
    taken = clock.now
    for seconds in (taken / 2, taken - 2):  # a block of names takes less
        kg, kept, model, answers = graph(), dict[str, Result](), Slow(clock), tmp_path / f"{seconds}"
        report, runs = ask(kg, model, answers, Kept(kept, 1000), seconds), 1
        while OVER in only(report).notes and runs < 20:
            found = only(report)
            judged = [record for key, result in kept.items() if "judged" in result for record in result["judged"]]
            assert {one.words for one in found.found} == {tuple(record["words"]) for record in judged}
            assert {one.words for one in found.kept} == capitals(kg)
            begun = clock.now
            report, runs = ask(kg, model, answers, Kept(kept, 1000), seconds), runs + 1
            assert clock.now - begun <= seconds + 2
        assert runs > 1
        assert capitals(kg) == capitals(whole)
        assert [one.words for one in only(report).found] == [one.words for one in only(expected).found]


def test_what_is_known_of_the_model_is_told_when_time_is_over(clock: Clock, tmp_path: Path) -> None:
    kg, answers = graph(), tmp_path / "answers"
    parts = [only(ask(kg, Slow(clock), answers, Kept({}, 1000), seconds)) for seconds in range(1, 20, 3)]
    ended = [one for one in parts if OVER in one.notes]
    assert any(one.learnt and not one.learnt.doubt and one.prompts for one in ended)


def test_another_relation_is_not_begun(clock: Clock, tmp_path: Path) -> None:
    more = Relation("capitol of", CAPITAL.definition, CAPITAL.domain, CAPITAL.range, prompts=CAPITAL.prompts, seeds=CAPITAL.seeds)
    first, second = ask(graph(), Slow(clock), tmp_path / "answers", Kept({}, 1000), 3, (CAPITAL, more)).outcomes
    assert OVER in first.notes
    assert second.notes == ("it was not asked: the time that was given is over",)


def test_the_same_command_decodes_nothing_again_though_it_is_another_job(clock: Clock, tmp_path: Path) -> None:
    kg, ledger, model = graph(), Ledger(tmp_path / "jobs.sqlite"), Slow(clock)
    outcomes = []

    def do(work: Steps, arguments: Any) -> dict[str, Any]:
        outcomes.append(only(ask(kg, model, tmp_path / "answers", work, arguments["seconds"])))
        return {}

    def again(seconds: float | None) -> None:
        Runner(ledger, {"harvest relation": do}).now(Task("harvest relation", {"seconds": seconds}, "kg"))

    again(None)
    decoded, model.decoded = model.decoded, 0
    again(None)
    assert decoded > 0 and model.decoded == 0
    assert [one.words for one in outcomes[1].found] == [one.words for one in outcomes[0].found]


def test_no_round_of_a_proposer_is_kept_that_was_not_whole(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(Given):
        def rounds(self, asked: Asked, before: Any = (), progress: Progress | None = None) -> Any:
            yield from super().rounds(asked, before, progress)
            while progress:
                clock.now += 1
                progress(0, 1)

    kept = dict[str, Result]()
    monkeypatch.setattr(Models, "proposers", lambda *_: [Endless("given", [("Riga", "Latvia"), ("Oslo", "Norway")])])
    models = Models(ScriptedScorer(sentences=SAID * 8), HashingEncoder())
    outcome = only(harvest(graph(), CAPITAL, models, limits=Limits(minutes=1), steps=Kept(kept, 1000)))
    assert outcome.notes == (OVER,)
    assert [key.rpartition("/")[2] for key in kept if "/given/" in key] == ["0"]


SENTENCES = [f"{head} is the capital of {tail}" for head, tail in (("paris", "france"), ("new delhi", "india"), ("lima", "peru"))]


def test_a_search_goes_by_the_length_of_names_and_goes_on_behind_those_that_are_done() -> None:
    proposer, asked = Searched(ScriptedMasked(SENTENCES)), Asked(CAPITAL, CAPITAL.prompts[:1], size=3)
    whole = list(proposer.rounds(asked))
    assert [{tuple(len(word.split()) for word in words) for words in round.tuples} for round in whole[:1]] == [{(1, 1)}]
    assert len(whole) == 4
    assert ("new delhi", "india") in whole[1].tuples + whole[2].tuples
    for done in range(5):
        assert list(proposer.rounds(asked, whole[:done])) == whole[done:]


def test_longer_names_come_only_as_far_as_they_are_among_the_best() -> None:
    proposer, asked = Searched(ScriptedMasked(SENTENCES), Bounds(per_head=99, per_word=99)), Asked(CAPITAL, CAPITAL.prompts[:1], size=4)
    scores: list[float] = []
    for round in proposer.rounds(asked):
        least = sorted(scores, reverse=True)[3] if len(scores) > 3 else float("-inf")
        assert all(score >= least for score in round.scores)
        scores += round.scores
    assert len(scores) < 12


def test_a_search_ends_between_two_batches_when_its_time_is_over(clock: Clock) -> None:
    proposer = Searched(SlowMasked(clock, SAID), Bounds(batch=2))
    heeded = Deadline.after(5 / 60).heeded(lambda *_: None)
    with pytest.raises(TimeOver):
        list(proposer.rounds(Asked(CAPITAL, CAPITAL.prompts, size=100), progress=heeded))
    assert clock.now <= 7
