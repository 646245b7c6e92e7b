"""A graph that asks its own next question: it grows, it ends, it can be taken up and taken back, and a hostile model does it no harm."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import pytest

from harvest.expand import ROUND, STRATEGIES, Grown, Limits, Models, Report, Way, harvest, planning, spans, told
from harvest.expand.composing import Hypotheses
from kgplatform.errors import BadRequest, NotFound
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Ledger, Task, looking
from kgplatform.jobs.runner import Runner
from kgplatform.jobs.work import Work
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.talk import Request
from kgplatform.names import digest
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Source, SourceId
from tests.commands import Kg, commands
from ui.expansions import read

TOPIC = "What makes silk strong?"


def local_graph(*edges: tuple[str, str, str], said: str = "So it is.") -> str:
    told = [dict(zip(("source", "relation", "target"), edge, strict=True)) for edge in edges]
    return json.dumps({"brainstorm": "", "nodes": [], "edges": told, "patterns": [], "synthesis": said})


def growing(request: Request) -> str:
    """Each question leads to two things that only its words make."""
    asked = request.messages[-1].text
    one, other = f"thing {digest(asked)[:6]}", f"matter {digest(asked)[6:12]}"
    return local_graph(("silk", "has part", one), (one, "leads to", other), said=f"{one} it is.")


@pytest.fixture
def kg() -> KnowledgeGraph:
    return KnowledgeGraph(MemoryStore())


@pytest.fixture
def expand(kg: KnowledgeGraph, tmp_path: Path) -> Callable[..., Report]:
    def go(answer: Callable[[Request], str] = growing, graph: KnowledgeGraph = kg, **options: object) -> Report:
        models = Models(ScriptedChat(answer), HashingEncoder(), tmp_path / "quarantine")
        return harvest(graph, TOPIC, models, **options)  # type: ignore[arg-type]

    return go


def said(kg: KnowledgeGraph) -> set[tuple[str, str, str]]:
    return {(fact.head.name, fact.relation, getattr(fact.tail, "name", "")) for fact in kg.facts(status="all")}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_asks_new_questions_and_the_graph_grows(kg: KnowledgeGraph, expand: Callable[..., Report], strategy: str) -> None:
    report = expand(way=Way(strategy), limits=Limits(iterations=5))
    asked = [question for one in report.rounds for question in one.questions]
    assert (asked[0], len(asked)) == (TOPIC, len(set(asked)))
    assert len(report.rounds) == 5
    assert all(one.new for one in report.rounds)
    assert report.receipt.new == len(said(kg)) == sum(one.links for one in report.rounds)


def test_what_one_model_says_is_proposed_and_says_where_it_comes_from(kg: KnowledgeGraph, expand: Callable[..., Report]) -> None:
    expand(limits=Limits(iterations=2), run="first")
    assert not list(kg.facts())
    fact = next(fact for fact in kg.facts(status="proposed") if fact.relation == "has part")
    (piece,) = kg.store.evidence(fact.key)
    assert (piece.run, piece.model, piece.source.id) == ("first", "scripted:1", "model:scripted:1")
    detail = dict(piece.detail)
    assert detail.keys() == {"depth", "iteration", "question", "response"}
    assert all(detail.values())
    kg.forget(run="first")
    assert not said(kg)


def test_things_of_other_spellings_come_together_and_part_with_the_run(kg: KnowledgeGraph, expand: Callable[..., Report]) -> None:
    def spelling(request: Request) -> str:
        first = request.messages[-1].text == TOPIC
        return local_graph(("stress concentration", "weakens", "silk") if first else ("StressConcentrations", "starts", "cracks"))

    report = expand(spelling, limits=Limits(iterations=2), run="spelt")
    assert [(keep, other) for _, keep, other in report.merges] == [("stress concentration", "StressConcentrations")]
    assert {head for head, _, _ in said(kg)} == {"stress concentration"}
    assert [one.merged for one in report.rounds] == [0, 1]
    assert sum(one.new for one in report.rounds) == 3
    other = KnowledgeGraph(MemoryStore())
    expand(lambda _: local_graph(("stress concentration", "weakens", "silk")), other, limits=Limits(iterations=1), run="before")
    expand(spelling, other, limits=Limits(iterations=2), run="spelt")
    other.forget(run="spelt")
    assert said(other) == {("stress concentration", "weakens", "silk")}
    assert [one.undone for one in other.merges()] == [True]
    assert other.entity("stress concentration").aliases == ()


def test_doubtful_things_stay_apart_for_a_person(kg: KnowledgeGraph, expand: Callable[..., Report]) -> None:
    answers = {TOPIC: local_graph(("polymer strength", "bears", "load")), "polymer": local_graph(("polymer strenght", "bears", "weight"))}
    report = expand(lambda request: answers[TOPIC if request.messages[-1].text == TOPIC else "polymer"], limits=Limits(iterations=2))
    assert [(one, other) for one, other, _, _ in report.asked] == [("polymer strenght", "polymer strength")]
    assert [pair.entity.name for pair in kg.duplicates()] == ["polymer strenght"]
    assert len({head for head, _, _ in said(kg)}) == 2


def test_it_does_not_matter_which_answer_comes_first(kg: KnowledgeGraph, expand: Callable[..., Report]) -> None:
    second, calls = Event(), count()

    def slow(request: Request) -> str:
        """The first question of the second round is answered when the second one is."""
        number = next(calls)
        if number == 1:
            assert second.wait(10)
        elif number == 2:
            second.set()
        return growing(request)

    other = KnowledgeGraph(MemoryStore())
    assert expand(slow, limits=Limits(iterations=3)) == expand(graph=other, limits=Limits(iterations=3))
    assert said(kg) == said(other)


HOSTILE = {
    "no edges": (lambda _: local_graph(), 0),
    "the same edges": (lambda _: local_graph(("silk", "has part", "fibroin"), ("fibroin", "has part", "crystal")), 2),
    "self-loops": (lambda _: local_graph(("silk", "is", "Silk")), 0),
    "nameless": (lambda _: local_graph(("\u200b", "is", "silk"), ("silk", "\n", "web")), 0),
    "hollow": (lambda _: local_graph(("**", "is", "silk"), ("**Silk**, **, …", "**has part**", "- `web`"), ("silk", "has part", "web")), 1),
    "10,000 edges": (lambda _: local_graph(*((f"a{n}", "is", f"b{n}") for n in range(10_000))), 24),
    "5,000 letters": (lambda _: local_graph(("x" * 5_000, "is", "silk")), 0),
    "no JSON": (lambda _: "Certainly!", 0),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_model_ends_the_run_by_itself(kg: KnowledgeGraph, expand: Callable[..., Report], name: str) -> None:
    answer, facts = HOSTILE[name]
    report = expand(answer, way=Way("mixed"), limits=Limits(iterations=50))
    assert report.ended.startswith(("the last 3 rounds brought nothing new", "nothing is left to ask", "no answer said anything: "))
    assert len(report.rounds) <= 4
    assert len(said(kg)) == facts


def test_limits_end_it(expand: Callable[..., Report]) -> None:
    report = expand(limits=Limits(calls=6))
    assert (report.calls, report.ended, report.cut) == (6, "the limit of 6 calls is reached", True)
    assert "tokens is reached" in expand(limits=Limits(tokens=1)).ended
    barren = expand(limits=Limits(iterations=50, floor=0.9))
    assert not barren.cut
    for options in (
        {"limits": Limits(calls=0)},
        {"limits": Limits(floor=2)},
        {"way": Way("magic")},
        {"way": Way(fan_out=0)},
        {"limits": Limits(floor=0.1, patience=13)},
    ):
        with pytest.raises(BadRequest):
            expand(**options)


def test_a_run_that_broke_off_comes_to_what_it_would_have(kg: KnowledgeGraph, tmp_path: Path) -> None:
    whole = KnowledgeGraph(MemoryStore())
    models = Models(ScriptedChat(growing), HashingEncoder(), tmp_path)
    undisturbed = harvest(whole, TOPIC, models, limits=Limits(iterations=4))
    left = [5]

    def dying(request: Request) -> str:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return growing(request)

    broken = Models(chat := ScriptedChat(dying), HashingEncoder(), tmp_path)
    reports: list[Report] = []

    def do(work: Work, _: Mapping[str, Any]) -> Mapping[str, Any]:
        reports.append(harvest(kg, TOPIC, broken, limits=Limits(iterations=4), steps=work))
        return {}

    ledger = Ledger(tmp_path / "jobs.sqlite")
    runner = Runner(ledger, {"harvest expand": do})
    with pytest.raises(KeyboardInterrupt):
        runner.now(Task("harvest expand"))
    (job,) = ledger.jobs()
    runner.again(job.id)
    assert said(kg) == said(whole)
    assert reports[-1].rounds == undisturbed.rounds
    assert sum(call.messages[-1].text == TOPIC for call in chat.calls) == 1


def test_within_other_limits_a_run_asks_no_question_twice(kg: KnowledgeGraph, tmp_path: Path) -> None:
    chat, limits, reports = ScriptedChat(growing), [Limits(calls=5), Limits(calls=9)], list[Report]()

    def do(work: Work, _: Mapping[str, Any]) -> Mapping[str, Any]:
        reports.append(harvest(kg, TOPIC, Models(chat, HashingEncoder(), tmp_path), limits=limits.pop(0), steps=work))
        return {"cut": reports[-1].cut}

    ledger = Ledger(tmp_path / "jobs.sqlite")
    runner = Runner(ledger, {"harvest expand": do})
    job = runner.now(Task("harvest expand"))
    early = looking.look(ledger, job.id, (ROUND,), read)
    ledger.retry(job.id)
    runner.again(job.id)
    first, second = ([len(one.questions) for one in report.rounds] for report in reports)
    assert (first, second) == ([1, 3, 1], [1, 3, 1, 3, 1])
    rounds, grown = told(step.result for step in ledger.results(job.id, ROUND))
    assert rounds == reports[-1].rounds
    late = looking.look(ledger, job.id, (ROUND,), read, early)
    assert (late.found, [len(look.found[0]) for look in (early, late)]) == ((rounds, grown), [3, 5])
    asked = [call.messages[-1].text for call in chat.calls]
    assert len(asked) == len(set(asked)) == reports[-1].calls == 9
    ledger.withdraw(job.run, "")
    assert looking.look(ledger, job.id, (ROUND,), read, late).found == ((), Grown())


def test_an_answer_that_links_nothing_is_told_of(expand: Callable[..., Report]) -> None:
    report = expand(lambda _: local_graph())
    assert report.notes == (f"the answer to {TOPIC!r} links nothing",)


def test_what_a_run_merged_stays_one_where_others_speak_of_both_though_it_was_merged_on(expand: Callable[..., Report]) -> None:
    other = KnowledgeGraph(MemoryStore())
    spoken = [("stress concentration", "weakens", "silk"), ("notch", "weakens", "glass")]
    expand(lambda _: local_graph(*spoken), other, limits=Limits(iterations=1), run="before")
    expand(lambda _: local_graph(("StressConcentrations", "weakens", "steel")), other, limits=Limits(iterations=1), run="spelt")
    expand(lambda _: local_graph(("StressConcentrations", "weakens", "bone")), other, limits=Limits(iterations=1), run="after")
    other.merge("notch", "stress concentration")
    other.forget(run="spelt")
    assert {head for head, _, _ in said(other)} == {"notch"}


@pytest.mark.parametrize("broken", ["forget_run", "claimed", "undo"])
def test_a_withdrawal_that_was_broken_off_is_finished_by_another(
    expand: Callable[..., Report], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def grown() -> KnowledgeGraph:
        """Of what the run merged others speak of one both ways, and of one only as it was before."""
        made = KnowledgeGraph(MemoryStore())
        before = [("stress concentration", "weakens", "silk"), ("fracture surface", "ends", "silk")]
        expand(lambda _: local_graph(*before), made, limits=Limits(iterations=1), run="before")
        spelt = [("StressConcentrations", "weakens", "steel"), ("FractureSurfaces", "end", "steel")]
        expand(lambda _: local_graph(*spelt), made, limits=Limits(iterations=1), run="spelt")
        expand(lambda _: local_graph(("StressConcentrations", "weakens", "bone")), made, limits=Limits(iterations=1), run="after")
        return made

    whole, kg = grown(), grown()
    whole.forget(run="spelt")
    with monkeypatch.context() as breaking:
        effect = getattr(kg.store, broken)

        def dying(*given: Any) -> None:
            effect(*given)
            raise KeyboardInterrupt

        breaking.setattr(kg.store, broken, dying)
        with contextlib.suppress(KeyboardInterrupt):
            kg.forget(run="spelt")
    with contextlib.suppress(NotFound):
        kg.forget(run="spelt")
    told = {("stress concentration", "weakens", "silk"), ("stress concentration", "weakens", "bone"), ("fracture surface", "ends", "silk")}
    assert said(kg) == said(whole) == told
    assert {(one.other, one.undone) for one in kg.merges()} == {(one.other, one.undone) for one in whole.merges()}
    assert sorted(one.undone for one in kg.merges()) == [False, True]


@pytest.fixture
def command(kg: KnowledgeGraph, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Kg:
    monkeypatch.setattr("kgplatform.opening.connect", lambda **_: kg)
    monkeypatch.setattr("kgplatform.opening.encoder", lambda _: HashingEncoder())
    monkeypatch.setattr("kgplatform.opening.chat", lambda *_: ScriptedChat(growing))
    monkeypatch.setattr("kgplatform.opening.check_encoder", lambda _: None)
    monkeypatch.setattr("kgplatform.opening.check_chat", lambda *_: None)
    return commands(capsys)


def test_the_command_tells_and_goes_on(kg: KnowledgeGraph, command: Kg) -> None:
    tried = command("harvest", "expand", TOPIC, "--iterations", "2", "--dry-run")
    assert (tried.code, "at most 4 questions" in tried.out, said(kg)) == (0, True, set())
    done = command("harvest", "expand", TOPIC, "--iterations", "2", "--run", "silk")
    assert done.code == 0
    assert "it ended: after round 2, as asked" in done.out
    shown = command("insight").out
    assert "silk, iteration" in shown
    before = said(kg)
    (more,) = command("harvest", "expand", "--resume", "silk", "--iterations", "3", "--json").objects
    assert (len(more["rounds"]), before < said(kg)) == (3, True)
    command("harvest", "expand", "--resume", "silk", "--strategy", "leap", "--seed", "7").refused(2, "frontier and not leap", "0 and not 7")
    command("harvest", "expand", TOPIC, "--run", "silk", "--fan-out", "2").refused(2, "a run 'silk' already", "--fan-out 3 and not 2")
    command("harvest", "expand", TOPIC, "--strategy", "magic").refused(2, "frontier")
    command("harvest", "expand", TOPIC, "--calls", "0").refused(2, "calls 0")
    command("harvest", "expand", TOPIC, "--floor", "0.1", "--patience", "20").refused(2, "patience 20 is more rounds than iterations 12")
    command("harvest", "expand").refused(2, "QUESTION")
    command("harvest", "expand", TOPIC, "--years", "1990-2000", "--grounded").refused(2, "--grounded  and  --years")
    command("harvest", "expand", TOPIC, "--years", "1990-2000", "--strategy", "leap").refused(2, "leave out  --strategy")
    command("harvest", "expand", TOPIC, "--years", "1990-2000", "--patience", "2").refused(2, "--patience and --floor")
    command("harvest", "expand", TOPIC, "--usd", "2", "--chat", "openai:unheard-of").refused(2, "--usd 2", "KG_PRICE_PROMPT")
    command("harvest", "expand", TOPIC, "--step", "5").refused(2, "it goes with  --years")
    assert command("harvest", "expand", TOPIC, "--run", "../web", "--strategy", "node", "--iterations", "1").code == 0
    assert [one["run"] for one in command("harvest", "runs", "--json").objects] == ["../web", "silk"]
    compared = command("harvest", "runs", "silk", "../web").out
    assert all(line in compared for line in ("strategy\tfrontier\tnode", "rounds\t3\t1", "things as silk\t15\t3")), compared
    command("harvest", "runs", "silc").refused(2, "there are silk")
    assert "would go" in command("forget", "run:silk", "--dry-run").out
    assert command("forget", "run:silk").code == 0
    assert len(said(kg)) == 2
    assert "silk, iteration" not in command("insight").out
    command("forget", "run:silc").refused(2, "nothing of a run 'silc'")
    assert command("harvest", "expand", "--resume", "silk", "--json").objects[0]["rounds"] == more["rounds"]
    assert before < said(kg)
    for options in ((), ("--dry-run",), ("--job",)):
        command("harvest", "expand", TOPIC, "--grounded", *options).refused(2, "it keeps none")
    assert len(command("harvest", "runs", "--json").objects) == 2  # a run that could not begin is none


def test_what_a_run_would_ask_is_no_less_than_what_it_asks(expand: Callable[..., Report]) -> None:
    asked = list[Request]()

    def talking(request: Request) -> str:
        asked.append(request)
        number = len(asked)
        edges = ((f"{'strong fibre ' * 5}{number}.{n}", "is held together by", f"{'soft matter ' * 5}{number}.{n}") for n in range(8))
        return local_graph(*edges, said="So it is said of this. " * 17)

    def size(request: Request) -> int:
        return sum(len(message.text) for message in request.messages)

    for way in (Way("answer", seed=7), Way("edge"), Way(years=spans("1990-1992"))):
        asked.clear()
        limits = Limits(iterations=2, calls=3)
        planned = list(planning.requests(f"  {TOPIC}", way, limits))
        expand(talking, KnowledgeGraph(MemoryStore()), way=way, limits=limits)
        assert planned[0] == asked[0]
        assert len(planned) == len(set(map(repr, planned))) == len(asked) == 3
        assert sum(map(size, planned)) >= sum(map(size, asked))


def test_a_run_goes_on_with_its_model_however_that_was_named(command: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    named, web = ("--chat", "openai:fake"), ("harvest", "expand", TOPIC, "--run", "web", "--iterations")
    resumed = ("harvest", "expand", "--resume", "web", "--iterations")
    assert command(*web, "1", *named).code == 0
    assert command(*resumed, "2").code == 0
    command(*resumed, "3", "--chat", "openai:other").refused(2, "--chat openai:fake and not openai:other: only limits may be new")
    command(*resumed, "3", "--grounded").refused(2, "no --grounded, and here is one")
    monkeypatch.setenv("KG_CHAT_MODEL", "openai:fake")
    assert command(*resumed, "3").code == 0
    assert command(*web, "4").code == 0
    assert command("harvest", "expand", TOPIC, "--run", "set", "--iterations", "1").code == 0
    monkeypatch.delenv("KG_CHAT_MODEL")
    assert command("harvest", "expand", "--resume", "set", "--iterations", "2", *named).code == 0


def test_a_run_that_met_only_refusals_asks_again_when_it_goes_on(kg: KnowledgeGraph, command: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as refusing:
        refusing.setattr("kgplatform.opening.chat", lambda *_: ScriptedChat(lambda _: "I would rather not."))
        told = command("harvest", "expand", TOPIC, "--tokens", "10", "--run", "shy").out
    assert "; 1 question, " in told
    assert "it ended: the limit of 10 tokens is reached" in told
    (more,) = command("harvest", "expand", "--resume", "shy", "--tokens", "9999", "--iterations", "2", "--json").objects
    assert [one["answered"] for one in more["rounds"]] == [1, 3]
    assert len(said(kg)) == more["new"] == 8


def test_what_unusable_answers_took_counts(expand: Callable[..., Report]) -> None:
    report = expand(lambda _: "I would rather not.", limits=Limits(tokens=100))
    assert (report.calls, report.ended, report.cut) == (1, "the limit of 100 tokens is reached", True)
    assert report.tokens > 100
    assert expand(lambda _: local_graph()).ended == "no answer said anything: it links no two things (1 of 1)"
    assert expand(lambda _: "No.").ended == "no answer said anything: it holds no JSON (1 of 1)"


def test_what_does_not_fit_of_an_answer_is_left_out_and_the_rest_is_kept(kg: KnowledgeGraph, expand: Callable[..., Report]) -> None:
    whole = ("silk", "has part", "fibroin")
    report = expand(lambda _: local_graph(whole, ("x" * 5_000, "is", "long"), ("silk", "", "water")), limits=Limits(iterations=1))
    assert (report.calls, [one.answered for one in report.rounds]) == (1, [1])
    assert said(kg) == {whole}
    assert len(report.notes) == 1 and report.notes[0].startswith(
        f"misfits left out of the answer to {TOPIC!r}: 2, such as at $.edges[1].source"
    )
    assert len(report.notes[0]) < 500
    nameless = expand(lambda _: local_graph(whole, ("silk", "  ", "water")), limits=Limits(iterations=1))
    assert [one.answered for one in nameless.rounds] == [1]
    assert [note.startswith(f"misfits left out of the answer to {TOPIC!r}: 1, such as ") for note in nameless.notes] == [True], (
        nameless.notes
    )


def test_why_no_answer_said_anything_is_told_the_most_frequent_first(expand: Callable[..., Report]) -> None:
    def said(request: Request) -> str:
        year = request.messages[1].text.partition("the year ")[2][:4]
        return "No." if year in ("1991", "1993", "1994") else local_graph() if year < "1993" else local_graph(("a", "is", "b" * 99))

    report = expand(said, way=Way(years=spans("1990-1995")))
    assert report.ended == (
        "no answer said anything: it holds no JSON (3 of 6); it links no two things (2 of 6); "
        f"at $.edges[0].target: '{'b' * 99}' is too long (1 of 6)"
    )


def test_minutes_end_a_run_also_while_a_server_hangs(kg: KnowledgeGraph, expand: Callable[..., Report]) -> None:
    hung, calls, begun = Event(), count(), monotonic()

    def hanging(request: Request) -> str:
        if next(calls):
            hung.wait(60)
        return growing(request)

    try:
        report = expand(hanging, limits=Limits(minutes=0.05))
    finally:
        hung.set()
    assert monotonic() - begun < 20
    assert (report.ended, report.cut, len(report.rounds)) == ("the limit of 0.05 minutes is reached", True, 1)
    assert len(said(kg)) == 2


def test_grounded_answers_quote_and_what_no_text_supports_is_less_believed(kg: KnowledgeGraph, expand: Callable[..., Report]) -> None:
    with pytest.raises(BadRequest, match="keeps none"):
        expand(way=Way(grounded=True))
    text = "Spider silk is strong. Its crystals of beta sheets,\noften, hold the fibroin chains together. Bees make honey."
    kg.add_document(Source(SourceId("doc:silk"), "document", "Silk"), text)

    def quoting(request: Request) -> str:
        assert "Text 1: Spider silk" in request.messages[-1].text
        assert request.sources == ("doc:silk",)
        told = [
            ("crystals", "hold", "fibroin chains", "Crystals of beta sheets, often, hold the fibroin chains"),
            ("crystals", "hold", "water", "crystals of beta sheets, often, hold water"),
            ("silk", "is made by", "bees", "Bees make honey."),
        ]
        edges = [dict(zip(("source", "relation", "target", "quote"), one, strict=True)) for one in told]
        return json.dumps({"brainstorm": "", "nodes": [], "edges": edges, "patterns": [], "synthesis": "It is."})

    expand(quoting, way=Way(grounded=True), limits=Limits(iterations=1))
    (held,) = kg.facts()
    assert (held.head.name, held.relation, getattr(held.tail, "name", "")) == ("crystals", "hold", "fibroin chains")
    (piece,) = kg.store.evidence(held.key)
    assert (piece.source.id, piece.method, piece.quote) == ("doc:silk", "text", "crystals of beta sheets,\noften, hold the fibroin chains")
    assert text[piece.start : piece.end] == piece.quote
    assert [round(fact.confidence, 2) for fact in kg.facts(status="proposed")] == [0.27, 0.27]
    assert expand(quoting, way=Way(grounded=True), limits=Limits(iterations=1, calls=1)).calls == 1
    unspoken = KnowledgeGraph(MemoryStore())
    unspoken.add_document(Source(SourceId("doc:tin"), "document", "Tin"), "Tin melts early.")
    report = expand(quoting, unspoken, way=Way(grounded=True))
    assert (report.calls, [one.answered for one in report.rounds]) == (0, [0])
    assert report.notes == (f"{TOPIC!r} is not asked: no text of the graph's documents speaks of it",)


@pytest.mark.parametrize(
    ("source", "relation", "target", "quote"),
    [
        ("Marie Curie", "murdered", "Pierre Curie", "Marie Curie married Pierre Curie"),
        ("Marie Curie", "died in", "Paris Hilton", "Marie Curie married Pierre Curie in Paris"),
        ("Antoine Becquerel", "found", "radium", "Henri Becquerel was born there before radium was found"),
        ("Pierre Curie", "found", "gold", "Pierre Curie never found gold"),
    ],
)
def test_a_genuine_quote_that_states_something_else_supports_nothing(
    kg: KnowledgeGraph, expand: Callable[..., Report], source: str, relation: str, target: str, quote: str
) -> None:
    text = (
        "Marie Curie married Pierre Curie in Paris. Henri Becquerel was born there before radium was found. Pierre Curie never found gold."
    )
    kg.add_document(Source(SourceId("doc:curies"), "document", "What makes them strong"), f"What makes silk strong? {text}.")
    right = {"source": "Marie Curie", "relation": "married to", "target": "Pierre Curie", "quote": "Marie Curie married Pierre Curie"}
    edges = [right, {"source": source, "relation": relation, "target": target, "quote": quote}]
    said = json.dumps({"brainstorm": "", "nodes": [], "edges": edges, "patterns": [], "synthesis": "It is."})
    expand(lambda _: said, way=Way(grounded=True), limits=Limits(iterations=1))
    assert [fact.relation for fact in kg.facts()] == ["married to"]
    assert [fact.relation for fact in kg.facts(status="proposed")] == [relation]


def test_the_frontier_asks_about_each_thing_before_it_comes_back_to_any(expand: Callable[..., Report]) -> None:
    numbers = count()

    def elsewhere(_: Request) -> str:  # what was asked about keeps its few links
        at = next(numbers)
        return local_graph((f"stuff {2 * at}", "leads to", f"stuff {2 * at + 1}"), (f"stuff {2 * at}", "has part", "silk"))

    report = expand(elsewhere, way=Way("frontier"), limits=Limits(iterations=8))
    asked = [question.split(" linked with")[0] for one in report.rounds for question in one.questions if "linked with" in question]
    assert len(asked) == len(set(asked)) > 5


def test_of_spans_of_years_it_is_told_what_holds_when(kg: KnowledgeGraph, expand: Callable[..., Report]) -> None:
    def told(request: Request) -> str:
        asked = request.messages[-1].text
        king = "Baudouin" if "1990-1991" in asked or "1992-1993" in asked else "Albert"
        assert ("Of the time before" in asked) == (not any(first in asked for first in ("1990-1991", "1990,")))
        return local_graph(("Belgium", "has king", king), ("Belgium", "has capital", "Brussels"))

    shapes = list[tuple[int, int, int]]()
    report = expand(
        told,
        way=Way(years=spans("1990-1994", 2)),
        watch=lambda number, grown: shapes.append((number, grown.graph.nodes, len(grown.graph.edges))),
    )
    assert shapes == [(1, 3, 2), (2, 3, 2), (3, 4, 3)]
    assert {(getattr(fact.tail, "name", ""), fact.qualifiers) for fact in kg.facts(status="all")} == {
        ("Baudouin", (("valid_from", "1990"), ("valid_to", "1993"))),
        ("Albert", (("valid_from", "1994"), ("valid_to", "1994"))),
        ("Brussels", (("valid_from", "1990"), ("valid_to", "1994"))),
    }
    expand(lambda _: local_graph(("Clovis", "rules", "Franks")), way=Way(years=spans("0500-0501", 2)))
    assert [fact.head.name for fact in kg.facts(relation="rules", status="all", as_of="0501")] == ["Clovis"]
    assert not kg.facts(relation="rules", status="all", as_of="0502")
    assert [(one.relation, one.constant, one.dynamic) for one in report.lasting] == [("has king", 0, 2), ("has capital", 1, 0)]
    assert (report.calls, report.cut) == (3, False)
    assert expand(told, way=Way(years=spans("1990-1994")), limits=Limits(calls=2)).ended.endswith("before 1992: nothing was put")
    for years, step in (("1990", 1), ("2000-1990", 1), ("1990-2000", 0), ("1000-1999", 1), ("1990-20000", 1)):
        with pytest.raises(BadRequest):
            spans(years, step)


def composed(request: Request) -> str:
    cites = [1, 9, 2] if "Facts:\n1." not in request.messages[-1].text else [2, 1, 2]
    told = {"principles": ["It bears.", "It gives."], "synergies": ["Both hold."], "hypothesis": "Together\u2028they hold.", "cites": cites}
    return json.dumps(told)


def test_a_hypothesis_cites_facts_of_the_graph_and_is_none_itself(
    kg: KnowledgeGraph, expand: Callable[..., Report], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expand(lambda _: local_graph(("silk", "has part", "fibroin"), ("crystal", "is in", "fibroin")), limits=Limits(iterations=1), run="silk")
    before, chat = said(kg), ScriptedChat(composed)
    monkeypatch.setattr("kgplatform.opening.connect", lambda **_: kg)
    monkeypatch.setattr("kgplatform.opening.chat", lambda *_: chat)
    monkeypatch.setattr("kgplatform.opening.check_chat", lambda *_: None)
    command = commands(capsys)
    (made,) = command("harvest", "compose", "silk", "crystal", "--json").objects
    assert {one["words"] for one in made["cites"]} == {"silk | has part | fibroin", "crystal | is in | fibroin"}
    assert made["standing"] == [True, True]
    assert said(kg) == before
    kg.forget(run="silk")
    listed = command("harvest", "compose")
    assert "Together they hold." in listed.out
    assert listed.out.count("the graph says so no more") == 2
    kept = Hypotheses(next((Path(os.environ["KG_HOME"]) / "hypotheses").glob("*.jsonl")))
    (one,) = kept.read()
    kept.forget(one.sources[0])
    assert kept.read() == []
    command("harvest", "compose", "silk", "crystal").refused(2, "silk")
    expand(lambda _: local_graph(("silk", "has part", "fibroin"), ("crystal", "is in", "fibroin")), limits=Limits(iterations=1))
    command("harvest", "compose", "silk").refused(2, "2 to 6")
    hollow = ScriptedChat(lambda _: composed(_).replace("[2, 1, 2]", "[7]"))
    monkeypatch.setattr("kgplatform.opening.chat", lambda *_: hollow)
    command("harvest", "compose", "silk", "crystal").refused(1, "no usable answer")
