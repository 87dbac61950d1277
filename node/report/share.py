"""Which of a case's objects one destination gets: its kinds, and of several reports the one that gathers just those.

A report's evidence lists the other objects of the run that go where it goes (standards 1.5, 1.8), so destinations that
get different kinds get different reports, under different UIDs. Everything else is made once and shared.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol, TypeVar

from node.settings import Rung


class Sendable(Protocol):
    """An object of a case, as far as its place is decided by it."""

    @property
    def kind(self) -> str:
        """A value of `Rung`."""

    @property
    def gathers(self) -> tuple[str, ...]:
        """Of a report: the kinds of the other objects that its evidence lists, sorted."""


_Object = TypeVar("_Object", bound=Sendable)


def gathered(made: Iterable[str], rungs: Collection[str]) -> tuple[str, ...]:
    """Return which kinds of the objects that were made beside report and segmentation go to a destination."""
    return tuple(sorted({kind for kind in made if kind in rungs}))


def share_of(objects: Sequence[_Object], rungs: Collection[str]) -> tuple[_Object, ...]:
    """Return what a destination gets, in the order of the objects.

    Where the settings changed since the objects were made, the report that gathers most of what goes there is taken.
    """
    reports = [o for o in objects if o.kind == Rung.SR]
    fitting = [o for o in reports if set(o.gathers) <= set(rungs)] or reports
    chosen = max(fitting, key=lambda o: len(o.gathers), default=None)
    return tuple(o for o in objects if o.kind in rungs and (o.kind != Rung.SR or o is chosen))
