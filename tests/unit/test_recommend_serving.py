"""Interactions are kept beside a graph and taken back; what was learned from them is served at once, to those who are new too."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("pyarrow")

import pyarrow as pa
from pyarrow import parquet

from kgplatform.errors import Ambiguous, BadFile, BadRequest, NotFound
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.store.memory import MemoryStore
from kgplatform.texts import Texts
from kgplatform.types import Claim, Entity, EntityId, Evidence, Source, SourceId
from reasoning.recommend import served as files
from reasoning.recommend.aligning import align
from reasoning.recommend.answer import Desk, Wanted
from reasoning.recommend.beside import Beside, Item
from reasoning.recommend.catalogue import brought
from reasoning.recommend.health import Health, telling
from reasoning.recommend.interactions import Interactions
from reasoning.recommend.ranking import Recommender, figures
from reasoning.recommend.reading import Facts
from reasoning.recommend.run import Way, facts_of, learn
from reasoning.recommend.served import Served
from reasoning.recommend.serving import Asked, served
from reasoning.recommend.splitting import Parts, held_out
from reasoning.recommend.training import Settings, train
from reasoning.recommend.why import Explainer
from tests.commands import Kg, commands
from tests.unit.test_recommend import tastes


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> KnowledgeGraph:
    made = KnowledgeGraph(MemoryStore())
    monkeypatch.setattr("kgplatform.opening.connect", lambda **_: made)
    return made


@pytest.fixture
def kg(capsys: pytest.CaptureFixture[str]) -> Kg:
    return commands(capsys)


def put(graph: KnowledgeGraph, *facts: tuple[str, str, str], kind: str = "thing") -> None:
    source = Source(SourceId("file:t"), "import")
    ends = {name: Entity(EntityId(f"{kind}:{name}"), name, (kind,)) for head, _, tail in facts for name in (head, tail)}
    graph.put([Claim(ends[head], relation, ends[tail], (Evidence("import", source, score=1.0),)) for head, relation, tail in facts])


def rows(*pairs: tuple[str, str], times: list[float] | None = None) -> Interactions:
    users, items = zip(*pairs, strict=True)
    return Interactions.of(users, items, None if times is None else np.array(times))


# -- beside the graph --------------------------------------------------------------------------------


def test_what_is_added_is_read_again(tmp_path: Path) -> None:
    beside = Beside(tmp_path / "x")
    whole = tastes()
    added = beside.add(whole, {"i003": Item("Three", "thing:three")})
    kept = beside.read()
    assert (added.new, added.again, added.total) == (len(whole), 0, len(whole))
    assert kept.interactions.users == whole.users
    assert kept.interactions.items == kept.items.ids == whole.items
    np.testing.assert_array_equal(kept.interactions.pairs, whole.pairs)
    np.testing.assert_array_equal(kept.interactions.times, whole.times)
    place = kept.items.ids.find("i003")
    assert (kept.items.names[place], kept.items.entities[place]) == ("Three", "thing:three")


def test_added_again_the_later_stays_and_nothing_is_twice(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    beside.add(rows(("ann", "tea"), ("bob", "tea"), times=[10, 20]), {"tea": Item("Tea", "thing:tea")})
    added = beside.add(rows(("ann", "tea"), ("ann", "jam"), times=[5, 30]), {})
    assert (added.new, added.again, added.total) == (1, 1, 3)
    kept = beside.read()
    assert kept.interactions.times is not None
    assert dict(zip(map(tuple, kept.interactions.pairs.tolist()), kept.interactions.times.tolist(), strict=True)) == {
        (0, 0): 30,
        (0, 1): 10,
        (1, 1): 20,
    }
    assert list(kept.items.names) == ["", "Tea"]  # what was known of an item stays known


def test_times_and_none_do_not_mix(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    beside.add(rows(("ann", "tea"), ("bob", "tea"), times=[10, 20]), {})
    with pytest.raises(BadRequest, match="have times, and these have none"):
        beside.add(rows(("cid", "tea")), {})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz")), min_size=1), st.data())
def test_forgotten_users_leave_nothing(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    beside = Beside(tmp_path_factory.mktemp("beside"))
    beside.add(rows(*pairs), {})
    beside.recommender.write_bytes(b"learned from all of them")
    users = sorted({user for user, _ in pairs})
    gone = set(data.draw(st.lists(st.sampled_from(users), min_size=1, unique=True)))
    left = {pair for pair in pairs if pair[0] not in gone}
    assert beside.forget(gone) == len(set(pairs)) - len(left)
    assert not beside.recommender.exists()
    assert bool(beside) == bool(left)
    if left:
        told = beside.read().interactions
        assert {(told.users[user], told.items[item]) for user, item in told.pairs.tolist()} == left


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    with pytest.raises(NotFound, match="kg interactions add FILE"):
        beside.read()
    beside.add(rows(("ann", "tea")), {})
    parquet.write_table(parquet.read_table(tmp_path / "items.parquet").drop(["text"]), tmp_path / "items.parquet")
    with pytest.raises(BadFile, match=r"items\.parquet: has no column text, it is of another version"):
        beside.read()
    (tmp_path / "interactions.parquet").write_bytes(b"PAR1 no more")
    (tmp_path / "items.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(BadFile, match=r"items\.parquet: cannot be read"):
        beside.read()


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: Beside(tmp_path / "b").add(rows(*((f"u{n}", f"i{m}") for m in range(20))), {}), range(8)))
    assert len(Beside(tmp_path / "b")) == 160


def test_who_is_forgotten_while_it_is_learned_is_not_in_what_is_kept(tmp_path: Path) -> None:
    beside = Beside(tmp_path / "b")
    beside.add(tastes(), {})

    def forgetting(_done: int, _whole: int) -> None:
        if beside.read().interactions.users.find("u000") >= 0:
            beside.forget(["u000"])

    with pytest.raises(BadRequest, match="1 of the users were forgotten while this was learned"):
        learn(KnowledgeGraph(MemoryStore()), beside, Settings(model="bpr", dim=4, epochs=2), way=Way(progress=forgetting))
    assert not beside.recommender.exists()


@pytest.mark.parametrize("header", ['"user","item"', "\ufeffuser,item"])
def test_ids_keep_their_zeros_whatever_the_header_is_like(tmp_path: Path, header: str) -> None:
    (tmp_path / "t.csv").write_text(f"{header}\n007,0012\n7,12\n", "utf-8")
    found = brought(tmp_path / "t.csv").interactions
    assert (list(found.users), list(found.items)) == (["007", "7"], ["0012", "12"])


def test_a_table_may_have_dates_lists_and_cells_without_a_rating(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("user,item,rating,date\na,x,,2024-01-02\nb,x,4,2024-01-03T10:00:00+02:00\n", "utf-8")
    found = brought(tmp_path / "t.csv").interactions
    assert found.times is not None
    assert found.times.tolist() == [1_704_153_600, 1_704_268_800]
    assert found.ratings is not None
    assert np.isnan(found.ratings[0])
    table = pa.table({"user": ["a"], "item": ["x"], "tags": [["t", "u"]], "when": [datetime(2024, 1, 2, tzinfo=UTC)]})
    parquet.write_table(table, tmp_path / "t.parquet")
    assert len(brought(tmp_path / "t.parquet").interactions) == 1
    (tmp_path / "twice.csv").write_text("user,item,x,x\na,b,1,2\n", "utf-8")
    with pytest.raises(BadFile, match="has the column 'x' twice"):
        brought(tmp_path / "twice.csv")


# -- which entities items are ------------------------------------------------------------------------


def test_items_are_entities_by_link_by_id_or_by_name(graph: KnowledgeGraph) -> None:
    put(graph, ("Toy Story", "genre", "Comedy"), ("Fargo", "genre", "Crime"), ("Heat", "genre", "Crime"))
    put(graph, ("Twin", "in", "A"), kind="film")
    put(graph, ("Twin", "in", "B"), kind="book")
    items = {"1": "toy story", "thing:Fargo": "", "3": "whatever", "4": "Twin", "5": "Nobody knows it", "6": ""}
    found = align(graph, items, {"3": "Heat", "9": "Fargo"})
    assert found.entities == {"1": "thing:Toy Story", "thing:Fargo": "thing:Fargo", "3": "thing:Heat"}
    assert found.ambiguous == ("4",)


# -- what is served ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["popularity", "itemknn", "bpr", "lightgcn"])
def test_a_history_is_ranked_as_well_as_the_user_who_was_learned(model: str, tmp_path: Path) -> None:
    fit, watched = held_out(tastes(200, 40), 1)
    quick = Settings(model=model, dim=16, epochs=30, batch=256, rate=0.02)
    trained = train_on(fit, watched, quick)
    made = served(trained, fit, {"model": model})
    files.write(tmp_path / "r", made)
    again = files.read(tmp_path / "r")
    assert again.items == made.items
    told, learned = figures(Asked(again, fit), watched, fit, k=5), figures(trained, watched, fit, k=5)
    assert told.recall.mean() >= learned.recall.mean() - 0.05
    if model != "popularity":
        assert told.recall.mean() > figures(train_on(fit, watched, Settings(model="popularity")), watched, fit, k=5).recall.mean()


def train_on(fit: Interactions, watched: Interactions, how: Settings) -> Recommender:
    return train(Parts(fit, watched, watched), how).model


def made(form: str = "factors", items: int = 30, dim: int = 6) -> Served:
    draw = np.random.default_rng(5)
    counts = draw.integers(1, 90, items)
    arrays = {
        "counts": counts,
        "popular": files.standard(counts.astype(np.float32)),
        "item": draw.normal(size=(items, dim)).astype(np.float32),
        "fold": np.eye(dim, dtype=np.float32),
    }
    return Served(form, Texts.of([f"i{n:02}" for n in range(items)]), arrays, {"model": "bpr"})  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 29), max_size=30), st.integers(1, 40), st.floats(0, 1), st.floats(-1, 1), st.sets(st.integers(0, 29)))
def test_no_item_comes_twice_nor_is_one_that_was_taken_or_is_not_allowed(
    taken: set[int], top: int, diversity: float, popularity: float, wanted: set[int]
) -> None:
    history = np.array(sorted(taken), dtype=np.int64)
    allowed = np.array(sorted(wanted), dtype=np.int64)
    found = made().best(history, top, allowed=lambda places: np.isin(places, allowed), diversity=diversity, popularity=popularity)
    items = [one.item for one in found]
    assert len(items) == len(set(items)) == min(top, len(wanted - taken))
    assert set(items) <= wanted - taken


def test_the_best_are_those_of_the_highest_scores_and_who_took_nothing_gets_what_most_take() -> None:
    one = made()
    history = np.array([3, 4])
    scores = one.scores(one.history(history))[0]
    scores[history] = -np.inf
    assert [pick.item for pick in one.best(history, 5)] == np.argsort(-scores)[:5].tolist()
    assert [pick.item for pick in one.best(np.zeros(0, np.int64), 3)] == np.argsort(-one.arrays["counts"], kind="stable")[:3].tolist()


def test_the_best_of_many_are_found_without_sorting_all() -> None:
    draw = np.random.default_rng(2)
    one, history = made(items=30_000), np.array([7, 9])
    for number, values in enumerate((draw.normal(size=30_000), draw.integers(0, 5, 30_000), np.sort(draw.normal(size=30_000)))):
        scores = values.astype(np.float32)
        flat = Served("counts", one.items, {"counts": scores, "popular": scores}, {})
        scores[history] = -np.inf
        found = [pick.item for pick in flat.best(history, 1 + 30 * number)]
        assert found == np.argsort(-scores, kind="stable")[: 1 + 30 * number].tolist()


def test_diverse_items_are_less_alike_and_popular_ones_more_taken() -> None:
    one, history = made(items=30), np.array([3])
    plain, spread = (one.best(history, 6, diversity=share) for share in (0.0, 0.9))

    def alike(picks: list[files.Pick]) -> float:
        vectors = one.arrays["item"][[pick.item for pick in picks]]
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return float((vectors @ vectors.T).mean())

    assert alike(spread) < alike(plain)
    counts = one.arrays["counts"]
    rare, common = (np.mean([counts[pick.item] for pick in one.best(history, 6, popularity=share)]) for share in (-1.0, 1.0))
    assert rare < common
    for wrong in ({"diversity": 1.5}, {"popularity": -2.0}, {"top": 0}):
        with pytest.raises(BadRequest, match="top must be at least 1"):
            one.best(history, **wrong)


def test_everybody_gets_what_each_would_get_alone() -> None:
    whole = tastes()
    one = served(train_on(*held_out(whole, 0), Settings(model="itemknn")), held_out(whole, 0)[0], {})
    places = np.insert(whole.pairs, 0, whole.pairs[0], axis=0)[1:]  # and somebody who took nothing that was known
    newcomer = Interactions(Texts.of([*whole.users, "zoe"]), Texts.of([*whole.items, "new"]), np.append(places, [[60, 40]], axis=0))
    (*_, (last, items, _)) = one.everybody(newcomer, 3)
    assert (last[-1], items[-1].tolist()) == (60, [pick.item for pick in one.best(np.zeros(0, np.int64), 3)])
    for users, items, scores in one.everybody(whole, 7):
        for user, row, told in zip(users.tolist(), items.tolist(), scores.tolist(), strict=True):
            alone = one.best(whole.pairs[whole.pairs[:, 0] == user, 1], 7)
            assert [pick.score for pick in alone] == pytest.approx(told)
            assert len(set(row)) == 7


def test_a_file_of_another_kind_is_one_sentence(tmp_path: Path) -> None:
    for content in (b"", b"no such thing", b"\x08\0\0\0\0\0\0\0{}      "):
        (tmp_path / "r").write_bytes(content)
        with pytest.raises(BadFile, match="learn the recommender anew"):
            files.read(tmp_path / "r")


# -- learned beside a graph, and asked ---------------------------------------------------------------


def test_what_was_taken_since_counts_and_new_items_wait(tmp_path: Path) -> None:
    graph, beside = KnowledgeGraph(MemoryStore()), Beside(tmp_path)
    beside.add(tastes(), {})
    report = learn(graph, beside, Settings(model="itemknn"))
    assert 0 < report.recall <= 1
    before = Desk(beside).recommend(Desk(beside).taken("u000"), Wanted(5))
    beside.add(Interactions.of(["u000", "u000"], [before[0].item, "brand new"], np.array([3e9, 3e9])), {})
    desk = Desk(beside)
    after = desk.recommend(desk.taken("u000"), Wanted(5))
    assert before[0].item not in {one.item for one in after}
    assert after
    newcomer = desk.recommend(desk.basket(["i000", "i004", "i008"]), Wanted(5))
    assert sum(int(one.item[1:]) % 4 == 0 for one in newcomer) >= 4  # of the same taste


def test_the_words_for_an_item_mean_one_or_are_refused(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    beside.add(rows(("a", "1"), ("a", "2"), ("a", "3")), {"1": Item("Solaris"), "2": Item("Solaris"), "3": Item("Stalker")})
    desk = Desk(beside)
    assert desk.basket(["stalker", "1"]).tolist() == [0, 2]
    with pytest.raises(Ambiguous, match="give the id, one of 1, 2"):
        desk.basket(["Solaris"])
    with pytest.raises(NotFound, match="no item has the id or the name 'Mirror'"):
        desk.basket(["Mirror"])


def test_items_are_found_in_the_graph_by_their_entities(tmp_path: Path, graph: KnowledgeGraph) -> None:
    put(graph, ("tea", "grows in", "Assam"), ("jam", "made of", "plum"))
    beside = Beside(tmp_path)
    beside.add(rows(("a", "tea"), ("a", "jam"), ("b", "oil")), {"tea": Item("", "thing:tea"), "oil": Item("", "thing:lost")})
    view = graph.view()
    facts = facts_of(view, beside.read().items)
    assert [view.entity_ids[place] if place >= 0 else "" for place in facts.of_item.tolist()] == ["", "", "thing:tea"]


# -- health ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pairs", "doubt"),
    [
        ([("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")], "all users took the same items"),
        ([("a", "x"), ("b", "x"), ("b", "y")], "1 of 2 users took one item only"),
        ([("a", "x"), ("b", "y")], "only 0 of 2 items are entities"),
    ],
)
def test_what_is_wrong_with_interactions_is_said(tmp_path: Path, pairs: list[tuple[str, str]], doubt: str) -> None:
    beside = Beside(tmp_path)
    beside.add(rows(*pairs), {})
    assert any(doubt in told for told in Health.of(beside.read()).doubts)


# -- what is typed -----------------------------------------------------------------------------------


def table(name: str = "taken.csv") -> Path:
    whole = tastes()
    lines = [f"{whole.users[user]},{whole.items[item]},Item {whole.items[item]}" for user, item in whole.pairs.tolist()]
    path = Path(name)
    path.write_text("\n".join(["user,item,title", *lines, ""]), "utf-8")
    return path


def test_from_a_table_to_recommendations(kg: Kg, graph: KnowledgeGraph) -> None:
    put(graph, ("Item i001", "made by", "Ann"), ("Item i002", "made by", "Bob"))
    (added,) = kg("interactions", "add", table(), "--json").objects
    assert (added["in_graph"], added["items"], added["again"]) == (2, 40, 0)
    (again,) = kg("interactions", "add", table(), "--json").objects
    assert (again["new"], again["total"]) == (0, added["total"])
    kg("recommend", "u000").refused(2, "no recommender was learned from the interactions yet:  kg interactions learn")
    (learned,) = kg("interactions", "learn", "--model", "itemknn", "--json", "-q").objects
    assert learned["recall@20"] > 0.5
    (found,) = kg("recommend", "u000", "--top", "4", "--json").objects
    assert [one["rank"] for one in found["items"]] == [1, 2, 3, 4]
    assert found["items"][0]["name"].startswith("Item i")
    (basket,) = kg("recommend", "--basket", "Item i001, i005", "--json").objects
    assert {"i001", "i005"}.isdisjoint(one["item"] for one in basket["items"])
    (everybody,) = kg("recommend", "--all", "all.parquet", "--top", "3", "--json").objects
    assert everybody["users"] == 60
    told = parquet.read_table("all.parquet").to_pylist()
    (alone,) = kg("recommend", told[0]["user"], "--top", "3", "--json").objects
    assert [one["item"] for one in alone["items"]] == [row["item"] for row in told[:3]]
    (shown,) = kg("interactions", "show", "--json").objects
    assert shown["recommender"]["model"] == "itemknn"
    assert kg("interactions", "forget", "--user", "u000").code == 0
    kg("recommend", "u000").refused(2, "no interaction is of a user called 'u000'")
    kg("recommend", "u001").refused(2, "no recommender was learned")
    assert kg("interactions", "forget", "--all").code == 0
    kg("interactions", "show").refused(2, "add some by  kg interactions add FILE")


def test_what_cannot_be_recommended_is_one_sentence(kg: Kg, graph: KnowledgeGraph) -> None:
    kg("recommend").refused(2, "name a user, or items by  --basket")
    kg("recommend", "u000").refused(2, "this graph has no interactions beside it")
    kg("interactions", "forget").refused(2, "--user USER,  or  --all")
    kg("interactions", "learn", "--model", "best").refused(2, "'best' is no recommender")
    kg("interactions", "add", "nowhere.csv").refused(2, "there is no such file or folder")
    kg("interactions", "add", table())
    kg("interactions", "learn", "--model", "itemknn", "-q")
    kg("recommend", "nobody").refused(2, "no interaction is of a user called 'nobody'")
    kg("recommend", "--all", "no/such/folder.parquet").refused(2, "there is no folder")
    kg("recommend", "u000", "--all", "x.parquet").refused(2, "--all is for all users alike")
    Path("link.csv").write_text("item,thing\n", "utf-8")
    kg("interactions", "add", table(), "--link", "link.csv").refused(2, "has no columns item and entity")
    Path("link.csv").write_text("item,entity\ni001,nobody\n", "utf-8")
    assert "the graph has no entities for 1 item (nobody)" in kg("interactions", "add", table(), "--link", "link.csv").err
    Path("again.csv").write_text("user,item\nu000,i001\nu000,i001\n", "utf-8")
    assert "1 of 2 rows name a pair again" in kg("interactions", "add", "again.csv").err
    Path("dry.csv").write_text("user,item\nzoe,i001\n", "utf-8")
    assert json.loads(kg("interactions", "add", "dry.csv", "--dry-run", "--json").out)["interactions"] == 1
    kg("recommend", "zoe").refused(2, "'zoe'")


# -- why ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["itemknn", "kgat"])
def test_reasons_are_facts_that_are_believed_now_and_say_what_they_are_worth(tmp_path: Path, model: str) -> None:
    graph, beside = KnowledgeGraph(MemoryStore()), Beside(tmp_path)
    put(
        graph,
        *((f"I{n:03}", "made by", f"Maker {n % 4}") for n in range(40)),
        *((f"I{n:03}", "stands on", f"Shelf {n % 7}") for n in range(40)),
    )
    beside.add(tastes(), {f"i{n:03}": Item(f"Item {n}", f"thing:I{n:03}") for n in range(40)})
    learn(graph, beside, Settings(model=model, dim=8, epochs=6, rate=0.03))
    desk = Desk(beside)
    taken = desk.taken("u000")
    best = desk.recommend(taken, Wanted(1))[0]
    item = desk.items.ids.find(best.item)
    found = Explainer(desk, lambda: graph).why(taken, item)
    assert found
    assert all(step.fact.confidence > 0.5 for one in found for step in one.steps)
    assert {one.change.left_out for one in found} == ({"facts"} if model == "kgat" else {"item"})
    assert {one.change.before for one in found} == {1}
    assert set(found[0].begins) <= {desk.items.ids[place] for place in taken.tolist()}
    through = next(one for one in found if any(step.fact.relation == "made by" for step in one.steps))
    graph.reject(through.steps[0].fact)
    after = Explainer(desk, lambda: graph).why(taken, item)
    assert through.steps[0].fact.key not in {step.fact.key for one in after for step in one.steps}


def test_reasons_are_told_with_the_names_of_items(kg: Kg, graph: KnowledgeGraph) -> None:
    put(graph, *((f"Item i{n:03}", "made by", f"Maker {n % 4}") for n in range(40)))
    kg("interactions", "add", table())
    kg("interactions", "learn", "--model", "itemknn", "-q")
    told = kg("recommend", "u000", "--top", "2", "--why")
    assert "made by" in told.out
    assert "it would" in told.out
    (found,) = kg("recommend", "u000", "--top", "1", "--why", "--json").objects
    (one,) = found["items"]
    assert one["reasons"][0]["steps"][0]["fact"]["confidence"] > 0.5
    assert one["reasons"][0]["begins"][0]["name"].startswith("Item i")


def test_what_diffusion_says_of_facts_goes_to_review_and_can_be_taken_back(kg: Kg, graph: KnowledgeGraph) -> None:
    """Each item has its taste's maker and genre; three of another genre do not fit."""
    fitting = [(f"Item i{n:03}", relation, f"{relation} {n % 4}") for n in range(40) for relation in ("maker", "genre", "studio")]
    put(graph, *fitting, *((f"Item i{n:03}", "genre", f"genre {(n + 1) % 4}") for n in (0, 9, 18)))
    kg("interactions", "add", table())
    how = ["--model", "diffkg", "--epochs", "40", "--dim", "8", "--review"]
    (told,) = kg("interactions", "learn", *how, "--json", "-q").objects
    reviewed = told["reviewed"]
    assert reviewed["pruned"] > 0
    said = [fact for fact in graph.facts(status="all") if any(source.startswith("graph:diffkg") for source in fact.sources)]
    assert len(said) == reviewed["doubted"] + reviewed["links"]
    for source in reviewed["sources"] if said else []:
        graph.forget(source)
    assert not [fact for fact in graph.facts(status="all") if any(source.startswith("graph:diffkg") for source in fact.sources)]
    kg("interactions", "learn", "--model", "itemknn", "--review").refused(2, "itemknn cleans no graph")


