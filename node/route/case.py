"""What routing knows, and what it decides."""

from collections.abc import Container
from dataclasses import dataclass, field
from enum import StrEnum

from node.errors import Reason
from node.facts.series import SeriesFacts
from node.route.night import Night
from node.route.vocabulary import Priority

MODEL_NAME = "lungnode"  # Manufacturer's Model Name of every object that we make


@dataclass(frozen=True, slots=True)
class Known:
    """What routing is told beside the headers.

    `tasks` names what installed models can do ("lungs", "lesions", "nodules"); `lungs` and `lesions` are the models
    that a route means by "default". `rejected_uids` are instances that a rejection note names, and series of which
    such were purged.
    `series_elsewhere` are series UIDs that also stand in another study (ID-MIXSTUDY).
    """

    called_ae: str | None = None
    tasks: Container[str] = frozenset(("lungs",))
    own_uids: Container[str] = frozenset()
    rejected_uids: Container[str] = frozenset()
    calling_ae: str | None = None
    lungs: str = "lungs-joint"
    lesions: str | None = None
    own_equipment: tuple[str, str] = ("lungnode", MODEL_NAME)  # General Equipment's manufacturer and model
    series_elsewhere: Container[str] = frozenset()
    earl: bool = False  # of several PET reconstructions rather take one without resolution modelling


class Role(StrEnum):
    """What became of a series that was not analysed."""

    PASSED_OVER = "passed-over"
    SKIPPED = "skipped"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Case:
    """One analysis to be made. `destinations` None means all; `why` says in plain words how it came about.

    `partners` is the PET of the same frame of reference, chosen as `pairing.py` says, and `partner_reasons` says so
    where there was a choice. `reasons` are warnings. `awaited` is a series that would be taken instead if its slices
    were all there.
    """

    route: str
    anchor: SeriesFacts
    partners: tuple[SeriesFacts, ...]
    lungs: str | None
    lesions: str | None
    priority: Priority
    destinations: tuple[str, ...] | None
    why: tuple[str, ...]
    night: Night | None = None  # when an off-peak case may start
    reasons: tuple[Reason, ...] = ()
    partner_reasons: tuple[Reason, ...] = ()
    awaited: SeriesFacts | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """A series that is not analysed, with every reason."""

    series: SeriesFacts
    reasons: tuple[Reason, ...]
    role: Role


@dataclass(frozen=True, slots=True)
class Selection:
    """Every series of what was asked stands in exactly one place: as anchor, as partner or in `passed`."""

    cases: tuple[Case, ...] = ()
    passed: tuple[Passed, ...] = field(default=())
