"""The six easy relations of the shared data, as relations to measure by."""

from __future__ import annotations

import json
from pathlib import Path

from pairs import Judged

from kgplatform.types import Relation

_SEEDS = {
    "capital_of": "Sofia/Bulgaria, Helsinki/Finland, Accra/Ghana, Santiago/Chile, Quito/Ecuador",
    "located_in": "The Prado/Madrid, The Burj Khalifa/Dubai, Stonehenge/England, The Shard/London, The Hagia Sophia/Istanbul",
    "used_for": "ladder/reaching high places, towel/drying the body, scissors/cutting paper, soap/washing hands, kettle/boiling water",
    "part_of": "trunk/elephant, sleeve/shirt, screen/television, handle/door, root/plant",
    "has_property": "Velvet/smooth, The sun/bright, Pepper/spicy, A turtle/slow, Coffee/bitter",
    "born_in": "Fidel Castro/Cuba, Pelé/Brazil, Nikola Tesla/Croatia, Ludwig van Beethoven/Bonn, Hans Christian Andersen/Denmark",
}
"""They come without seeds; none of these words is among their pairs."""
_SHIFT = 13
"""Places by which the tails are moved for the false pairs; read by eye, none of them is true."""


def read_easy(path: Path) -> tuple[Judged, ...]:
    """As the file gives them, each with seeds of ours and as many false pairs as true ones."""
    found = []
    for name, raw in json.loads(path.read_text("utf-8")).items():
        true = tuple((str(head), str(tail)) for head, tail in raw["pairs"])
        false = tuple((head, true[(at + _SHIFT) % len(true)][1]) for at, (head, _) in enumerate(true))
        seeds = tuple(tuple(seed.strip().split("/")) for seed in _SEEDS[name].split(","))
        found.append(Judged(name, "easy", Relation(name.replace("_", " "), prompts=tuple(raw["prompts"]), seeds=seeds), true, false))
    return tuple(found)
