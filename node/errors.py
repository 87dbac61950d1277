"""What can go wrong, by code: reasons about an input (values) and failures (exceptions).

    LungnodeError
    ├── WrongUsage          exit 2   a command was not written as its help says
    ├── InputRefused        exit 3   the input is at fault; trying again will not help
    ├── WorldUnavailable    exit 4   a peer, a disk or a network is at fault; try again
    │   └── NotYetThere     exit 75  what the start needs is not there yet; a unit starts again
    ├── Misconfigured       exit 5   a setting or the environment is at fault; a person must act
    └── OurMistake          exit 70  this program is at fault; an incident with an id

A *reason* is an expected answer about somebody's data and travels as a value (`Reason`, gathered in a
`Refusal` where it stops the series); an *exception* is raised inside a room. Both carry a code of at most
16 characters that is the same in SR, JSON, PDF and logs. The codes of reasons are those of part 4 of the
project's standards reference; `docs/codes.md` is generated from `Code`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Severity(StrEnum):
    """Whether a reason withholds something or only warns."""

    REFUSE = "refuse"
    WARN = "warn"


class Affects(StrEnum):
    """What a refusing reason withholds."""

    SERIES = "series"
    DENSITY = "density"
    MEAN_DENSITY = "mean-density"
    VOLUMES = "volumes"
    LESIONS = "lesions"
    SMALL_LESIONS = "small-lesions"
    SUV = "suv"
    PET = "pet"
    SUL = "sul"
    METABOLIC_VOLUME = "metabolic-volume"


class Code(StrEnum):
    """Machine codes of reasons. A code is never re-used for another meaning."""

    # geometry
    GEO_NOIPP = "GEO-NOIPP"
    GEO_FEW = "GEO-FEW"
    GEO_GAP = "GEO-GAP"
    GEO_UNEVEN = "GEO-UNEVEN"
    GEO_DUP = "GEO-DUP"
    GEO_DUPSAME = "GEO-DUPSAME"
    GEO_TILT = "GEO-TILT"
    GEO_ORIENT = "GEO-ORIENT"
    GEO_NONAX = "GEO-NONAX"
    GEO_FOR = "GEO-FOR"
    GEO_THICK = "GEO-THICK"
    GEO_PARTIAL = "GEO-PARTIAL"
    GEO_MULTIVOL = "GEO-MULTIVOL"
    GEO_MATRIX = "GEO-MATRIX"
    # pixel values
    HU_NORESC = "HU-NORESC"
    HU_UNITS = "HU-UNITS"
    HU_VARY = "HU-VARY"
    HU_RANGE = "HU-RANGE"
    HU_PAD = "HU-PAD"
    HU_PHOTO = "HU-PHOTO"
    HU_BITS = "HU-BITS"
    HU_UPPER = "HU-UPPER"
    HU_SC = "HU-SC"
    HU_DERIVED = "HU-DERIVED"
    HU_LOSSY = "HU-LOSSY"
    HU_SIGN = "HU-SIGN"
    # acquisition
    ACQ_CONTRAST = "ACQ-CONTRAST"
    ACQ_KERNEL = "ACQ-KERNEL"
    ACQ_KERNUNK = "ACQ-KERNUNK"
    ACQ_DTHICK = "ACQ-DTHICK"
    ACQ_EXP = "ACQ-EXP"
    ACQ_AGE = "ACQ-AGE"
    ACQ_LOWDOSE = "ACQ-LOWDOSE"
    ACQ_MOTION = "ACQ-MOTION"
    ACQ_METAL = "ACQ-METAL"
    ACQ_PRONE = "ACQ-PRONE"
    # identity and integrity
    ID_MIXPAT = "ID-MIXPAT"
    ID_MIXSTUDY = "ID-MIXSTUDY"
    ID_NOUID = "ID-NOUID"
    ID_DUPDIFF = "ID-DUPDIFF"
    ID_NOPID = "ID-NOPID"
    ID_REJECTED = "ID-REJECTED"
    ID_CHANGED = "ID-CHANGED"
    CS_UNKNOWN = "CS-UNKNOWN"
    SIZE_DIM = "SIZE-DIM"
    SIZE_NEST = "SIZE-NEST"
    SIZE_COUNT = "SIZE-COUNT"
    PIX_TRUNC = "PIX-TRUNC"
    TS_UNSUP = "TS-UNSUP"
    TS_PRIV = "TS-PRIV"
    SYS_MODEL = "SYS-MODEL"
    SYS_MEM = "SYS-MEM"
    SYS_TIME = "SYS-TIME"
    SYS_INCOMPLETE = "SYS-INCOMPLETE"  # the source announced more instances than arrived (completeness)
    SEG_EMPTY = "SEG-EMPTY"
    SEG_IMPLAUS = "SEG-IMPLAUS"
    SEG_ASYM = "SEG-ASYM"
    SEG_UNSURE = "SEG-UNSURE"
    SEG_MERGED = "SEG-MERGED"
    LES_EMPTY = "LES-EMPTY"
    LES_MANY = "LES-MANY"
    # PET
    PT_UNITS = "PT-UNITS"
    PT_NAC = "PT-NAC"
    PT_DECAY = "PT-DECAY"
    PT_DOSE = "PT-DOSE"
    PT_WEIGHT = "PT-WEIGHT"
    PT_HALF = "PT-HALF"
    PT_HEIGHT = "PT-HEIGHT"
    PT_TIME = "PT-TIME"
    PT_RPSEQ = "PT-RPSEQ"
    PT_MIDNIGHT = "PT-MIDNIGHT"
    PT_SERTIME = "PT-SERTIME"
    PT_TIMEDIFF = "PT-TIMEDIFF"
    PT_PHILIPS = "PT-PHILIPS"
    PT_SUVTYPE = "PT-SUVTYPE"
    PT_DYN = "PT-DYN"
    PT_GATED = "PT-GATED"
    PT_REPROJ = "PT-REPROJ"
    PT_NOVOX = "PT-NOVOX"
    PT_SPILL = "PT-SPILL"
    PT_TRACER = "PT-TRACER"
    PT_SLOPE = "PT-SLOPE"
    PT_MULTI = "PT-MULTI"
    REG_FOR = "REG-FOR"
    REG_TIME = "REG-TIME"
    REG_SHIFT = "REG-SHIFT"
    # comparison with a prior examination: today's result goes out without it
    PRIOR_ID = "PRIOR-ID"
    PRIOR_AWAY = "PRIOR-AWAY"
    PRIOR_LATE = "PRIOR-LATE"
    PRIOR_REFUSED = "PRIOR-REFUSED"
    PRIOR_NOFIT = "PRIOR-NOFIT"
    PRIOR_UNLIKE = "PRIOR-UNLIKE"
    # routing: skipped and passed over
    RT_MODALITY = "RT-MODALITY"
    RT_SOP = "RT-SOP"
    RT_LOCALIZER = "RT-LOCALIZER"
    RT_DERIVED = "RT-DERIVED"
    RT_BODY = "RT-BODY"
    RT_PASSED = "RT-PASSED"
    RT_NOPAIR = "RT-NOPAIR"
    RT_NOROUTE = "RT-NOROUTE"
    RT_STUDY = "RT-STUDY"
    RT_OWN = "RT-OWN"
    FILE_UNREAD = "FILE-UNREAD"
    # corrections by readers
    COR_NORES = "COR-NORES"
    COR_FOR = "COR-FOR"
    COR_GEOM = "COR-GEOM"
    COR_EMPTY = "COR-EMPTY"
    COR_SEGMENT = "COR-SEGMENT"
    COR_PARTIAL = "COR-PARTIAL"
    COR_OVERLAP = "COR-OVERLAP"
    COR_FRACTION = "COR-FRACTION"
    COR_SOFTWARE = "COR-SOFTWARE"


@dataclass(frozen=True, slots=True)
class Reason:
    """One coded finding about an input, in plain words with the measured value and the limit.

    `text` never holds patient data: it may reach logs.
    """

    code: Code
    text: str
    severity: Severity
    affects: tuple[Affects, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a whole series (or study) is not processed. The first refusing reason leads."""

    reasons: tuple[Reason, ...]

    def __post_init__(self) -> None:
        if not any(r.severity is Severity.REFUSE for r in self.reasons):
            raise OurMistake("NO-REASON", "a refusal needs at least one refusing reason")

    @property
    def leading(self) -> Reason:
        """The reason that is shown first."""
        return next(r for r in self.reasons if r.severity is Severity.REFUSE)