def test_interactions_are_mirrored_into_the_graph_server_and_taken_out(kg: Kg, graph: KnowledgeGraph) -> None:
    put(graph, ("Item i001", "made by", "Ann"))
    (added,) = kg("interactions", "add", table(), "--json").objects
    (dry,) = kg("interactions", "mirror", "--dry-run", "--json").objects
    (told,) = kg("interactions", "mirror", "--json", "-q").objects
    assert (dry["kept"], dry["skipped"]) == (told["kept"], added["total"] - told["kept"])
    assert told["kept"] == graph.store.interactions_mirrored() > 0
    assert told["skipped"] == dry["skipped"]
    (gone,) = kg("interactions", "mirror", "--drop", "--json").objects
    assert (gone["dropped"], graph.store.interactions_mirrored()) == (told["kept"], 0)
    kg("interactions", "mirror")
    assert "is gone" in kg("interactions", "forget", "--user", "u000").err
    assert graph.store.interactions_mirrored() == 0


def test_items_that_nobody_took_are_recommended_by_what_is_told_of_them(
    kg: Kg, graph: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Items of a taste are described alike, by an encoder that hashes words."""
    monkeypatch.setattr("kgplatform.opening.encoder", lambda _: HashingEncoder())
    whole, tastes_of = tastes(80, 60), ("tea leaf", "oil lamp", "jam jar", "red brick")
    Path("taken.csv").write_text("user,item\n" + "".join(f"{whole.users[u]},{whole.items[i]}\n" for u, i in whole.pairs.tolist()), "utf-8")
    new = [f"new {number}" for number in range(8)]
    told = {item: tastes_of[int(item[1:]) % 4] for item in whole.items} | {item: tastes_of[number % 4] for number, item in enumerate(new)}
    Path("items.csv").write_text("item,title,text\n" + "".join(f"{item},{item},{text}\n" for item, text in told.items()), "utf-8")
    kg("interactions", "add", "taken.csv")
    (added,) = kg("interactions", "add", "items.csv", "--json").objects
    assert (added["new"], added["items"], added["total"]) == (0, 68, len(whole))
    how = ["interactions", "learn", "--model", "lightgcn", "--dim", "16", "--epochs", "40", "--rate", "0.03", "--json", "-q"]
    (without,) = kg(*how).objects
    (found,) = kg(*how, "--new-items").objects
    assert (without["new_items"], found["new_items"]) == (0, 8)
    shown = [kg("recommend", f"u{number:03}", "--top", "30", "--json").objects[0]["items"] for number in range(20)]
    ranks: dict[bool, list[int]] = {True: [], False: []}
    for number, items in enumerate(shown):
        for one in items:
            if one["item"] in new:
                ranks[int(one["item"].split()[1]) % 4 == number % 4].append(one["rank"])
    assert len(ranks[True]) == 2 * len(shown)
    assert np.mean(ranks[True]) < 6 < np.mean(ranks[False])
    assert all(one["taken_by"] == 0 for items in shown for one in items if one["item"] in new)
    assert "has no vectors" in kg("interactions", "learn", "--model", "itemknn", "--new-items").err


def test_a_graph_about_other_items_is_doubted() -> None:
    """Makers are those of each item's taste; with items exchanged the graph says nothing of who takes what."""
    whole, item = tastes(120, 160), np.arange(160)
    makers = 160 + 8 * (item % 4) + item // 4 % 8  # five items each, all of one taste
    triples = np.stack([item, np.zeros(160, np.int64), makers], axis=1)
    fits, other = (
        telling(whole, Facts(triples, 192, ("made by",), of_item)) for of_item in (item, np.random.default_rng(1).permutation(160))
    )
    assert fits.linked > 1.5 * fits.apart
    assert fits.doubt == ""
    assert "are they the right entities?" in other.doubt
    few = telling(whole, Facts(triples[:5], 192, ("made by",), item))
    assert (few.doubt, few.pairs < 100) == ("", True)


@pytest.mark.parametrize("model", ["itemknn", "kgat"])
def test_a_source_that_is_forgotten_is_in_nothing_that_is_kept(kg: Kg, graph: KnowledgeGraph, model: str) -> None:
    """Item neighbours were not learned from the graph and stay; a model that was learned from it goes."""
    put(graph, *((f"Item i{n:03}", "made by", f"Maker {n % 4}") for n in range(40)))
    kg("interactions", "add", table())
    kg("interactions", "learn", "--model", model, "--epochs", "4", "--dim", "8", "-q")
    assert "made by" in kg("recommend", "u000", "--top", "1", "--why").out
    assert kg("forget", "file:t").code == 0
    held = [path.name for path in Path(os.environ["KG_HOME"]).rglob("*.safetensors")]
    assert held == (["recommender.safetensors"] if model == "itemknn" else [])
    if model == "itemknn":
        told = kg("recommend", "u000", "--top", "1", "--why")
        assert told.code == 0
        assert "went when a source was forgotten" in told.err
    else:
        kg("recommend", "u000").refused(2, "no recommender was learned")
