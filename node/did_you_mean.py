"""The word that somebody meant, among those that are known."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence: the nearest word of a vocabulary, or all of it."""
    near = nearest(word, known)
    return f", did you mean {near!r}?" if near else f"; known are {', '.join(sorted(known))}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the word of a vocabulary that is spelt most alike, None where none is near."""
    by_folded = {str(one).casefold(): str(one) for one in known}
    near = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[near[0]] if near else None
