"""Words that say little, or say it in short: what a comparison of names has to know of the language of names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations

from rapidfuzz.distance import Postfix, Prefix

SMALL = frozenset("the a an of de la le les du des der die das den von van el al and und et y am on for to".split())
"""Words of a name that a comparison passes over."""
COUNTING = frozenset("no nr number v ver version release".split())
"""What it passes over before a number."""
TITLES = frozenset(
    "mr mrs ms miss dr prof professor sir dame lord lady king queen prince princess emperor empress pope saint president rev reverend hon "
    "herr frau monsieur madame".split()
)
GENDERED = frozenset("mrs ms miss dame lady queen princess empress frau madame".split())
LEGAL = frozenset("inc ltd llc plc ag gmbh corp corporation co company limited sa spa nv bv oy ab incorporated".split())
"""Of a firm: its legal form."""
GENERATIONS = frozenset("jr sr junior senior elder younger fils pere".split())
"""What tells members of a family apart."""
APART = TITLES | GENERATIONS
"""Words that are like no other."""
UMLAUTS = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "ae"), ("Ö", "oe"), ("Ü", "ue"), ("ß", "ss"), ("ø", "oe"), ("å", "aa"), ("æ", "ae"))

NUMBERS: Mapping[str, str] = {
    word: str(value)
    for words in (
        "zero one two three four five six seven eight nine ten eleven twelve "
        "thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty",
        "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
        "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth",
    )
    for value, word in enumerate(words.split())
}

_SHORT = {
    "st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort", "univ": "university", "intl": "international", "natl": "national",
    "dept": "department", "govt": "government", "gov": "governor", "inst": "institute", "assoc": "association", "bros": "brothers",
    "jr": "junior", "sr": "senior", "gen": "general", "col": "colonel", "capt": "captain", "ave": "avenue", "rd": "road",
    "blvd": "boulevard",
    "max": "maximum", "min": "minimum", "avg": "average", "temp": "temperature", "approx": "approximate", "vs": "versus",
    "uk": "united kingdom", "us": "united states", "usa": "united states america", "ussr": "soviet union", "nyc": "new york city",
    "uae": "united arab emirates", "dc": "district columbia",
}  # fmt: skip
_STATES = (
    "al alabama ak alaska az arizona ar arkansas ca california co colorado ct connecticut fl florida ga georgia hi hawaii id idaho "
    "il illinois in indiana ia iowa ks kansas ky kentucky la louisiana me maine md maryland ma massachusetts mi michigan mn "
    "minnesota ms mississippi mo missouri mt montana ne nebraska nv nevada oh ohio ok oklahoma or oregon pa pennsylvania tn "
    "tennessee tx texas ut utah vt vermont va virginia wa washington wi wisconsin wy wyoming"
).split()
STATES: Mapping[str, str] = dict(zip(_STATES[::2], _STATES[1::2], strict=True))
"""Behind the comma of a place."""
SHORT: Mapping[str, str] = _SHORT
CLEAR = frozenset("st mt univ intl natl dept govt bros jr sr capt blvd max min avg temp approx ussr".split())
"""Abbreviations that are no words."""
BRITISH = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"(?<=[a-z]{2})our(?=$|ed|ing|al|able)", "or"),
        (r"(?<=[a-z][tb])re$", "er"),
        (r"(?<=[a-z]{2})is(?=e$|ed$|ing$|ation$|er$)", "iz"),
    )
)

MARKS: Mapping[str, str] = {
    "%": "percent",
    "$": "dollar",
    "€": "euro",
    "£": "pound",
    "°": "degree",
    "°C": "celsius",
    "°F": "fahrenheit",
    "′": "prime",
    "+": "plus",
    "#": "sharp",
}

_CONTRASTS = (
    ("non", "un", "in", "im", "ir", "il", "dis", "de", "anti", "counter", "a", "mis", ""),
    ("hyper", "hypo"), ("hetero", "homo"), ("mono", "bi", "di", "tri", "poly", "multi", "uni"), ("pre", "post"), ("inter", "intra"),
    ("micro", "macro", "nano", "meso"), ("over", "under"), ("sub", "super", "supra"), ("endo", "exo"), ("con", "di"), ("en", "de"),
    ("in", "de", "ex"), ("up", "down"), ("maxi", "mini"),
)  # fmt: skip

_ENDINGS = (("", "less"), ("ful", "less"), ("", "out"), ("ate", "ite", "ide"), ("ane", "ene", "yne"), ("philic", "phobic"), ("er", "ee"))


def opposed(one: str, other: str) -> bool:
    """Whether two words differ in a beginning or an ending that turns their meaning: "bonded", "nonbonded"."""
    if one[-1:] == other[-1:] and len(min(one, other, key=len)) > 3:
        behind = Postfix.similarity(one, other)
        if (one[: len(one) - behind], other[: len(other) - behind]) in _BEFORE:
            return True
    before = Prefix.similarity(one, other)
    return before > 2 and (one[before:], other[before:]) in _BEHIND


def _contrasting(groups: Iterable[Sequence[str]], beginnings: bool) -> frozenset[tuple[str, str]]:
    """What two words of a group begin or end with, as far as it differs."""
    found = set()
    for one, other in (pair for group in groups for pair in permutations(group, 2)):
        shared = (Postfix if beginnings else Prefix).similarity(one, other)
        found.add((one[: len(one) - shared], other[: len(other) - shared]) if beginnings else (one[shared:], other[shared:]))
    return frozenset(found)


_BEFORE, _BEHIND = _contrasting(_CONTRASTS, beginnings=True), _contrasting(_ENDINGS, beginnings=False)

_LENGTH, _MASS, _TIME, _VOLUME, _PRESSURE, _DATA = "length", "mass", "time", "volume", "pressure", "data"
_SCALED = {
    "m": (_LENGTH, 1.0, "meter metre"), "g": (_MASS, 1e-3, "gram gramme"), "s": (_TIME, 1.0, "second"), "l": (_VOLUME, 1.0, "liter litre"),
    "L": (_VOLUME, 1.0, ""), "Pa": (_PRESSURE, 1.0, "pascal"), "V": ("voltage", 1.0, "volt"), "A": ("current", 1.0, "ampere amp"),
    "W": ("power", 1.0, "watt"), "Hz": ("frequency", 1.0, "hertz"), "J": ("energy", 1.0, "joule"), "N": ("force", 1.0, "newton"),
    "mol": ("amount", 1.0, "mole"), "eV": ("energy", 1.602176634e-19, "electronvolt"), "bar": (_PRESSURE, 1e5, ""),
    "B": (_DATA, 1.0, "byte"), "b": (_DATA, 0.125, "bit"),
}  # fmt: skip
_PREFIXES = {
    "": (1.0, ""), "k": (1e3, "kilo"), "M": (1e6, "mega"), "G": (1e9, "giga"), "T": (1e12, "tera"), "c": (1e-2, "centi"),
    "m": (1e-3, "milli"),
    "µ": (1e-6, "micro"), "μ": (1e-6, "micro"), "u": (1e-6, "micro"), "n": (1e-9, "nano"), "p": (1e-12, "pico"),
}  # fmt: skip
_OTHERS = {
    "min": (_TIME, 60.0, "minute"), "h": (_TIME, 3600.0, "hour"),
    "days": (_TIME, 86400.0, "day"), "mi": (_LENGTH, 1609.344, "mile"),
    "ft": (_LENGTH, 0.3048, "foot feet"), "lb": (_MASS, 0.45359237, "pound"),
    "tonnes": (_MASS, 1e3, "tonne"), "atm": (_PRESSURE, 101325.0, "atmosphere"),
    "kelvins": ("temperature", 1.0, "kelvin"), "°C": ("celsius", 1.0, "celsius"),
    "°F": ("fahrenheit", 1.0, "fahrenheit"), "%": ("share", 1.0, "percent"),
}  # fmt: skip


def _units() -> tuple[dict[str, tuple[str, float]], dict[str, tuple[str, float]]]:
    symbols, words = dict[str, tuple[str, float]](), dict[str, tuple[str, float]]()
    for prefix, (times, spoken) in _PREFIXES.items():
        for symbol, (dimension, factor, called) in _SCALED.items():
            symbols.setdefault(prefix + symbol, (dimension, times * factor))
            words |= {spoken + word: (dimension, times * factor) for word in called.split()}
    for symbol, (dimension, factor, called) in _OTHERS.items():
        symbols[symbol] = (dimension, factor)
        words |= dict.fromkeys(called.split(), (dimension, factor))
    for letter in "A B b N".split():  # more often a mark than a unit
        del symbols[letter]
    return symbols, words


def _folded(symbols: Mapping[str, tuple[str, float]]) -> dict[str, tuple[str, float]]:
    """Symbols of several letters that mean one unit in whatever letters."""
    meant: dict[str, set[tuple[str, float]]] = defaultdict(set)
    for symbol, measure in symbols.items():
        meant[symbol.casefold()].add(measure)
    return {symbol: next(iter(measures)) for symbol, measures in meant.items() if len(measures) == 1 and len(symbol) > 1}


_SYMBOLS, _CALLED = _units()
_FOLDED = _folded(_SYMBOLS)


def unit(written: str, plain: str) -> tuple[str, float] | None:
    """What a unit measures, and how much of the base unit it is; a symbol counts as it is written, a word in any way."""
    return _SYMBOLS.get(written) or _CALLED.get(plain) or _CALLED.get(plain.removesuffix("s")) or _FOLDED.get(written.casefold())
