"""What the scorer is measured on: the two shapes of work that harvesting gives it, one with nothing to share, and pairs to tell apart."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

Item = tuple[str, str]

_PEOPLE = ("Marie Curie", "Isaac Newton", "Ada Lovelace", "Charles Darwin", "Niels Bohr", "Rosalind Franklin", "Max Planck", "Emmy Noether")
_PLACES = ("Paris", "Warsaw", "London", "Copenhagen", "Göttingen", "Berlin", "Cambridge", "Vienna", "New York", "Saint Petersburg")
_THINGS = ("radioactivity", "the theory of heat", "algebra", "natural selection", "the structure of the atom", "computing machines")
_CONTEXT = (
    "In the spring of {year}, {one} left {place} for {other}, where a small laboratory had been promised, and began the long series "
    "of experiments on {thing} that {two}, who was then still teaching in {place}, would later call the foundation of the whole field."
)
_PROMPTS = ("{head} was born in", "{head} worked on", "{head} is known for", "{head} lived in the city of")
_TOOLS = ("{head} is used for", "You need a {head} for", "The purpose of a {head} is")
_HEADS = (
    "knife pen hammer broom oven needle camera shovel telescope umbrella ladder scissors kettle bicycle pillow lamp towel bucket key rope "
    "saw drill spoon fork mirror candle clock compass basket anchor helmet whistle guitar violin brush comb razor blender toaster fridge "
    "printer keyboard battery magnet wrench chisel tent stove boat raft net trap ruler eraser stapler envelope wallet purse glove blanket"
).split()
_USES = (
    "cutting bread;writing letters;driving nails;sweeping floors;baking cakes;sewing clothes;taking pictures;digging holes;watching stars;"
    "staying dry;climbing walls;cutting paper;boiling water;riding to work;sleeping well;lighting rooms;drying hands;carrying water;"
    "opening doors;tying knots;cutting wood;making holes;eating soup;eating meat;seeing oneself;telling time;finding north;making music;"
    "keeping food cold;camping outdoors"
).split(";")


def with_context(sentences: int, seed: int = 0) -> list[Item]:
    """Sentences of a document, each with twenty prompts about it and a few answers to each prompt."""
    chance = random.Random(seed)
    items = []
    for _ in range(sentences):
        one, two = chance.sample(_PEOPLE, 2)
        place, other = chance.sample(_PLACES, 2)
        context = _CONTEXT.format(year=chance.randint(1850, 1930), one=one, two=two, place=place, other=other, thing=chance.choice(_THINGS))
        for head in (one, two, place, other, "The laboratory"):
            for prompt in _PROMPTS:
                answers = chance.sample((*_PEOPLE, *_PLACES, *_THINGS), chance.randint(1, 5))
                items += [(f"{context} {prompt.format(head=head)}", f" {answer}") for answer in answers]
    return items


def without_context(heads: int, seed: int = 0) -> list[Item]:
    """Heads in three prompts, each with twenty to thirty candidate tails."""
    chance = random.Random(seed)
    return [
        (prompt.format(head=head), f" {use}")
        for head in _HEADS[:heads]
        for prompt in _TOOLS
        for use in chance.sample(_USES, chance.randint(20, len(_USES)))
    ]


def nothing_shared(items: int, seed: int = 0) -> list[Item]:
    """Words in an order of their own for each item, so that hardly two begin alike."""
    chance = random.Random(seed)
    words = [word for phrase in (*_HEADS, *_USES, *_PLACES, *_PEOPLE) for word in phrase.split()]
    return [(" ".join(chance.sample(words, chance.randint(6, 14))), f" {chance.choice(_USES)}") for _ in range(items)]


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair of a relation with what the model is asked about it, and whether it is true.

    ``asked[k]`` in prompt ``k`` and ``neutral[k]``, the same with a word in place of what comes first.
    """

    relation: str
    true: bool
    asked: tuple[Item, ...]
    neutral: tuple[Item, ...]


def judged(path: Path, seed: int = 0) -> list[Judged]:
    """The true pairs of the file and as many false ones, made of the same heads and tails."""
    found = []
    for relation, entry in json.loads(path.read_text("utf-8")).items():
        true = [(head, tail) for head, tail in entry["pairs"]]
        for pair in true + _shuffled(true, seed):
            asked, neutral = zip(*(_slots(prompt, pair) for prompt in entry["prompts"]), strict=True)
            found.append(Judged(relation, pair in true, asked, neutral))
    return found


def _shuffled(pairs: list[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    chance = random.Random(seed)
    heads, tails = [head for head, _ in pairs], [tail for _, tail in pairs]
    while True:
        chance.shuffle(tails)
        if not set(zip(heads, tails, strict=True)) & set(pairs):
            return list(zip(heads, tails, strict=True))


def _slots(prompt: str, pair: tuple[str, str]) -> tuple[Item, Item]:
    """What stands second in the prompt, asked for after the first, and after a neutral word."""
    (before, first), (between, second) = _parts(prompt)
    words = dict(zip(("head", "tail"), pair, strict=True))
    neutral = "thing" if before else "This"
    return (before + words[first] + between, f" {words[second]}"), (before + neutral + between, f" {words[second]}")


def _parts(prompt: str) -> tuple[tuple[str, str], tuple[str, str]]:
    first, second = sorted(("head", "tail"), key=lambda slot: prompt.index(f"{{{slot}}}"))
    before, rest = prompt.split(f"{{{first}}}")
    return (before, first), (rest.split(f"{{{second}}}")[0].rstrip(), second)
