"""What was measured of one lesion. Every field with a number names its unit; None stands for what was not given."""

from dataclasses import dataclass
from enum import StrEnum

from node.errors import Reason
from node.measure.lesions.attenuation import Attenuation
from node.measure.lesions.before import Before, FirstSeen, PriorImage, Unmatched
from node.measure.lesions.growth import Growth
from node.measure.lesions.location import Location
from node.measure.lesions.screening import NotApplicable, ScreeningBand
from node.measure.lesions.separate import FurtherLesions
from node.measure.lesions.size import Size
from node.measure.lesions.solid import NoduleType
from node.measure.lesions.tnm_text import TnmSize

ALGORITHM = "lesion-measures/1"  # stored with every result; raise it when any number can change

DOUBTED = "the lesion is uncertain: "  # begins the words of its SEG-UNSURE

Point = tuple[float, float, float]


class Finding(StrEnum):
    """Which word describes it: a nodule up to 30 mm long axis, a mass above, a lesion where it was not measured."""

    NODULE = "nodule"
    MASS = "mass"
    LESION = "lesion"


@dataclass(frozen=True, slots=True)
class LesionMeasurements:
    """One lesion.

    Attributes
    ----------
    label, name : of its segment
    lesion_key : which lesion it is, whatever its rank
    centre_lps_mm : centroid of its voxels
    n_voxels : of its segment, also where sizes are refused
    largest_slice : index of the slice with most of its voxels
    finding : the word for it
    size, attenuation : None where refused
    type : None where refused, or where the lesion is too thin to tell
    solid : size of the solid component; only of part-solid lesions
    location, further : where it lies, and what else there is
    tnm : size band and sentence; None where refused or the type is unknown
    screening : bands of screening and follow-up schemes, and those that do not apply
    refused_by : why measures are withheld; empty exactly where `size` is given
    warnings : what makes them less exact
    is_uncertain : the series is flagged SEG-UNSURE, or the model is not sure enough of this lesion
    parameters : "key=value" texts for the report's Algorithm Parameters
    first_seen : where it was first segmented, None where that is its own series
    before : the same lesion in a prior examination, or that it has no match there; None without a comparison
    confidence : the model's calibrated probability that it is a lesion, None without a calibration
    """

    label: int
    name: str
    lesion_key: str
    centre_lps_mm: Point
    n_voxels: int
    largest_slice: int
    finding: Finding
    size: Size | None
    attenuation: Attenuation | None
    type: NoduleType | None
    solid: Size | None
    location: Location
    further: FurtherLesions
    tnm: TnmSize | None
    screening: tuple[ScreeningBand | NotApplicable, ...]
    refused_by: tuple[Reason, ...]
    warnings: tuple[Reason, ...]
    is_uncertain: bool
    parameters: tuple[str, ...]
    algorithm: str = ALGORITHM
    first_seen: FirstSeen | None = None
    before: Before | Unmatched | None = None
    confidence: float | None = None

    @property
    def compared(self) -> Before | None:
        """The same lesion in a prior examination, where it has one."""
        return self.before if isinstance(self.before, Before) else None

    @property
    def prior_image(self) -> PriorImage | None:
        """The prior's image that numbers were compared with; none where the examinations are not alike."""
        before = self.compared
        return before.image if before is not None and isinstance(before.growth, Growth) else None
