"""``kg harvest relation`` and ``kg evaluate pairs``, from what is typed to what stands in the graph."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kgplatform import opening
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Ledger
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.scripted_masked import ScriptedMasked
from kgplatform.lm.talk import Request
from kgplatform.names import entity_id
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Literal, Source, SourceId
from tests.commands import Kg, commands
from tests.unit.test_bertnet import IGNORANT, KNOWING, PAIRS, SAID, SEEDS

CARD = f"""\
name: capital of
domain: [city]
range: [country]
functional: true
prompts:
  - "{{head}} is the capital of {{tail}}"
  - "The capital of {{tail}} is {{head}}"
seeds: {json.dumps(SEEDS)}
"""
ORIGINAL = {
    "P36_capital": {"init_prompts": ["The capital of <ENT0> is <ENT1> ."], "seed_ent_tuples": [["Kenya", "Nairobi"]], "prompts": []}
}
CHECK_SCORER = opening.check_scorer


@pytest.fixture(autouse=True)
def graph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> KnowledgeGraph:
    """A graph with cities and countries, that every command of this test opens."""
    kg = KnowledgeGraph(MemoryStore())
    told = Evidence("import", Source(SourceId("import:x"), "import"))
    ends = [(kind, name) for pair in PAIRS for kind, name in zip(("city", "country"), pair, strict=True)]
    entities = [Entity(entity_id(kind, name), name, (kind,)) for kind, name in ends]
    kg.put([Claim(one, "has name", Literal(one.name), (told,)) for one in entities])
    monkeypatch.setattr("kgplatform.opening.connect", lambda **_: kg)
    monkeypatch.setattr("kgplatform.opening.encoder", lambda _: HashingEncoder())
    monkeypatch.setattr("kgplatform.opening.causal", lambda *_: (KNOWING, KNOWING))
    monkeypatch.setattr("kgplatform.opening.bare_scorer", lambda *_: KNOWING)
    monkeypatch.setattr("kgplatform.opening.check_encoder", lambda _: None)
    monkeypatch.setattr("kgplatform.opening.check_scorer", lambda settings, name=None: CHECK_SCORER(settings, name) if name else None)
    monkeypatch.chdir(tmp_path)
    Path("capital.yaml").write_text(CARD)
    return kg


@pytest.fixture
def kg(capsys: pytest.CaptureFixture[str]) -> Kg:
    return commands(capsys)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    yield Ledger(Path(os.environ["KG_HOME"]) / "jobs.sqlite")


def capitals(graph: KnowledgeGraph) -> set[tuple[str, str]]:
    return {(f.head.name, f.tail.name) for f in graph.facts(status="all") if f.relation == "capital of" and isinstance(f.tail, Entity)}


def test_a_relation_is_harvested_and_told(kg: Kg, graph: KnowledgeGraph) -> None:
    said = kg("harvest", "relation", "capital.yaml", "--run", "first")
    assert said.code == 0
    assert "capital of: " in said.out
    assert "likely (AUC" in said.out
    found = capitals(graph)
    assert len(found & set(PAIRS)) / len(found) > 0.9
    (again,) = kg("harvest", "relation", "capital.yaml", "--json").objects
    assert (again["new"], again["unchanged"]) == (0, len(found))
    (one,) = again["relations"]
    assert (one["known"], one["reason"]) == (True, "")
    assert one["kept"] == len(found)
    assert sum(weight for _, weight in one["prompts"]) == pytest.approx(1)
    assert one["found"][0]["probability"] >= one["found"][-1]["probability"]


def test_held_candidates_wait_in_the_job(kg: Kg, graph: KnowledgeGraph, ledger: Ledger) -> None:
    (held,) = kg("harvest", "relation", "capital.yaml", "--hold", "--json").objects
    assert held["relations"][0]["kept"] > 0
    assert held["new"] == 0
    assert capitals(graph) == set()
    assert [job.state for job in ledger.jobs()] == ["done"]


def test_a_dry_run_says_what_it_would_take_and_writes_nothing(kg: Kg, graph: KnowledgeGraph, ledger: Ledger) -> None:
    said = kg("harvest", "relation", "capital.yaml", "--dry-run")
    assert said.out.startswith("capital of: 20 heads and 20 tails of the graph, at most ")
    assert said.out.endswith("nothing was asked for and nothing written\n")
    assert capitals(graph) == set()
    assert graph.relations() == {}
    assert ledger.jobs() == []


def chatting(monkeypatch: pytest.MonkeyPatch, price: str = "1000") -> list[Request]:
    """A configured chat model that lists what is true; what it was asked."""
    asked: list[Request] = []

    def reply(request: Request) -> str:
        asked.append(request)
        if (request.schema or {}).get("title") == "paraphrases":
            return '{"sentences": []}'
        return json.dumps({"facts": [{"city": head, "country": tail} for head, tail in PAIRS]})

    monkeypatch.setattr("kgplatform.opening.bare_chat", lambda *_: ScriptedChat(reply))
    monkeypatch.setenv("KG_PRICE_PROMPT", price)
    monkeypatch.setenv("KG_PRICE_COMPLETION", price)
    return asked


def test_what_a_proposer_costs_stands_in_the_job(kg: Kg, graph: KnowledgeGraph, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = chatting(monkeypatch)
    plan = kg("harvest", "relation", "capital.yaml", "--proposer", "openai:x", "--dry-run")
    assert "  chat model: " in plan.out
    assert "USD" in plan.out
    assert asked == []
    kg("harvest", "relation", "capital.yaml", "--proposer", "openai:x")
    (job,) = ledger.jobs()
    assert job.calls == len(asked) > 0
    assert job.usage.usd > 0
    assert capitals(graph) >= set(PAIRS[:5])


def test_a_budget_holds_and_what_there_is_is_kept(kg: Kg, graph: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    chatting(monkeypatch)
    monkeypatch.setenv("KG_BUDGET_TOKENS", "10")
    said = kg("harvest", "relation", "capital.yaml", "--proposer", "openai:x")
    assert said.code == 0
    assert "KG_BUDGET_TOKENS" in said.out + said.err
    assert "Traceback" not in said.err
    found = capitals(graph)
    assert len(found & set(PAIRS)) > 10  # of the graph's own entities, which cost nothing


def test_a_harvest_that_a_budget_ended_goes_on_by_its_run(
    kg: Kg, graph: KnowledgeGraph, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = chatting(monkeypatch)
    monkeypatch.setenv("KG_BUDGET_TOKENS", "10")
    said = kg("harvest", "relation", "capital.yaml", "--proposer", "openai:x", "--run", "night")
    (job,) = ledger.jobs()
    assert f"a limit ended job {job.id}; with more time or budget  kg harvest relation --resume {job.id}  goes on" in said.err
    monkeypatch.setenv("KG_BUDGET_TOKENS", "10000000")
    (found,) = kg("harvest", "relation", "--resume", "night", "--json").objects
    assert (found["cut"], found["relations"][0]["cut"]) == (False, False)
    assert asked
    assert capitals(graph) >= set(PAIRS[:5])
    assert [(one.id, one.run, one.state) for one in ledger.jobs()] == [(job.id, "night", "done")]
    kg("harvest", "relation", "--resume", "night").refused(2, "is done: there is nothing to try again")


@pytest.mark.parametrize("how", [[], ["--job"]])
def test_a_harvest_whose_time_was_over_goes_on_within_new_limits(kg: Kg, graph: KnowledgeGraph, ledger: Ledger, how: list[str]) -> None:
    (cut,) = kg("harvest", "relation", "capital.yaml", "--minutes", "0.000001", "--json").objects
    assert (cut["cut"], cut["relations"][0]["known"]) == (True, False)
    (job,) = ledger.jobs()
    kg("harvest", "relation", "--resume", job.id, "--minutes", "0").refused(2, "--minutes 0")
    for options in (["--scorer", "local:x"], ["--min-confidence", "0.9"], ["--free"], ["--run", "other"]):
        kg("harvest", "relation", "--resume", job.id, *options).refused(2, "only  --size  and  --minutes  may be new")
    assert capitals(graph) == set()
    assert kg("harvest", "relation", "--resume", job.id, "--minutes", "30", "--size", "20", *how).code == 0
    assert kg("worker", "--until-idle").code == 0
    (job,) = ledger.jobs()
    assert (job.state, job.cut, job.task.arguments["minutes"], job.task.arguments["size"]) == ("done", False, 30, 20)
    assert len(capitals(graph) & set(PAIRS)) > 10


def test_nobody_proposes_where_a_person_says_so(kg: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = chatting(monkeypatch)
    monkeypatch.setenv("KG_CHAT_MODEL", "openai:x")
    assert kg("harvest", "relation", "capital.yaml", "--proposer", "none").code == 0
    assert asked == []


def test_a_compressed_card_is_harvested_and_measured(kg: Kg, graph: KnowledgeGraph) -> None:
    Path("capital.yaml.gz").write_bytes(gzip.compress(CARD.encode()))
    assert kg("harvest", "relation", "capital.yaml.gz").code == 0
    assert capitals(graph)
    files = ["--true", rows("true.tsv", PAIRS), "--false", rows("false.tsv", FALSE)]
    assert kg("evaluate", "pairs", "capital.yaml.gz", *files).out.startswith("capital of: AUC ")
    Path("true.tsv").write_bytes(bz2.compress(b"Riga\tLatvia"))
    kg("evaluate", "pairs", "capital.yaml.gz", *files).refused(2, "true.tsv: is compressed as bzip2")


def test_one_relation_of_many_is_chosen_by_name(kg: Kg) -> None:
    Path("info.json").write_text(json.dumps(ORIGINAL | {"P19_place_of_birth": ORIGINAL["P36_capital"]}))
    (found,) = kg("harvest", "relation", "info.json", "--relation", "capital", "--json").objects
    assert [one["relation"] for one in found["relations"]] == ["capital"]
    assert "cannot be decided: 1 seed" in found["notes"][0]
    kg("harvest", "relation", "info.json", "--relation", "captial").refused(2, "no such card; near it: capital")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "0"], "--size 0"),
        (["--size", "99999999999999999999"], "from 1 to 100,000"),
        (["--minutes", "-1"], "--minutes -1"),
        (["--minutes", "nan"], "--minutes nan"),
        (["--min-confidence", "7"], "--min-confidence 7"),
        (["--proposer", "gpt"], "gpt"),
        (["--proposer", "local:nothing"], "no local model is called 'nothing'"),
        (["--proposer", "local:minilm"], "the model minilm does not chat"),
        (["--proposer", "local:qwen2.5-coder-1.5b"], "run  kg models fetch qwen2.5-coder-1.5b"),
        (["--proposer", "local:gone.gguf"], "gone.gguf: the model cannot be read"),
        (["--proposer", "opena:gpt"], "did you mean openai:gpt?"),
        (["--scorer", "gpt"], "'gpt' is not  local:MODEL"),
        (["--scorer", "local:nothing"], "no local model is called 'nothing'"),
        (["--scorer", "local:smollm2-135m"], "run  kg models fetch smollm2-135m"),
        (["--scorer", "local:./gone"], "gone holds no language model"),
        (["--relation", "born in"], "--relation 'born in'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_there_is_a_job(
    kg: Kg, graph: KnowledgeGraph, ledger: Ledger, options: list[str], words: str
) -> None:
    for more in ([], ["--dry-run"], ["--job"]):
        kg("harvest", "relation", "capital.yaml", *options, *more).refused(2, words)
    assert capitals(graph) == set()
    assert ledger.jobs() == []


def test_models_of_the_settings_that_are_not_fetched_are_refused(kg: Kg, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KG_CHAT_MODEL", "local:qwen2.5-coder-1.5b")
    kg("harvest", "relation", "capital.yaml").refused(2, "run  kg models fetch qwen2.5-coder-1.5b")
    monkeypatch.setattr("kgplatform.opening.check_scorer", CHECK_SCORER)
    kg("harvest", "relation", "capital.yaml").refused(2, "run  kg models fetch smollm2-135m")
    assert ledger.jobs() == []


def test_a_card_that_is_none_is_refused(kg: Kg) -> None:
    Path("broken.yaml").write_text("name: [")
    kg("harvest", "relation", "broken.yaml").refused(2, "broken.yaml")
    kg("harvest", "relation", "gone.yaml").refused(2, "gone.yaml: there is no such file")


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["--job"]])
def test_a_card_that_cannot_be_asked_is_refused_before_there_is_a_job(kg: Kg, ledger: Ledger, options: list[str]) -> None:
    Path("tall.yaml").write_text("name: height\nprompts: ['{head} is {tail} tall']\nrange: [decimal]\n")
    kg("harvest", "relation", "capital.yaml", "tall.yaml", *options).refused(2, "'height' leads to values of type decimal")
    Path("told.yaml").write_text("name: fond of\nprompts: ['{head} is fond of tea and {tail}']\nseeds: [[Ada, tea]]\n")
    kg("harvest", "relation", "told.yaml", *options).refused(2, "'fond of' has no prompt", "'tea', which belongs to a seed")
    assert ledger.jobs() == []


def test_what_cannot_be_decided_has_no_number(kg: Kg) -> None:
    Path("born.yaml").write_text("name: born in\nprompts: ['{head} was born in {tail}']\nseeds: [[Ada, Ulm]]\n")
    lines = kg("harvest", "relation", "capital.yaml", "born.yaml").out.splitlines()
    assert lines[lines.index("born in: not asked for") + 1].startswith("  whether the model knows 'born in' cannot be decided: 1 seed and ")
    (told,) = kg("harvest", "relation", "born.yaml", "--json").objects
    (one,) = told["relations"]
    assert (one["known"], one["auc"], one["p_value"], one["notes"]) == (False, None, None, told["notes"])
    assert one["reason"] == told["notes"][0]
    assert kg("harvest", "relation", "born.yaml").out.endswith("\nnothing harvested: born in was not asked for, as said above\n")


@pytest.mark.parametrize("options", [[], ["--hold"]])
def test_the_last_line_says_that_nothing_is_known(kg: Kg, monkeypatch: pytest.MonkeyPatch, options: list[str]) -> None:
    monkeypatch.setattr("kgplatform.opening.causal", lambda *_: (IGNORANT, IGNORANT))
    said = kg("harvest", "relation", "capital.yaml", *options)
    assert (said.code, said.out.splitlines()[-1]) == (0, "nothing harvested: the model does not know capital of")
    (one,) = kg("harvest", "relation", "capital.yaml", *options, "--json").objects[0]["relations"]
    assert (one["known"], one["reason"]) == (False, one["notes"][0])
    assert one["reason"].startswith("the model does not know 'capital of': its 5 seeds score no better than false pairs")


@pytest.mark.parametrize("how", ["Ctrl-C", "kg jobs cancel"])
def test_a_harvest_that_is_stopped_goes_on(
    kg: Kg, graph: KnowledgeGraph, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    asked, heard = chatting(monkeypatch), []

    def reply(request: Request) -> str:
        heard.append(request)
        if len(heard) == 3:
            if how == "Ctrl-C":
                raise KeyboardInterrupt
            ledger.cancel(ledger.jobs()[0].id)
        return '{"sentences": []}' if (request.schema or {}).get("title") == "paraphrases" else '{"facts": []}'

    with monkeypatch.context() as patch:
        patch.setattr("kgplatform.opening.bare_chat", lambda *_: ScriptedChat(reply))
        stopped = kg("harvest", "relation", "capital.yaml", "--proposer", "openai:x")
    assert (stopped.code, stopped.out) == (130, "")
    assert "Traceback" not in stopped.err
    (job,) = ledger.jobs()
    assert job.calls > 0
    assert kg("harvest", "relation", "capital.yaml", "--proposer", "openai:x").code == 0
    assert asked
    assert capitals(graph) >= set(PAIRS[:5])


# kg evaluate pairs


def rows(path: str, pairs: Any) -> str:
    Path(path).write_text("".join(f"{head}\t{tail}\n" for head, tail in pairs))
    return path


FALSE = [(head, PAIRS[(at + 3) % len(PAIRS)][1]) for at, (head, _) in enumerate(PAIRS)]


def test_pairs_are_told_apart(kg: Kg) -> None:
    rows("true.tsv", PAIRS)
    Path("false.tsv.gz").write_bytes(gzip.compress("".join(f"{head}\t{tail}\n" for head, tail in FALSE).encode()))
    (found,) = kg("evaluate", "pairs", "capital.yaml", "--true", "true.tsv", "--false", "false.tsv.gz", "--json", "--out", "o.json").objects
    assert found["auc"] > 0.9
    assert found["low"] <= found["auc"] <= found["high"]
    assert {"auc", "auc_one_prompt", "pairs_per_second", "known", "reason"} <= set(found)
    assert (found["true"], found["false"]) == (len(PAIRS), len(FALSE))
    assert json.loads(Path("o.json").read_text()) == found


def masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The configured scorer is a masked model that knows capitals."""
    monkeypatch.setattr("kgplatform.opening.reads", lambda *_: "masked")
    monkeypatch.setattr("kgplatform.opening.masked", lambda *_: ScriptedMasked(SAID))
    monkeypatch.setattr("kgplatform.opening.check_scorer", lambda *_: None)


