"""Films, who made them, and who saw them: users of three tastes, of whom each has seen all films of theirs but one or two."""

from __future__ import annotations

from pathlib import Path

from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.types import Claim, Entity, Evidence, Source, SourceId
from tests.ui import world

MARKS = "\u202e**bold** [x](javascript:alert(3)) :material/home:"
"""Turns the direction of writing, and is Markdown."""
MADE = {
    "Alfred Hitchcock": ("Vertigo", "Psycho", "The Birds", "Rear Window", "Notorious", "Rope"),
    "Hayao Miyazaki": ("Spirited Away", "Princess Mononoke", "Ponyo", "Porco Rosso", "My Neighbor Totoro", "The Wind Rises"),
    "Akira Kurosawa": ("Rashomon", "Ikiru", "Ran", "Yojimbo", "Seven Samurai", world.HOSTILE),
}
SHOWN = {"Vertigo": "San Francisco", "The Birds": "San Francisco", "Rear Window": "New York", "Rope": "New York", "Ponyo": "Tomonoura"}
COUNTRY = {"San Francisco": "United States", "New York": "United States", "Tomonoura": "Japan"}
LIKERS = 8
"""Users of each taste."""
FILE = Source(SourceId("import:films.tsv"), "import", "films.tsv")
BOOK = Source(SourceId("doc:book"), "document", "A Book of Films")


def entity(kind: str, name: str) -> Entity:
    return Entity(entity_id(kind, name) if name != world.HOSTILE else world.MALLORY.id, name, (kind,))


def read(film: str) -> tuple[Evidence, ...]:
    quote = "He shot Vertigo and The Birds around San Francisco."
    return (Evidence("text", BOOK, 3.0, "", quote, 0, len(quote), film, "San Francisco"),)


def claims() -> list[Claim]:
    said = (Evidence("import", FILE, 0.9),)
    made = [Claim(entity("work", film), "directed by", entity("person", by), said) for by, films in MADE.items() for film in films]
    shot = [
        Claim(entity("work", film), "filmed in", entity("city", city), read(film) if city == "San Francisco" else said)
        for film, city in SHOWN.items()
    ]
    return [*made, *shot, *(Claim(entity("city", city), "lies in", entity("country", land), said) for city, land in COUNTRY.items())]


def fill(kg: KnowledgeGraph) -> None:
    receipt = kg.put(claims())
    assert not receipt.refused, receipt.refused


def write(path: Path) -> Path:
    """Who saw what, in RecBole's files; user ``t7`` is the eighth of the second taste. Of ``x0`` one film is known."""
    films = [film for made in MADE.values() for film in made]
    items = [*films, MARKS]
    name = path.name
    seen = []
    for taste, (initial, made) in enumerate(zip("htk", MADE.values(), strict=True)):
        for liker in range(LIKERS):
            unseen = {made[liker % 6], made[(liker * 5 + 3) % 6]}
            seen += [(f"{initial}{liker}", film) for film in made if film not in unseen]
            seen += [(f"{initial}{liker}", "Psycho")] if taste else []
            seen += [(f"{initial}{liker}", MARKS)] if taste == 2 and liker < 4 else []
    seen += [("x0", "Rope")]
    path.mkdir(parents=True)
    rows = (f"{user}\tf{items.index(film):02}\n" for user, film in dict.fromkeys(seen))
    (path / f"{name}.inter").write_text("user_id:token\titem_id:token\n" + "".join(rows))
    rows = (f"f{place:02}\t{film}\n" for place, film in enumerate(items))
    (path / f"{name}.item").write_text("item_id:token\ttitle:token_seq\n" + "".join(rows))
    return path
