"""From words to entities: the same as one that is there, a new one, or a question for a person.

``exact`` goes by equal names alone, and is what every writer uses unless it is given a ``Linker``, which also knows
initials, abbreviations, spellings and meaning.
"""

from kgplatform.linking.exact import ANYTHING, Linked, Unlinked, by_own_name, compatible, link, resolve, several_bear

__all__ = ["ANYTHING", "Linked", "Unlinked", "by_own_name", "compatible", "link", "resolve", "several_bear"]