def test_columns_in_another_order_are_named(kg: Kg) -> None:
    files = ["--true", "true.tsv", "--false", "false.tsv"]
    Path("true.tsv").write_text("".join(f"{tail}\t{head}\n" for head, tail in PAIRS))
    Path("false.tsv").write_text("".join(f"{tail}\t{head}\n" for (head, _), (_, tail) in zip(PAIRS, (*PAIRS[1:], PAIRS[0]), strict=True)))
    (turned,) = kg("evaluate", "pairs", "capital.yaml", *files, "--columns", "tail,head", "--json").objects
    assert turned["auc"] > 0.9
    kg("evaluate", "pairs", "capital.yaml", *files, "--columns", "tail,tail").refused(2, "the slots of this card are head, tail")


def test_pairs_are_told_apart_by_a_masked_model(kg: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    masked(monkeypatch)
    given = ["--true", rows("true.tsv", [*PAIRS, ("Riga", "Xyzzy")]), "--false", rows("false.tsv", FALSE)]
    (found,) = kg("evaluate", "pairs", "capital.yaml", *given, "--json").objects
    assert found["scorer"] == "scripted-masked@1"
    assert found["auc"] > 0.9
    assert found["unreadable"] == 1
    assert "1 of them have words that the model cannot read" in kg("evaluate", "pairs", "capital.yaml", *given).out


def test_a_masked_model_harvests_by_command(kg: Kg, graph: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    masked(monkeypatch)
    given = ["harvest", "relation", "capital.yaml", "--scorer", "local:bert", "--size", "30"]
    told = kg(*given, "--dry-run").out
    assert re.match(
        r"capital of: 20 heads and 20 tails of the graph, .* sentences, about \d+ .* and what its search for names takes\n", told
    )
    assert kg(*given).code == 0
    found = capitals(graph)
    assert found
    assert len(found & set(PAIRS)) / len(found) > 0.8


def test_one_card_of_many_is_measured(kg: Kg) -> None:
    Path("info.json").write_text(json.dumps(ORIGINAL | {"P19_place_of_birth": ORIGINAL["P36_capital"]}))
    pairs = [(country, city) for city, country in PAIRS]
    given = ["--true", rows("true.tsv", [*pairs, ("Kenya", "Nairobi")]), "--false", rows("false.tsv", [(b, a) for a, b in FALSE])]
    kg("evaluate", "pairs", "info.json", *given).refused(2, "info.json: holds 2 cards", "--relation", "'capital'")
    said = kg("evaluate", "pairs", "info.json", *given, "--relation", "capital")
    assert said.out.startswith("capital: AUC ")
    assert "1 of the tuples are seeds of the card" in said.err
    assert "cannot be decided: 1 seed" in said.out
    kg("evaluate", "pairs", "info.json", *given, "--relation", "captial").refused(2, "near it: capital")


@pytest.mark.parametrize(
    ("true", "false", "words"),
    [
        ([("Riga", "Latvia")], [("Riga", "Latvia")], "stands in both"),
        (SEEDS, FALSE, "nothing but seeds"),
        ([], FALSE, "true.tsv: holds no lines of head and tail"),
    ],
)
def test_files_that_cannot_be_measured_by_are_refused(kg: Kg, true: Any, false: Any, words: str) -> None:
    given = ["--true", rows("true.tsv", true), "--false", rows("false.tsv", false)]
    kg("evaluate", "pairs", "capital.yaml", *given).refused(2, words)


def test_the_line_that_is_no_pair_is_named(kg: Kg) -> None:
    Path("true.tsv").write_text("Riga\tLatvia\nRiga, Latvia\n")
    kg("evaluate", "pairs", "capital.yaml", "--true", "true.tsv", "--false", rows("f.tsv", FALSE)).refused(
        2, "true.tsv, line 2", "1 columns"
    )


def test_two_files_with_a_card_of_one_name_are_refused(kg: Kg) -> None:
    Path("other.yaml").write_text(CARD)
    kg("harvest", "relation", "capital.yaml", "other.yaml").refused(2, "two of the files have a card called 'capital of'")