def refuse(code: Code, text: str, *affects: Affects) -> Reason:
    """Build a refusing reason; without `affects` it refuses the whole series."""
    return Reason(code, text, Severity.REFUSE, affects or (Affects.SERIES,))


def warn(code: Code, text: str) -> Reason:
    """Build a reason that only warns."""
    return Reason(code, text, Severity.WARN)


class LungnodeError(Exception):
    """The root. `code` is stable, `message` says what was found, what was expected and what to do."""

    exit_code: ClassVar[int] = 70
    retryable: ClassVar[bool] = False

    def __init__(self, code: str, message: str, **context: str | int | float) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.context = context

    def as_json(self) -> dict[str, object]:
        """Return what a log or `--json` shows of it."""
        return {"code": self.code, "message": self.message, "context": self.context, "retryable": self.retryable}


class WrongUsage(LungnodeError):
    """The command line is at fault."""

    exit_code = 2


class InputRefused(LungnodeError):
    """The input is at fault."""

    exit_code = 3


class WorldUnavailable(LungnodeError):
    """A peer, a disk or a network is at fault: try again."""

    exit_code = 4
    retryable = True


class NotYetThere(WorldUnavailable):
    """What a process needs to start is not there yet, as after a power cut: start it again (EX_TEMPFAIL)."""

    exit_code = 75


class Misconfigured(LungnodeError):
    """A setting or the environment is at fault."""

    exit_code = 5


class OurMistake(LungnodeError):
    """This program is at fault."""
