"""How well passages fit the words of a search: by BM25, which counts a rare word more and a long passage less.

Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*, 2009. The full-text indexes of the servers
only propose candidates; this order is the same on every store. How rare a word is follows from the passages given.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from kgplatform.types import Passage

_SATURATION, _LENGTH = 1.2, 0.75
_ALONE = "\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts that part no words: each sign counts as one, as in the servers' indexes."""
_WORD = re.compile(rf"[{_ALONE}]|[^\W{_ALONE}]+(?:['’.][^\W{_ALONE}]+)*")


def words(text: str) -> list[str]:
    """The words of a text, as the servers' indexes part them."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def scores(wanted: Sequence[str], texts: Sequence[str]) -> list[float]:
    """How well each text fits the words; 0 where it has none of them."""
    counted = [Counter(words(text)) for text in texts]
    sizes = [count.total() for count in counted]
    mean = sum(sizes) / len(sizes) if any(sizes) else 1.0
    found = [0.0] * len(texts)
    for word in set(wanted):
        among = sum(word in count for count in counted)
        rarity = math.log(1 + (len(texts) - among + 0.5) / (among + 0.5))
        for place, (count, size) in enumerate(zip(counted, sizes, strict=True)):
            often = count[word]
            found[place] += rarity * often / (often + _SATURATION * (1 - _LENGTH + _LENGTH * size / mean))
    return found


def ranked(asked: Sequence[str], passages: Sequence[Passage], limit: int) -> list[Passage]:
    """The passages that fit the words of a search, best first."""
    wanted = [word for one in asked for word in words(one)]
    scored = zip(scores(wanted, [passage.text for passage in passages]), passages, strict=True)
    fitting = sorted((-score, passage.source, passage.place, passage) for score, passage in scored if score > 0)
    return [passage for *_, passage in fitting[: max(0, limit)]]
