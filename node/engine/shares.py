"""What each destination of a case is to get: the objects are made once for all of them."""

from node.settings import Rung, Settings, with_included

_PLAIN = with_included((Rung.SEG, Rung.SR, Rung.NOTICE))


def shares_of(settings: Settings, destinations: tuple[str, ...] | None) -> tuple[frozenset[Rung], ...]:
    """Return the kinds of objects of each destination: those that a route names, None for all that are configured."""
    named = (d for d in settings.destinations if destinations is None or d.name in destinations)
    return tuple(d.rungs for d in named)


def folder_share(settings: Settings, asked: tuple[Rung, ...] | None) -> frozenset[Rung]:
    """Return what one folder gets: what was asked for, else all that any destination gets, else SEG, SR and notices."""
    if asked is not None:
        return with_included(asked)
    return frozenset[Rung]().union(*(d.rungs for d in settings.destinations)) or _PLAIN
