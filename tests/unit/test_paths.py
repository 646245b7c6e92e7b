"""Relation paths: walking them, cutting a question into them, and finding what a question is about."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from kgplatform.names import entity_id, fact_key
from kgplatform.types import Entity, Fact, Literal, Relation
from reasoning.paths.cuts import LONGEST, Stretches, best_cuts
from reasoning.paths.question import read
from reasoning.paths.search import Hops, Network
from reasoning.paths.topic import Names
from reasoning.paths.wording import titles
from reasoning.paths.words import background, kinship, words


def entity(name: str, *aliases: str, kind: str = "thing") -> Entity:
    return Entity(entity_id(kind, name), name, (kind,), aliases)


def fact(head: str, relation: str, tail: str | Literal, confidence: float = 0.9) -> Fact:
    end = tail if isinstance(tail, Literal) else entity(tail)
    key = fact_key(relation, entity(head).id, end if isinstance(end, Literal) else end.id)
    return Fact(key, entity(head), relation, end, confidence, confidence)


FILMS = [
    fact("Heat", "directed by", "Mann"),
    fact("Ali", "directed by", "Mann", 0.6),
    fact("Heat", "starred", "Pacino"),
    fact("Heat", "starred", "De Niro"),
    fact("Serpico", "starred", "Pacino"),
    fact("Serpico", "directed by", "Lumet"),
    fact("Heat", "released in", Literal("1995", "year")),
    fact("Ali", "released in", Literal("2001", "year")),
]


def hops(network: Network, *names: str) -> Hops:
    """``~`` goes against the direction."""
    count = len(network.relations)
    return tuple(network.relations.index(name.lstrip("~")) + count * name.startswith("~") for name in names)


def reached(network: Network, start: str, *names: str) -> set[str]:
    found = network.reached(network.numbers[entity(start).id], hops(network, *names))
    ends = [network.nodes[node] for node in found]
    return {end.name if isinstance(end, Entity) else end.value for end in ends}


@pytest.fixture
def network() -> Network:
    return Network.of(random.Random(0).sample(FILMS, len(FILMS)))


def test_a_path_carries_the_whole_set(network: Network) -> None:
    assert reached(network, "Mann", "~directed by") == {"Heat", "Ali"}
    assert reached(network, "Mann", "~directed by", "starred") == {"Pacino", "De Niro"}
    assert reached(network, "Mann", "~directed by", "released in") == {"1995", "2001"}


def test_a_path_back_drops_where_it_started(network: Network) -> None:
    assert reached(network, "Heat", "directed by", "~directed by") == {"Ali"}
    assert reached(network, "Pacino", "~starred", "starred") == {"De Niro"}
    assert reached(network, "Serpico", "directed by", "~directed by") == set()


def test_all_paths_are_found_and_no_others(network: Network) -> None:
    start = network.numbers[entity("Lumet").id]
    found = network.paths(start, 3)
    assert len(set(found)) == len(found)
    everything = [p for n in (1, 2, 3) for p in itertools.product(range(network.hops), repeat=n)]
    assert {p for p in everything if len(network.reached(start, p))} <= set(found)
    # Only the last hop is not walked: it may lead back to the start alone.
    assert all(len(network.reached(start, p[:-1])) for p in found if len(p) > 1)


def test_each_end_comes_with_its_most_believed_walk() -> None:
    twice = [*FILMS, fact("Ali", "starred", "Pacino", 0.9)]
    network = Network.of(twice)
    walks = network.walks(network.numbers[entity("Mann").id], hops(network, "~directed by", "starred"))
    by_name = {end.name: path for node, path in walks.items() if isinstance(end := network.nodes[node], Entity)}
    assert set(by_name) == {"Pacino", "De Niro"}
    first, second = by_name["Pacino"].steps
    assert (first.start, first.end, second.end) == (entity("Mann"), entity("Heat"), entity("Pacino"))
    assert (first.forward, second.forward) == (False, True)


# --- cuts ---


def cheapest(stretches: Stretches, path: Hops, returns: bool) -> float:
    """The definition, tried out: every way to lay stretches in order over the words."""
    count, relations = len(stretches.skip), stretches.fit.shape[-1] // 2
    best = -np.inf

    def lay(hop: int, word: int, score: float) -> None:
        nonlocal best
        if hop == len(path):
            best = max(best, score - stretches.skip[word:].sum())
            return
        for begin in range(word, count):
            left = score - stretches.skip[word:begin].sum() - stretches.cut[begin]
            for size in range(min(LONGEST, count - begin)):
                one_phrase = hop and path[hop] % relations == path[hop - 1] % relations and stretches.cut[begin] > 0
                if not one_phrase:
                    lay(hop + 1, begin + size + 1, left + stretches.fit[begin, size, path[hop]])
                if returns and hop + 1 < len(path) and (path[hop] + relations) % (2 * relations) == path[hop + 1]:
                    both = stretches.naming[begin, size, list(path[hop : hop + 2])].max()
                    lay(hop + 2, begin + size + 1, left + both)

    lay(0, 0, 0.0)
    return float(best)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("returns", [False, True])
def test_best_cuts_are_the_best_of_all(seed: int, returns: bool) -> None:
    rng = np.random.default_rng(seed)
    count, relations = 5, 2
    shape = (count, LONGEST, 2 * relations)
    fit, naming = rng.normal(2, 3, shape), rng.normal(2, 3, shape)
    stretches = Stretches(fit, naming, fit, fit, fit[:, 0], rng.random(count), rng.integers(0, 2, count).astype(float))
    for begin in range(count):
        stretches.fit[begin, count - begin :] = stretches.naming[begin, count - begin :] = -np.inf
    for length in (1, 2, 3):
        paths = list(itertools.product(range(2 * relations), repeat=length))
        scores, _ = best_cuts(stretches, np.array(paths), returns)
        np.testing.assert_allclose(scores, [cheapest(stretches, path, returns) for path in paths])


def test_more_hops_than_words_cannot_be_explained() -> None:
    nothing = np.zeros((1, LONGEST, 2))
    stretches = Stretches(nothing, nothing, nothing, nothing, nothing[:, 0], np.zeros(1), np.zeros(1))
    scores, worst = best_cuts(stretches, np.array([[0, 0]]), returns=False)
    assert scores[0] == worst[0] == -np.inf


# --- questions ---


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("what languages are spoken in films directed by [Mann]", ["directed", "films", "spoken", "languages"]),
        ("films directed by [Mann] were released in what years", ["directed", "films", "released", "years"]),
        ("[Mann]'s films star whom", ["films", "star"]),
        ("In which country was [Mann] born?", ["born", "country"]),
        ("which film is about the city in which [Mann] was born", ["born", "city", "film"]),
    ],
)
def test_words_come_in_the_order_of_the_walk(question: str, expected: list[str]) -> None:
    asked = read(question, question.index("[") + 1, question.index("]"))
    assert list(asked.orders[0].words) == expected


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("what genres are the films of [Mann] in", "genres"),
        ("which person directed the films that starred [Mann]", "directed"),
        ("who is the author of [Heat]", "author"),
        ("who co-wrote films with [Mann]", "wrote"),
        ("[Heat] was directed by who", "directed"),
        ("what does [Mann] act in", ""),
        ("when was [Heat] released", ""),
    ],
)
def test_a_question_names_the_role_of_its_answer(question: str, word: str) -> None:
    assert read(question, question.index("["), question.index("]") + 1).called == word


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("directed_by", [["directed by"], []]),
        ("has_genre", [["has genre"], []]),
        ("author_of", [[], ["author of"]]),
        ("wrote", [[], ["wrote"]]),
        ("born_in", [[], []]),
    ],
)
def test_a_relation_names_one_of_its_ends(name: str, ends: list[list[str]]) -> None:
    assert titles([Relation(name)]) == ends


def test_questions_say_what_they_want() -> None:
    asked = read("Who also acted in [Heat]?", 18, 22)
    assert asked.returns
    assert "person" in asked.wanted
    assert "acted" in asked.orders[0].words
    assert "also" not in asked.orders[0].words


@pytest.mark.parametrize(
    ("first", "second"), [("director", "directed"), ("cities", "city"), ("screenwriter", "written"), ("genres", "genre")]
)
def test_forms_of_a_word_are_kin(first: str, second: str) -> None:
    assert kinship(first, second) > 0.5


def test_different_words_are_not_kin() -> None:
    assert kinship("born", "died") == 0.0
    assert len(background()) > 300


def test_words_keep_their_places() -> None:
    text = "Curie's “awards”, née Skłodowska"
    assert [text[word.start : word.end] for word in words(text)] == ["Curie", "awards", "née", "Skłodowska"]


# --- topics ---

NAMED = [entity("Paris"), entity("University of Paris"), entity("Marie Curie", "Maria Skłodowska"), entity("Heat"), entity("The Who")]


def topic(question: str) -> tuple[str, ...]:
    mention = Names(NAMED).mention(question)
    return tuple(found.name for found in mention.entities) if mention else ()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who works for the University of Paris?", "University of Paris"),
        ("who works for the university of paris", "University of Paris"),
        ("What did Maria Skłodowska discover?", "Marie Curie"),
        ("Who discovered what Marie Curi discovered?", "Marie Curie"),
        ("Is there heat in [Paris] today", "Paris"),
        ("Which albums did The Who record?", "The Who"),
    ],
)
def test_the_longest_name_is_the_topic(question: str, expected: str) -> None:
    assert topic(question) == (expected,)


def test_function_words_name_nothing() -> None:
    assert Names([entity("who"), entity("The")]).mention("who is the one") is None


def test_a_capital_goes_before_a_longer_common_word() -> None:
    mention = Names([*NAMED, entity("the actors"), entity("actors")]).mention("What did the actors of Heat do?")
    assert mention is not None
    assert mention.entities == (entity("Heat"),)


def test_a_misspelling_is_said_to_be_one() -> None:
    mention = Names(NAMED).mention("Where was Mary Curie born?")
    assert mention is not None
    assert not mention.exact


def test_near_names_are_offered() -> None:
    assert "Marie Curie" in Names(NAMED).near("What of Mario Carey?")
    assert topic("What of Zbigniew?") == ()
