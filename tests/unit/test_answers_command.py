"""``kg evaluate answers`` and ``kg ask --check``: how well questions are answered, and whether answers rest on their walks."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Evidence, Source, SourceId
from reasoning.agent.ask import Guide, ask
from reasoning.agent.evaluate import Question, evaluate, read_questions
from reasoning.agent.faithful import check
from tests.commands import Kg, commands
from tests.unit.test_ask import CARDS, FACTS, KINDS, MARIE, RADIUM, World, fact

QUESTIONS = """Who discovered [radium]?\tMarie Curie
What did Marie Curie discover?\tradium|polonium
Where was Marie Curie born?\tParis
How many elements did Marie Curie discover?\t2
Was Marie Curie born in Warsaw?\tyes
Which zebra bit Marie Curie?\t
"""


@pytest.fixture
def guide() -> Guide:
    return Guide(FACTS, CARDS, KINDS, HashingEncoder())


def questions(tmp_path: Path, text: str = QUESTIONS) -> Path:
    path = tmp_path / "questions.tsv"
    path.write_text(text)
    return path


def test_right_and_wrong_answers_and_refusals_are_counted(guide: Guide, tmp_path: Path) -> None:
    found = evaluate(guide.answer, read_questions(questions(tmp_path)), guide)
    assert found.questions == 6
    assert found.hits == pytest.approx(5 / 6)  # where she was born is wrong in the file
    assert found.exact == pytest.approx(5 / 6)
    assert (found.refused_rightly, found.refused_wrongly) == (1, 0)
    assert found.flip_rate == 1
    assert found.shape()["hits@1"] == found.hits


def test_half_of_a_set_is_half_right(guide: Guide) -> None:
    found = evaluate(guide.answer, [Question("What did Marie Curie discover?", ("polonium", "radium", "neon", "argon"))])
    assert (found.hits, found.exact) == (1, 0)
    assert found.f1 == pytest.approx(2 * 2 / 6)
    assert found.shape()["flip_rate"] is None


def test_an_answer_flips_without_the_facts_it_rests_on(guide: Guide) -> None:
    question = "Who discovered radium?"
    seen = check(guide, question, guide.answer(question))
    assert seen is not None
    assert (seen.flips, seen.facts, seen.without.supported) == (True, 1, False)
    assert guide.answer(question).answers == (MARIE,)  # the guide itself forgets nothing


def test_an_answer_that_two_walks_give_stands_without_one() -> None:
    """She also discovered it by a second fact, which differs in a qualifier alone."""
    twin = fact(MARIE, "found", RADIUM)
    both = Guide([*FACTS, twin], CARDS, KINDS, HashingEncoder())
    left = both.without([one for one in FACTS if one.relation == "discovered"])
    assert len(left.network.codes) == len(both.network.codes) - 4
    assert left.network.nodes == both.network.nodes


def test_a_question_with_no_answer_has_no_walk_to_check(guide: Guide) -> None:
    question = "Which zebra bit Marie Curie?"
    assert check(guide, question, guide.answer(question)) is None
    assert ask(World(), question, HashingEncoder()).paths == ()


@pytest.mark.parametrize(
    ("text", "why"), [("Who?", "line 1: is no question"), ("\tx", "line 1"), ("a\tb\nc\td\te\n", "line 2"), ("\n", "holds no question")]
)
def test_files_that_are_no_questions_are_refused_with_the_line(tmp_path: Path, text: str, why: str) -> None:
    from kgplatform.errors import BadFile

    with pytest.raises(BadFile, match=why):
        read_questions(questions(tmp_path, text))


@pytest.fixture
def kg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Kg:
    monkeypatch.setattr("kgplatform.opening.encoder", lambda _: HashingEncoder())
    return commands(capsys)


def test_the_command_reads_tables_and_piped_lines(kg: Kg, tmp_path: Path) -> None:
    asked = questions(tmp_path, "Who discovered [radium]?\tMarie Curie\nWhat did [Marie Curie] discover?\tradium|polonium\n")
    (tmp_path / "facts.tsv").write_text("Marie Curie\tdiscovered\tradium\nMarie Curie\tdiscovered\tpolonium\nAnn\tborn in\tRome\n")
    with gzip.open(tmp_path / "kb.txt.gz", "wt") as file:
        file.write("Marie Curie|discovered|radium\nMarie Curie|discovered|polonium\nAnn|born in|Rome\n")
    for name in ("facts.tsv", "kb.txt.gz"):
        (found,) = kg("evaluate", "answers", tmp_path / name, asked, "--check", "--json", "--out", tmp_path / "out.json").objects
        assert (found["hits@1"], found["f1"], found["flip_rate"], found["calls"]) == (1, 1, 1, 0)
    assert (tmp_path / "out.json").is_file()
    told = kg("evaluate", "answers", tmp_path / "facts.tsv", asked, "--limit", "1")
    assert "1 questions: hits@1 1.000" in told.out
    (tmp_path / "bad.txt").write_text("a|b|c\nd|e\n")
    kg("evaluate", "answers", tmp_path / "bad.txt", asked).refused(2, "line 2")
    kg("evaluate", "answers", tmp_path / "none.tsv", asked).refused(2, "no such file")
    kg("evaluate", "answers", tmp_path / "facts.tsv", tmp_path / "no.tsv").refused(2, "no such file")


@pytest.fixture
def asked(kg: Kg, monkeypatch: pytest.MonkeyPatch) -> Kg:
    graph = KnowledgeGraph(MemoryStore())
    said = (Evidence("import", Source(SourceId("import:1"), "import"), score=0.95),)
    graph.learn(CARDS.values(), KINDS.values())
    graph.put([Claim(one.head, one.relation, one.tail, said) for one in FACTS])
    monkeypatch.setattr("kgplatform.opening.connect", lambda **_: graph)
    return kg


def test_an_answer_is_checked_and_what_is_meant_is_named(asked: Kg) -> None:
    told = asked("ask", "Who discovered radium?", "--check")
    assert "Without 1 fact of its walk" in told.out
    assert "It rests on them." in told.out
    (found,) = asked("ask", "Who discovered radium?", "--check", "--json").objects
    assert (found["flips"], found["calls"], found["route"]) == (True, 0, ["discovered by"])
    several = asked("ask", "Where was Curie born?")
    assert "--means person:pierre_curie" in several.out
    (one,) = asked("ask", "Where was Curie born?", "--means", "person:pierre_curie", "--json").objects
    assert [end["name"] for end in one["entities"]] == ["Paris"]


def test_what_a_chat_model_says_by_itself_is_marked(asked: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kgplatform.opening.chat", lambda settings, name="": ScriptedChat(lambda _: '{"answer": "Fred"}'))
    told = asked("ask", "Which zebra bit Marie Curie?", "--chat", "local:any")
    assert "Nothing in the graph supports what local:any says by itself: Fred" in told.out
    assert "Fred" not in asked("ask", "Which zebra bit Marie Curie?", "--chat", "local:any", "--no-chat").out
