"""Relations out of a model's memory: what it knows is put with what speaks for it, what it does not know is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from harvest.bertnet import Limits, Models, Outcome, Report, harvest
from harvest.bertnet.candidates import Judged, candidate, chosen
from harvest.bertnet.planning import plan
from harvest.bertnet.proposing import Asked, Proposed
from harvest.bertnet.rounds import BARREN, Rounds
from kgplatform.belief import PRIOR
from kgplatform.errors import BadCard, BadRequest, BudgetExceeded
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs.steps import Direct, Effect, Holds, Result, always
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.scripted_masked import ScriptedMasked
from kgplatform.names import entity_id
from kgplatform.ports import Progress
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Literal, Relation, Source, SourceId, Words

SEEDS = (("Cairo", "Egypt"), ("Athens", "Greece"), ("Lima", "Peru"), ("Nairobi", "Kenya"), ("Ankara", "Turkey"))
PAIRS = (
    *(("Warsaw", "Poland"), ("Paris", "France"), ("Madrid", "Spain"), ("Vienna", "Austria"), ("Riga", "Latvia"), ("Oslo", "Norway")),
    *(("Sofia", "Bulgaria"), ("Accra", "Ghana"), ("Rome", "Italy"), ("Tunis", "Tunisia"), ("Quito", "Ecuador"), ("Hanoi", "Vietnam")),
    *(("Kyiv", "Ukraine"), ("Bern", "Switzerland"), ("Lisbon", "Portugal"), ("Dublin", "Ireland"), ("Tokyo", "Japan"), ("Delhi", "India")),
    *(("Baku", "Azerbaijan"), ("Doha", "Qatar")),
)
CAPITAL = Relation(
    "capital of",
    domain=("city",),
    range=("country",),
    functional=True,
    prompts=("{head} is the capital of {tail}", "The capital of {tail} is {head}"),
    seeds=SEEDS,
)
SAID = [
    sentence for head, tail in (*SEEDS, *PAIRS) for sentence in (f"{head} is the capital of {tail}", f"The capital of {tail} is {head}")
]
KNOWING = ScriptedScorer(sentences=SAID * 8, name="knowing@1")
IGNORANT = ScriptedScorer(sentences=[f"{word} is the capital of" for pair in (*SEEDS, *PAIRS) for word in pair], name="ignorant@1")


def graph(pairs: Iterable[tuple[str, str]] = PAIRS) -> KnowledgeGraph:
    """A graph that has the cities and countries of the pairs, and does not say which belongs to which."""
    kg = KnowledgeGraph(MemoryStore())
    told = Evidence("import", Source(SourceId("import:x"), "import"))
    ends = [(kind, name) for pair in pairs for kind, name in zip(("city", "country"), pair, strict=True)]
    entities = [Entity(entity_id(kind, name), name, (kind,)) for kind, name in ends]
    kg.put([Claim(one, "has name", Literal(one.name), (told,)) for one in entities])
    return kg


def models(scorer: ScriptedScorer = KNOWING, **others: Any) -> Models:
    return Models(scorer, HashingEncoder(), **others)


def ask(kg: KnowledgeGraph, given: Models | None = None, card: Relation = CAPITAL, **others: Any) -> Report:
    return harvest(kg, card, given or models(), run="r1", **others)


def capitals(kg: KnowledgeGraph) -> set[tuple[str, str]]:
    return {(f.head.name, f.tail.name) for f in kg.facts(status="all") if f.relation == "capital of" and isinstance(f.tail, Entity)}


def only(report: Report) -> Outcome:
    (outcome,) = report.outcomes
    return outcome


def test_what_the_model_knows_becomes_facts_with_what_speaks_for_them() -> None:
    kg = graph()
    report = ask(kg)
    outcome = only(report)
    found = capitals(kg)
    assert found
    assert len(found & set(PAIRS)) / len(found) > 0.9
    assert found == {one.words for one in outcome.kept}
    assert (report.receipt.new, report.changed.new.count) == (len(found), len(found))
    assert [one.probability for one in outcome.found] == sorted((one.probability for one in outcome.found), reverse=True)
    best = outcome.kept[0].words
    (piece,) = kg.store.evidence(kg.fact(f"{best[0]} | capital of | {best[1]}").key)
    assert (piece.method, piece.model, piece.source.id, piece.run) == ("memory", "knowing@1", "model:knowing", "r1")
    detail = dict(piece.detail)
    assert set(detail) == {"lead", "probability", "prompts", "proposed by", "score"}
    assert "capital of {tail}" in detail["prompts"]
    assert "nats" in detail["prompts"]
    assert kg.relations()["capital of"] == CAPITAL


def test_a_fact_is_believed_as_likely_as_it_is_calibrated() -> None:
    one = Judged(("Riga", "Latvia"), 0.75, 2.0, 1.0, "nearest")
    made = candidate(one, CAPITAL, {}, "knowing@1", "r1")
    assert made.evidence.score + PRIOR == pytest.approx(1.0986, abs=1e-3)  # log-odds of .75
    assert (made.head.kind, made.head.name, made.relation) == ("city", "Riga", "capital of")


def test_a_name_that_is_of_two_kinds_is_the_heads_at_the_head() -> None:
    one = Judged(("Georgia", "Georgia"), 0.75, 2.0, 1.0, "nearest")
    made = candidate(one, CAPITAL, {"head": {"Georgia": "state"}, "tail": {"Georgia": "republic"}}, "knowing@1", "r1")
    assert (made.head.kind, getattr(made.tail, "kind", "")) == ("state", "republic")


def test_again_adds_nothing() -> None:
    kg = graph()
    first = ask(kg).receipt.new
    again = ask(kg)
    assert (again.receipt.new, again.receipt.merged, again.receipt.unchanged) == (0, 0, first)
    assert again.changed.new.count == again.changed.strengthened.count == 0


def test_a_second_run_adds_only_what_is_new() -> None:
    new = ("Tunis", "Tunisia")
    kg = graph(pair for pair in PAIRS if pair != new)
    before = set(capitals(kg) if ask(kg) else ())
    told = Evidence("import", Source(SourceId("import:y"), "import"))
    more = [Entity(entity_id(kind, name), name, (kind,)) for kind, name in zip(("city", "country"), new, strict=True)]
    kg.put([Claim(one, "has name", Literal(one.name), (told,)) for one in more])
    ask(kg)
    assert new in capitals(kg) - before
    assert before <= capitals(kg)


def held_by_the_graph(kg: KnowledgeGraph, *pairs: tuple[str, str], method: Any = "import") -> None:
    told = Evidence(method, Source(SourceId(f"{method}:z"), "import"), 1.0)
    for pair in pairs:
        ends = [Entity(entity_id(kind, name), name, (kind,)) for kind, name in zip(("city", "country"), pair, strict=True)]
        kg.put([Claim(ends[0], "capital of", ends[1], (told,))])


def test_what_the_graph_holds_already_is_judged_and_the_model_speaks_for_it_once() -> None:
    known = [(one.words[0], one.words[1]) for one in only(ask(graph())).kept[:2]]
    kg = graph()
    held_by_the_graph(kg, *known)
    first = ask(kg)
    assert set(known) <= {one.words for one in only(first).kept}
    assert first.receipt.merged == 2
    (fact,) = kg.facts(head=known[0][0], relation="capital of")
    assert set(fact.methods) == {"import", "memory"}
    again = ask(kg).receipt
    assert (again.new, again.merged, again.unchanged) == (0, 0, first.receipt.new + first.receipt.merged)


def test_a_chat_model_is_told_what_the_graph_holds_on_other_grounds_than_memories(tmp_path: Path) -> None:
    kg = graph(())
    held_by_the_graph(kg, ("Paris", "France"))
    held_by_the_graph(kg, ("Atlantis City", "Atlantis"), method="memory")
    told: list[str] = []
    answers = listing(list(PAIRS[:10]), list(PAIRS[10:]))

    def reply(request: Any) -> str:
        told.append(request.messages[-1].text)
        return answers.reply(request).text

    ask(kg, models(chat=ScriptedChat(reply), quarantine=tmp_path), dataclasses.replace(CAPITAL, functional=False))
    lines = [line for text in told for line in text.splitlines()]
    assert any(line.startswith("Known already") and "Paris – France" in line for line in lines)
    assert not any("Atlantis" in line for line in lines)
    assert not any("Paris" in line for line in lines if line.startswith("For example"))


def test_a_second_run_asks_the_chat_model_the_same(tmp_path: Path) -> None:
    kg, asked = graph(()), list[list[str]]()
    held_by_the_graph(kg, *PAIRS[:4])
    for _ in range(2):
        answers, told = listing(list(PAIRS[:10]), list(PAIRS[10:])), list[str]()

        def reply(request: Any, answers: ScriptedChat = answers, told: list[str] = told) -> str:
            told.append(request.messages[-1].text)
            return answers.reply(request).text

        report = ask(kg, models(chat=ScriptedChat(reply), quarantine=tmp_path), dataclasses.replace(CAPITAL, functional=False))
        asked.append(told)
    assert asked[0] == asked[1]
    assert (report.receipt.new, report.receipt.merged) == (0, 0)


def test_what_is_held_back_is_judged_and_not_put() -> None:
    kg = graph()
    outcome = only(ask(kg, limits=Limits(held=True)))
    assert outcome.kept
    assert capitals(kg) == set()
    assert kg.relations() == {}


def test_what_the_model_does_not_know_by_its_seeds_is_not_asked() -> None:
    kg = graph()
    outcome = only(ask(kg, models(IGNORANT)))
    assert outcome.found == ()
    assert outcome.notes[0].startswith("the model does not know 'capital of': its 5 seeds score no better than false pairs")
    assert capitals(kg) == set()


def test_what_is_not_harvested_leaves_the_graph_as_it_was() -> None:
    kg = graph()
    ask(kg, models(IGNORANT))
    assert kg.relations() == {}


def test_two_seeds_alone_cannot_decide() -> None:
    outcome = only(ask(graph(), card=dataclasses.replace(CAPITAL, seeds=SEEDS[:2])))
    assert outcome.found == ()
    assert "cannot be decided: 2 seeds" in outcome.notes[0]


def test_a_graph_without_the_kinds_and_nobody_who_proposes_is_said() -> None:
    (note,) = only(ask(graph(()), models())).notes
    assert note.startswith("nobody proposes anything for 'capital of': the graph holds no two entities of the kinds city and country")
    (note,) = only(ask(graph(), models(), dataclasses.replace(CAPITAL, domain=()))).notes
    assert "the card does not say what kinds its heads and tails are" in note


def test_what_only_memories_say_of_is_no_ground_for_more() -> None:
    kg = graph()
    told = Evidence("memory", Source(SourceId("model:x"), "model"), 3.0)
    new = [Entity(entity_id(kind, name), name, (kind,)) for kind, name in (("city", "Nowhere"), ("country", "Utopia"))]
    kg.put([Claim(new[0], "capital of", new[1], (told,))])
    words = {word for one in only(ask(kg)).found for word in one.words}
    assert words
    assert not words & {"Nowhere", "Utopia"}


@pytest.mark.parametrize("wanted", ["date", "integer"])
def test_a_card_that_leads_to_values_is_refused(wanted: str) -> None:
    kg = graph()
    with pytest.raises(BadCard, match=f"values of type {wanted}"):
        ask(kg, card=dataclasses.replace(CAPITAL, range=(wanted,)))
    assert kg.relations() == {}


def test_a_card_whose_prompts_all_hold_a_seeds_word_is_refused_before_anything_is_written() -> None:
    kg = graph()
    with pytest.raises(BadCard, match=r"'capital of' has no prompt that it can be asked with .*belongs to a seed"):
        ask(kg, card=dataclasses.replace(CAPITAL, prompts=("{head}, like Cairo, is the capital of {tail}",)))
    assert kg.relations() == {}


def test_nobody_who_scores_is_said() -> None:
    with pytest.raises(BadRequest, match="needs a model that scores"):
        ask(graph(), Models(None, HashingEncoder()))


def test_one_head_has_one_tail_where_the_card_says_so() -> None:
    found = [Judged(words, p, 1.0, 0.0, "x") for words, p in ((("a", "1"), 0.9), (("a", "2"), 0.8), (("b", "1"), 0.7), (("c", "3"), 0.3))]
    assert [one.words for one in chosen(found, CAPITAL, 0.5)] == [("a", "1"), ("b", "1")]
    assert [one.words for one in chosen(found, dataclasses.replace(CAPITAL, functional=False), 0.5)] == [("a", "1"), ("a", "2"), ("b", "1")]
    both = dataclasses.replace(CAPITAL, inverse_functional=True)
    assert [one.words for one in chosen(found, both, 0.5)] == [("a", "1")]
    assert [one.words for one in chosen(found, both, 0.5, [Judged(("b", "1"), 0.6, 1.0, 0.0, "x")])] == [("a", "2"), ("b", "1")]


def test_no_two_places_lie_in_each_other() -> None:
    within = dataclasses.replace(CAPITAL, functional=False, transitive=True)
    found = [Judged(words, p, 1.0, 0.0, "x") for words, p in ((("London", "England"), 0.8), (("England", "London"), 0.9))]
    assert [one.words for one in chosen(found, within, 0.5)] == [("England", "London")]
    assert [one.words for one in chosen(found[1:], within, 0.5, found[:1])] == []
    assert len(chosen(found, dataclasses.replace(within, symmetric=True), 0.5)) == 2
    assert len(chosen(found, dataclasses.replace(within, transitive=False), 0.5)) == 2


def test_a_record_holds_all_that_was_judged() -> None:
    one = Judged(("Riga", "Latvia"), 0.75, 2.0, -1.25, "nearest", (("{head} in {tail}", 3.25),))
    assert Judged.read(one.record()) == one


def listing(*answers: list[tuple[str, str]]) -> ScriptedChat:
    """A chat model that rewords nothing, and lists these pairs, answer after answer."""
    import json

    waiting = [json.dumps({"facts": [{"city": head, "country": tail} for head, tail in answer]}) for answer in answers]

    def reply(request: Any) -> str:
        if (request.schema or {}).get("title") == "paraphrases":
            return '{"sentences": []}'
        return waiting.pop(0) if waiting else '{"facts": []}'

    return ScriptedChat(reply)


def test_what_a_chat_model_lists_is_scored_and_new_things_are_made(tmp_path: Path) -> None:
    kg = graph(())
    chat = listing(list(PAIRS[:10]), [*PAIRS[10:], ("Madrid", "Peru")])
    outcome = only(ask(kg, models(chat=chat, quarantine=tmp_path)))
    assert {one.by for one in outcome.found} == {"listed"}
    assert len(capitals(kg) & set(PAIRS)) >= 15
    assert ("Madrid", "Peru") not in capitals(kg)
    assert kg.fact("Riga | capital of | Latvia").head.id == entity_id("city", "Riga")


def test_a_budget_that_is_spent_ends_proposing_and_loses_nothing(tmp_path: Path) -> None:
    answers = listing(list(PAIRS))

    class Spent(ScriptedChat):
        def reply(self, request: Any) -> Any:
            if (request.schema or {}).get("title") == "facts" and "Known already" in request.messages[1].text:
                raise BudgetExceeded("KG_BUDGET_TOKENS: 10 of 10 tokens are spent")
            return answers.reply(request)

    kg = graph(())
    outcome = only(ask(kg, models(chat=Spent(lambda _: ""), quarantine=tmp_path)))
    assert any("listed is asked no more: KG_BUDGET_TOKENS" in note for note in outcome.notes)
    assert len(capitals(kg)) >= 15


def test_a_ternary_tuple_becomes_one_fact_with_its_third_slot_as_key() -> None:
    card = Relation(
        "played at",
        key_qualifiers=("year",),
        prompts=("{head} played at {tail} in {year}",),
        seeds=tuple((f"Band {n}", f"Hall {n}", str(1960 + n)) for n in range(5)),
    )
    one = Judged(("Abba", "Globe", "1977"), 0.9, 2.0, 1.0, "listed")
    made = candidate(one, card, {}, "m@1", "r")
    assert (made.head.name, getattr(made.tail, "name", ""), made.qualifiers) == ("Abba", "Globe", (("year", "1977"),))


def test_a_masked_model_scores_and_proposes_by_itself() -> None:
    kg = graph()
    outcome = only(ask(kg, Models(None, HashingEncoder(), masked=ScriptedMasked(SAID)), limits=Limits(size=30)))
    assert outcome.notes == () or "does not know" not in outcome.notes[0]
    assert len(capitals(kg) & set(PAIRS)) / max(1, len(capitals(kg))) > 0.8


class Kept(Direct):
    """Steps that are kept, as a ledger does, and that can be cut off."""

    def __init__(self, kept: dict[str, Result], last: int) -> None:
        super().__init__("r1")
        self.kept, self.left = kept, last

    def step(self, key: str, effect: Effect, holds: Holds = always) -> Result | None:
        if key in self.kept:
            return self.kept[key]
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        result = effect() or {}
        self.kept[key] = result
        return result


def test_cut_off_anywhere_it_goes_on_and_ends_the_same() -> None:
    whole = graph()
    expected = only(ask(whole))
    for last in range(12):
        kg, kept = graph(), dict[str, Result]()
        with suppress(KeyboardInterrupt):
            ask(kg, steps=Kept(kept, last))
        report = ask(kg, steps=Kept(kept, 1000))
        assert capitals(kg) == capitals(whole)
        assert [one.words for one in only(report).found] == [one.words for one in expected.found]


class Given:
    """A proposer of given rounds."""

    def __init__(self, name: str, *rounds: Sequence[Words]) -> None:
        self.name, self._rounds = name, rounds

    def rounds(self, asked: Asked, before: Sequence[Proposed] = (), progress: Progress | None = None) -> Iterator[Proposed]:
        yield from (Proposed(tuple(one)) for one in self._rounds[len(before) :])

    def requests(self, asked: Asked) -> list[Any]:
        return []


def rounds(*proposers: Given, notes: list[str] | None = None) -> Rounds:
    return Rounds(proposers, Asked(CAPITAL, CAPITAL.prompts), Direct(), "r", (notes if notes is not None else []).append)


def test_each_candidate_comes_once_and_no_seed_comes() -> None:
    found = list(rounds(Given("a", [("x", "y"), SEEDS[0]], [("x", "y"), ("z", "w")]), Given("b", [("z", "w"), ("u", "v")])))
    assert found == [("a", [("x", "y")]), ("a", [("z", "w")]), ("b", [("u", "v")])]


def test_one_candidate_in_two_spellings_comes_once() -> None:
    assert list(rounds(Given("a", [("Riga", "Latvia")]), Given("b", [("riga", " LATVIA"), ("Oslo", "Norway")]))) == [
        ("a", [("Riga", "Latvia")]),
        ("b", [("Oslo", "Norway")]),
    ]


def test_a_proposer_whose_candidates_are_no_better_than_corrupted_seeds_is_asked_no_more() -> None:
    notes: list[str] = []
    coming = rounds(Given("a", *[[(f"x{n}", "y")] for n in range(BARREN + 9)]), Given("b", [("u", "v")]), notes=notes)
    asked = []
    for by, tuples in coming:
        asked.append(by)
        coming.barren(by, len(tuples), by == "a")
    assert asked == ["a"] * BARREN + ["b"]
    assert notes == ["a is asked no more: its last candidates score no better than corrupted seeds"]


def test_many_small_rounds_count_as_much_as_a_large_one() -> None:
    for size in (1, 7, 50, 2 * BARREN):
        coming = rounds(Given("a", *[[(f"x{n}", f"{n} {k}") for k in range(size)] for n in range(3 * BARREN)]))
        asked = 0
        for by, tuples in coming:
            asked += len(tuples)
            coming.barren(by, len(tuples), True)
        assert BARREN <= asked < BARREN + size or asked == size


def test_one_candidate_worth_a_look_and_the_count_begins_anew() -> None:
    coming = rounds(Given("a", *[[(f"x{n}", f"y{n}")] for n in range(3 * BARREN)]))
    asked = 0
    for by, tuples in coming:
        asked += 1
        coming.barren(by, len(tuples), asked != BARREN - 1)
    assert asked == 2 * BARREN - 1


def test_a_plan_says_what_it_would_take_and_asks_nobody() -> None:
    class Silent:
        name = "silent@1"

        def logprobs(self, items: object, progress: object = None) -> Any:
            raise AssertionError("a plan asks nobody")

    found = plan(graph(), CAPITAL, models(Silent()), Limits())  # type: ignore[arg-type]
    assert (found.heads, found.tails, found.requests, found.calls) == (20, 20, (), 0)
    assert found.candidates >= 20 * 8
    assert found.sentences > found.candidates * found.prompts
    chat = plan(graph(), CAPITAL, models(chat=listing()), Limits(size=100))
    assert len(chat.requests) > len(CAPITAL.prompts)
    assert chat.calls >= len(chat.requests)
