"""Values as plain properties of their entities, on every server."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kgplatform.errors import StoreConflict, WriteRefused
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id, property_name
from kgplatform.ports import Mirroring
from kgplatform.store import batches, mirror
from kgplatform.store.bolt import BoltStore
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, FactKey, FactQuery, Literal, SourceId
from tests.contract.test_backup import empty as empty
from tests.contract.test_merging import ANN, ANNA
from tests.contract.test_store import ALL, claim, review, thing, told

DAY, YEAR = Literal("1867-11-07", "date"), Literal("1867", "date")


def shown(store: BoltStore, entity: str = ANN) -> dict[str, Any]:
    """The properties of an entity that the mirror wrote, as somebody reads them who asks for Cypher."""
    rows = KnowledgeGraph(store).cypher("MATCH (e:Entity {id: $id}) RETURN properties(e) AS p", id=entity).rows
    if not rows:
        return {}
    names = rows[0][0].get("kg_mirrored") or []
    return {name: rows[0][0][name] for name in names}


def expected(store: BoltStore) -> dict[str, dict[str, Any]]:
    """What every entity ought to show."""
    facts: dict[str, list[dict[str, Any]]] = {}
    for fact in store.facts(FactQuery()):
        if isinstance(tail := fact.tail, Literal):
            row = {"key": fact.key, "relation": fact.relation, "confidence": fact.confidence, "trust": fact.trust}
            facts.setdefault(fact.head.id, []).append(row | {"value": tail.value, "datatype": tail.datatype, "unit": tail.unit})
    return {one: mirror.mirrored(rows) for one, rows in facts.items()}


def all_shown(store: BoltStore) -> dict[str, dict[str, Any]]:
    rows = store._connection.rows("MATCH (e:Entity) WHERE e.kg_mirrored IS NOT NULL RETURN e.id AS id, properties(e) AS p")
    return {row["id"]: {name: row["p"][name] for name in row["p"]["kg_mirrored"]} for row in rows}


def test_people_read_values_naturally(served: BoltStore) -> None:
    served.put(
        [
            claim("Ann", "born on", DAY),
            claim("Ann", "height", Literal("165", "integer", "cm")),
            claim("Ann", "weight", Literal("60.5", "decimal", "kg")),
            claim("Ann", "alive", Literal("false", "boolean")),
            claim("Ann", "motto", Literal("x'}) DETACH DELETE n //")),
            claim("Ann", "born in", "Ulm"),
        ]
    )
    kg = KnowledgeGraph(served)
    found = kg.cypher("MATCH (e:Entity {name: 'Ann'}) RETURN e.born_on, e.height + 1, e.height_unit, e.weight, e.alive, e.motto, e.born_in")
    assert found.rows == (("1867-11-07", 166, "cm", 60.5, False, "x'}) DETACH DELETE n //", None),)


def test_the_best_believed_value_is_shown(served: BoltStore) -> None:
    served.put([claim("Ann", "born on", YEAR, told(score=1.5)), claim("Ann", "born on", Literal("1900", "date"), told(score=0.5))])
    assert shown(served) == {"born_on": "1867"}
    served.put([claim("Ann", "born on", DAY, told("doc:2", 3.0))])
    assert shown(served) == {"born_on": "1867-11-07"}
    served.put([claim("Ann", "born on", DAY, review(-1.0))])
    assert shown(served) == {"born_on": "1867"}
    served.put([claim("Ann", "born on", YEAR, review(-1.0))])
    assert shown(served) == {}
    served.put([claim("Ann", "born on", YEAR, review(0.0, time=2_000))])
    assert shown(served) == {"born_on": "1867"}


def test_of_two_equally_believed_dates_the_finer_is_shown(served: BoltStore) -> None:
    served.put([claim("Ann", "born on", YEAR), claim("Ann", "born on", DAY)])
    assert shown(served) == {"born_on": "1867-11-07"}


def test_what_is_merely_proposed_or_predicted_is_not_shown(served: BoltStore) -> None:
    served.put([claim("Ann", "born on", DAY, told(score=0.1)), claim("Ann", "height", Literal("1", "integer"), told(method="graph"))])
    assert shown(served) == {}


def test_what_is_forgotten_is_no_longer_shown(served: BoltStore) -> None:
    served.put([claim("Ann", "born on", DAY), claim("Ann", "height", Literal("165", "integer", "cm"), told("doc:2", run="a"))])
    served.put([claim("Ann", "born in", "Ulm", told("doc:3"))])
    assert shown(served) == {"born_on": "1867-11-07", "height": 165, "height_unit": "cm"}
    served.forget_run("a")
    assert shown(served) == {"born_on": "1867-11-07"}
    served.forget(SourceId("doc:1"))
    assert shown(served) == {}
    assert "kg_mirrored" not in served._connection.rows("MATCH (e:Entity {id: $id}) RETURN keys(e) AS k", id=ANN)[0]["k"]


def test_a_merge_moves_values_and_undoing_it_moves_them_back(served: BoltStore) -> None:
    served.put([claim("Ann", "height", Literal("165", "integer")), claim("Anna", "born on", DAY), claim("Anna", "born in", "Ulm")])
    assert (shown(served), shown(served, ANNA)) == ({"height": 165}, {"born_on": "1867-11-07"})
    made = served.merge(ANN, ANNA)
    assert (shown(served), shown(served, ANNA)) == ({"born_on": "1867-11-07", "height": 165}, {})
    served.put([claim("Anna", "died on", YEAR)])
    assert shown(served)["died_on"] == "1867"
    served.undo(made.id)
    assert (shown(served), shown(served, ANNA)) == ({"height": 165}, {"born_on": "1867-11-07", "died_on": "1867"})


def test_a_relation_with_a_name_of_ours_harms_nothing(served: BoltStore) -> None:
    relations = [
        "id",
        "name",
        "Name",
        "kinds",
        "aliases",
        "alias keys",
        "merged",
        "also",
        "redirect",
        "rev",
        "kg made",
        "emb",
        "kg mirrored",
    ]
    relations += ["in", "out", "type", "height unit", "Größe", "x" * 90, "'`$ {}"]
    served.put([claim("Ann", relation, Literal("evil")) for relation in relations])
    served.put([claim("Ann", "height", Literal("165", "integer", "cm"))])
    before = served.entities([ANN])
    found = shown(served)
    assert found == {property_name(relation): "evil" for relation in relations} | {"height": 165, "height_unit": "cm"}
    assert {"name_", "kinds_", "height_unit_", "in", "out"} <= found.keys()
    assert served.entities([ANN]) == before
    assert served.named(["ann"])["ann"] == [before[ANN]]
    served.forget(SourceId("doc:1"))
    served.put([claim("Ann", "born in", "Ulm")])
    assert (shown(served), served.entities([ANN])[ANN].name) == ({}, "Ann")


def test_every_property_that_we_give_an_entity_is_kept_from_relations(served: BoltStore) -> None:
    served.put([claim("Ann", "born in", "Ulm"), claim("Anna", "born on", DAY)])
    served.merge(ANN, ANNA)
    served.put([Claim(Entity(ANN, "Annie"), "born in", thing("Ulm", "city"), (told(),))])
    shown(served)
    ours = {name for row in served._connection.rows("MATCH (e:Entity) RETURN keys(e) AS k") for name in row["k"]} - {"born_on"}
    assert len(ours) > 8
    assert not ours & set(map(property_name, ours))


def test_a_property_that_is_somebody_elses_is_left_alone(served: BoltStore) -> None:
    served._connection.writing(lambda tx: tx.run("CREATE (:Entity {id: 'theirs', name: 'T', age: 'mine'})").consume())
    theirs = Entity(EntityId("theirs"), "T")
    served.put([Claim(theirs, "age", Literal("7", "integer"), (told(),)), Claim(theirs, "size", Literal("8", "integer"), (told(),))])
    assert shown(served, "theirs") == {"size": 8}
    served.forget(SourceId("doc:1"))
    assert shown(served, "theirs") == {}
    assert served._connection.rows("MATCH (e:Entity {id: 'theirs'}) RETURN e.age AS age")[0]["age"] == "mine"


def test_a_long_text_stays_at_its_fact(served: BoltStore) -> None:
    served.put([claim("Ann", "life", Literal("x" * 5_000)), claim("Ann", "motto", Literal("x" * 900))])
    assert shown(served) == {"motto": "x" * 900}


def test_again_writes_nothing_and_anew_writes_what_is_missing(served: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PAGE", 2)
    monkeypatch.setattr(mirror, "ENTITIES", 3)
    for n in range(7):
        served.put([claim(f"p{n}", "n", Literal(str(n), "integer")), claim(f"p{n + 1}", "m", Literal(str(n), "integer"), told("doc:2"))])
    assert served.mirror() == 14
    marked = served._connection.rows("MATCH (m:KgMeta {id: 'kgplatform'}) RETURN m.rev AS rev")
    assert served.mirror() == served.mirror() == 0
    assert served._connection.rows("MATCH (m:KgMeta {id: 'kgplatform'}) RETURN m.rev AS rev") == marked
    assert served.mirror(anew=True) == 0
    served._connection.writing(lambda tx: tx.run("MATCH (e:Entity) REMOVE e.n").consume())
    assert served.mirror() == 0
    assert served.mirror(anew=True) == 7
    assert all_shown(served) == expected(served)


def test_what_was_seen_is_not_looked_at_again_and_then_forgotten(served: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    served.put([claim("Ann", "born on", DAY)])
    assert served.mirror() == 1
    looked: list[object] = []

    def look(self: mirror.Mirror, ids: object) -> int:
        looked.append(ids)
        return 0

    monkeypatch.setattr(mirror.Mirror, "_mirror", look)
    served.mirror()
    assert not looked
    monkeypatch.setattr(mirror, "LIFE", -1.0)  # a minute later
    served.mirror()
    mark = mirror.Mark.read(served._connection.rows("MATCH (m:KgMeta {id: 'kgplatform'}) RETURN m.mirrored AS mark")[0]["mark"])
    assert (mark.seen, mark.time > 0) == ({}, True)
    served.mirror()
    assert not looked


def test_a_mirror_that_was_killed_goes_on(served: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PAGE", 2)
    for n in range(6):
        served.put([claim(f"p{n}", "n", Literal(str(n), "integer"))])
    write, turns = mirror.Mirror._mirror, iter(range(9))

    def killed(self: mirror.Mirror, ids: list[str]) -> int:
        if next(turns) == 2:
            raise KeyboardInterrupt
        return write(self, ids)

    with monkeypatch.context() as patched:
        patched.setattr(mirror.Mirror, "_mirror", killed)
        with pytest.raises(KeyboardInterrupt):
            served.mirror()
    served.mirror()
    assert all_shown(served) == expected(served)


def test_followers_at_once_end_with_the_truth(served: BoltStore) -> None:
    chosen = random.Random(1)

    def write(writer: int) -> None:
        for n in range(8):
            served.put(
                [
                    claim(f"p{p}", "n", Literal(str(chosen.randrange(9)), "integer"), told(f"doc:{writer}", 1.1 + n, time=n + 1))
                    for p in range(4)
                ]
            )
            served.mirror()

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(write, writer) for writer in range(3)]:
            done.result()
        for last in [pool.submit(served.mirror) for _ in range(3)]:
            last.result()
    assert all_shown(served) == expected(served)
    assert len(expected(served)) == 4


def test_who_may_not_write_reads_what_was_there(served: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    served.put([claim("Ann", "born on", DAY)])
    for error in (WriteRefused, StoreConflict):

        def refused(work: object, error: type[Exception] = error) -> None:
            raise error("no")

        monkeypatch.setattr(served._connection, "writing", refused)
        found = KnowledgeGraph(served).cypher("MATCH (e:Entity {id: $id}) RETURN e.name, e.born_on", id=ANN)
        assert found.rows == (("Ann", None),)


def test_a_new_calibration_changes_what_is_shown(served: BoltStore) -> None:
    from tests.contract.test_store import STRICTER

    served.put([claim("Ann", "born on", DAY)])
    assert shown(served) == {"born_on": "1867-11-07"}
    served.publish(STRICTER)
    assert shown(served) == {}
    assert served.fact(FactKey("born on|person:ann|=date:::1867-11-07"))


def test_a_restored_graph_is_mirrored_anew(served: BoltStore, empty: BoltStore, tmp_path: Path) -> None:
    served.put([claim("Anna", "born on", DAY), claim("Ann", "height", Literal("165", "integer", "cm"))])
    served.merge(ANN, ANNA)
    before = shown(served)
    served.backup(tmp_path / "all")
    empty.restore(tmp_path / "all")
    assert all_shown(empty) == {}
    assert shown(empty) == before == {"born_on": "1867-11-07", "height": 165, "height_unit": "cm"}


def test_any_history_ends_with_the_truth(served: BoltStore) -> None:
    chosen = random.Random(5)
    merges: list[str] = []
    people = [f"p{n}" for n in range(4)]
    for step in range(25):
        match chosen.choice(["put", "put", "put", "merge", "undo", "forget", "mirror"]):
            case "put":
                piece = told(f"doc:{chosen.randrange(4)}", chosen.choice([0.5, 2.0, 3.0]), time=step + 1)
                served.put([claim(chosen.choice(people), chosen.choice("ab"), Literal(str(n % 3), "integer"), piece) for n in range(4)])
            case "merge":
                keep, other = (entity_id("person", name) for name in chosen.sample(people, 2))
                led = {one.other for one in served.merges() if not one.undone}
                if len(served.entities([keep, other])) == 2 and not {keep, other} & led:
                    merges.append(served.merge(keep, other).id)
            case "undo" if merges:
                served.undo(merges.pop())
            case "forget":
                served.forget(SourceId(f"doc:{chosen.randrange(4)}"))
            case "mirror":
                served.mirror()
                assert all_shown(served) == expected(served)
    served.mirror()
    assert all_shown(served) == expected(served)
    assert list(served.facts(ALL))


def test_the_memory_store_has_no_properties() -> None:
    assert not isinstance(MemoryStore(), Mirroring)
