"""A small graph with every sort of fact that the page has a face for."""

from __future__ import annotations

from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.types import Claim, Entity, EntityId, Evidence, Literal, Relation, Source, SourceId

QUOTE = "Marie Curie, born in Warsaw on 7 November 1867, discovered polonium and radium."
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"

DOCUMENT = Source(SourceId("doc:radium"), "document", "Radium and polonium")
SECOND = Source(SourceId("doc:institute"), "document", "The Radium Institute")
FILE = Source(SourceId("import:facts.tsv"), "import", "facts.tsv")
MEMORY = Source(SourceId("model:smollm2"), "model", "smollm2-135m")
PREDICTOR = Source(SourceId("graph:complex"), "graph", "ComplEx")
HOSTILE_DOCUMENT = Source(SourceId("doc:hostile"), "document", HOSTILE)


def entity(kind: str, name: str, *aliases: str, description: str = "") -> Entity:
    return Entity(entity_id(kind, name), name, (kind,), aliases, description)


MARIE = entity("person", "Marie Curie", "Maria Skłodowska", description="Physicist and chemist.")
PIERRE = entity("person", "Pierre Curie")
IRENE = entity("person", "Irène Joliot-Curie")
BECQUEREL = entity("person", "Henri Becquerel")
WARSAW = entity("city", "Warsaw")
PARIS = entity("city", "Paris")
POLAND = entity("country", "Poland")
FRANCE = entity("country", "France")
POLONIUM = entity("element", "Polonium")
RADIUM = entity("element", "Radium")
INSTITUTE = entity("organisation", "Radium Institute")
SORBONNE = entity("university", "Sorbonne", "University of Paris")
NOBEL = entity("award", "Nobel Prize in Physics")
MALLORY = Entity(EntityId("person:mallory"), HOSTILE, ("person",), (), HOSTILE)


def read(quote: str, head: str, tail: str, score: float = 3.0, source: Source = DOCUMENT) -> Evidence:
    return Evidence("text", source, score, "", quote, 120, 120 + len(quote), head, tail, time=1_700_000_000_000)


def imported(score: float = 0.9) -> Evidence:
    return Evidence("import", FILE, score)


def recalled(score: float = 1.4) -> Evidence:
    return Evidence("memory", MEMORY, score, model="smollm2-135m@1", detail=(("prompt", "{head} is the capital of {tail}"),))


def predicted(score: float = 1.8) -> Evidence:
    return Evidence("graph", PREDICTOR, score, model="complex@1")


def claims() -> list[Claim]:
    born, discovered = ("Marie Curie", "Warsaw"), "discovered by"
    return [
        Claim(MARIE, "born in", WARSAW, (read(QUOTE, *born), recalled(0.9), imported())),
        Claim(MARIE, "born in", PARIS, (recalled(1.6),)),
        Claim(MARIE, "born on", Literal("1867-11-07", "date"), (read(QUOTE, "Marie Curie", "7 November 1867"),)),
        Claim(POLONIUM, discovered, MARIE, (read(QUOTE, "polonium", "Marie Curie"),)),
        Claim(RADIUM, discovered, MARIE, (read(QUOTE, "radium", "Marie Curie"), imported(0.95))),
        Claim(RADIUM, discovered, PIERRE, (imported(0.8),)),
        Claim(POLONIUM, "atomic number", Literal("84", "integer"), (imported(0.97),)),
        Claim(RADIUM, "atomic number", Literal("88", "integer"), (imported(0.97),)),
        Claim(POLONIUM, "named after", POLAND, (read("Polonium is named after Poland.", "Polonium", "Poland", 2.1, SECOND),)),
        Claim(MARIE, "married to", PIERRE, (imported(),)),
        Claim(MARIE, "worked at", SORBONNE, (read("In 1906 she took his chair at the Sorbonne.", "she", "Sorbonne", 1.7, SECOND),)),
        Claim(MARIE, "received", NOBEL, (imported(0.96),)),
        Claim(PIERRE, "received", NOBEL, (imported(0.96),)),
        Claim(BECQUEREL, "received", NOBEL, (imported(0.96),)),
        Claim(BECQUEREL, "worked at", SORBONNE, (predicted(),)),
        Claim(PIERRE, "worked at", SORBONNE, (predicted(2.6),)),
        Claim(IRENE, "child of", MARIE, (imported(),)),
        Claim(IRENE, "child of", PIERRE, (imported(0.85),)),
        Claim(IRENE, "born in", PARIS, (read("Irène was born in Paris in 1897.", "Irène", "Paris", 2.4, SECOND),)),
        Claim(INSTITUTE, "founded by", MARIE, (recalled(1.9),)),
        Claim(INSTITUTE, "located in", PARIS, (imported(0.92),)),
        Claim(SORBONNE, "located in", PARIS, (imported(0.94),)),
        Claim(WARSAW, "capital of", POLAND, (imported(0.98), recalled(2.2))),
        Claim(PARIS, "capital of", FRANCE, (imported(0.98),)),
        Claim(BECQUEREL, "born in", PARIS, (recalled(0.2),)),
        Claim(MALLORY, "born in", WARSAW, (read(HOSTILE, "alert", "script", source=HOSTILE_DOCUMENT),)),
        Claim(MALLORY, "worked at", INSTITUTE, (imported(0.7),)),
    ]


def learn(kg: KnowledgeGraph) -> None:
    kg.learn([Relation("born in", functional=True), Relation("married to", symmetric=True), Relation("born on", range=("date",))])


def fill(kg: KnowledgeGraph) -> None:
    learn(kg)
    receipt = kg.put(claims())
    assert not receipt.refused, receipt.refused
