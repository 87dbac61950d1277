"""What each machine code means: a short meaning (Code Meaning in objects, at most 64 characters), scope, condition.

Taken from part 4 of the standards reference, edition 2026b. Scope letters: R whole series refused, D lung density
refused, L lesion measures refused, S SUV refused, P PET part refused, W warning only, "-" skipped or passed over.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.sr.coding import Code as CodedValue

from node.errors import Code, Reason
from node.report import codes


@dataclass(frozen=True, slots=True)
class Explanation:
    """One row of the table of codes."""

    meaning: str
    scope: str
    condition: str


# code | scope | meaning, then the condition, indented
_TABLE = """
GEO-NOIPP | R | Image position, orientation or spacing missing or invalid
    Image Position, Orientation or Pixel Spacing missing, not finite, spacing not positive, cosines not unit or
    orthogonal
GEO-FEW | R | Too few slices or too short an extent
    Fewer than 15 slices or less than 60 mm extent
GEO-GAP | R | Slices missing in the series
    One step above 1.5 times the median step
GEO-UNEVEN | R | Uneven slice spacing
    A step, not above 1.5 times the median, or a slice lies over 1 % of the median and 0.05 mm off an even stack
GEO-DUP | R | Two different slices at one position
    Two instances at one position with different pixels
GEO-DUPSAME | W | The same slice twice under two UIDs
    Same position and pixels; the lowest UID is kept
GEO-TILT | R | Tilted gantry or sheared volume
    Slice normal and position direction differ by more than 0.5 degrees
GEO-ORIENT | R | Orientation differs between slices
    Image Orientation differs by more than 0.001
GEO-NONAX | R | Slices are not axial
    Slice normal more than 10 degrees off the patient's long axis, or rows more than 30 degrees off the other two
GEO-FOR | R | More than one frame of reference
    Several Frame of Reference UIDs in the series
GEO-THICK | R, D, L or W | Slices too thick for some measurements
    Thickness or step above 10 mm R; above 5 mm D and L; above 3 mm L below 10 mm and W; above 1.5 mm W for
    nodules
GEO-PARTIAL | D, volumes marked partial | Lungs are cut off by the scan's limits
    The lung mask touches an end slice by more than 1 cm2, or the border of the plane
GEO-MULTIVOL | R | Several volumes in one series
    Positions repeat or lie in turns, and phase, acquisition or time tell them apart; W where a setting selects one
GEO-MATRIX | R | Matrix or pixel spacing differs between slices
    Rows, Columns or Pixel Spacing differ
HU-NORESC | R | No rescale to Hounsfield units
    Rescale Slope or Intercept and modality LUT missing, or slope 0
HU-UNITS | R | Pixel values are not Hounsfield units
    Rescale Type other than HU, or a multi-energy map
HU-VARY | W or R | Rescale differs between slices
    W where Hounsfield units stay consistent, else R
HU-RANGE | R | Pixel values do not look like a CT of the chest
    Less than 0.1 % of the voxels like air or less than 5 % like soft tissue
HU-PAD | W | Padding values were left out
    Pixel Padding present, or a constant corner value: masked before rescale; a value above -1000 HU from the border
    inwards only
HU-PHOTO | R | Not a grey-scale image
    Photometric Interpretation not MONOCHROME, or several samples
HU-BITS | R | Too few bits or unusual bit layout
    Bits Stored below 12, Bits Allocated 8, or High Bit not Bits Stored - 1
HU-UPPER | W | Bits above the high bit were ignored
    Bits above High Bit set: masked, sign extended from High Bit
HU-SC | R | Not a CT image object
    SOP class neither CT Image nor Enhanced CT
HU-DERIVED | R or W | Derived image
    Reformat, projection or localizer R; plain DERIVED axial W
HU-LOSSY | D, L below 10 mm, else W | Compressed with loss
    Lossy Image Compression is 01
HU-SIGN | R | Pixel sign contradicts the values
    Unsigned pixels with wrapped negative values
ACQ-CONTRAST | D | Contrast agent given
    Contrast in the header, or the aorta's mean above 100 HU
ACQ-KERNEL | D, W for lesion HU | Sharp reconstruction kernel
    A sharp lung or bone kernel of the vendor's list
ACQ-KERNUNK | W | Reconstruction kernel unknown
    Kernel empty or unknown; density is given and marked
ACQ-DTHICK | D | Slices too thick for lung density
    Thickness above 2.5 mm
ACQ-EXP | D, W for volume | Scan in expiration
    Expiration is named in the headers
ACQ-AGE | R or W | Patient too young or age unknown
    Below the minimum age (18 years) R; age unknown W
ACQ-LOWDOSE | D, W | High image noise
    Noise in the air of the trachea above 60 HU
ACQ-MOTION | D, W | Motion artefacts
    Double contours; off until validated
ACQ-METAL | D, W | Metal in the lung region
    Above 3000 HU in the lung region
ACQ-PRONE | D, W | Patient not supine
    Patient Position neither HFS nor FFS
ID-MIXPAT | R, no object | Several patients in one study
    Patient ID, issuer, birth date or sex differ within a study; a differing name is W
ID-MIXSTUDY | R, no object | One series in two studies
    One Series Instance UID under two Study Instance UIDs
ID-NOUID | instance refused | Missing or invalid UID
    A UID is missing, too long, invalid, or file meta and data set differ
ID-DUPDIFF | R for cases that use it | Same UID with other pixels
    SOP Instance UID seen before with other pixels or geometry
ID-NOPID | R | No patient ID
    Patient ID is empty; a setting may allow it
ID-REJECTED | R | Rejected by a rejection note
    Referenced by a Key Object Selection of IHE IOCM
ID-CHANGED | held | Patient data corrected after receipt
    Same UIDs and pixels, other patient or study identity
CS-UNKNOWN | W | Character set unknown or text not decodable
    Names are copied as bytes with the source's own character set
SIZE-DIM | R | Image dimensions out of bounds
    Rows or Columns above 4096, frames above 5000, 4 GiB of pixels, or a length that does not fit
SIZE-NEST | R | Data set nested or inflated beyond bounds
    Depth above 16, 200 000 elements, or deflated 200:1
SIZE-COUNT | R | Too many instances
    More than 6000 instances in a series or 20 000 in a study
PIX-TRUNC | R | Pixel data incomplete or damaged
    Pixel Data too short, a fragment missing, or a decoder's error
TS-UNSUP | R | Transfer syntax not supported
    A transfer syntax that is not accepted
TS-PRIV | R | Private transfer syntax
    A private transfer syntax
SYS-MODEL | R | Model missing or damaged
    A model is not installed, or its digest is wrong
SYS-MEM | R | Not enough memory
    The machine ran out of memory
SYS-TIME | R | Time limit exceeded
    The analysis took longer than its limit
SYS-INCOMPLETE | R | Series incomplete
    The source announced more instances than arrived
SEG-EMPTY | R | No lungs found
    The lung model found no lungs
SEG-IMPLAUS | R | Implausible lungs
    Lung volume outside 0.5 to 12 l, or the mask fails the thorax gate
SEG-ASYM | W, density of the small side and of both withheld | Lungs of very different size
    Left to right ratio outside 0.3 to 3, or one lung missing
SEG-UNSURE | W, density and volumes withheld | Segmentation is unsure
    Segmentations disagree, intensities outside the training range, or lungs implausible; in a lesion's group: the model
    is not sure of that lesion
SEG-MERGED | L | Lesion merges with its surroundings
    A lesion merges with mediastinum, wall or consolidation
LES-EMPTY | our mistake | Empty lesion mask
    A lesion mask without voxels reached a measurement
LES-MANY | W | More than 20 separate marks
    The 20 largest are measured, all are in the segmentation
PT-UNITS | S | PET units not usable
    Units not BQML or GML, or CNTS without factors
PT-NAC | S, P | PET without attenuation correction
    Corrected Image lacks ATTN
PT-DECAY | S | PET without decay correction
    Corrected Image lacks DECY, or Decay Correction unknown
PT-DOSE | S | Injected dose missing or implausible
    Radionuclide Total Dose missing or outside 10 MBq to 2 GBq
PT-WEIGHT | S | Body weight missing or implausible
    Patient's Weight missing or outside 20 to 300 kg
PT-HALF | S | Half life missing or implausible
    Half life missing or not that of the nuclide
PT-HEIGHT | SUL only | Body height missing or implausible
    Patient's Size outside 1.0 to 2.3 m, or sex unknown
PT-TIME | S or W | Injection time missing or uptake time unusual
    Injection time missing S; uptake below 20 or above 180 min W
PT-RPSEQ | S | Radiopharmaceutical not described once
    Radiopharmaceutical Information Sequence without exactly one item
PT-MIDNIGHT | W or S | Injection before midnight assumed
    Injection time later than the scan's: a day was subtracted
PT-SERTIME | S | Series time later than the acquisition
    Post-processed PET without a vendor's time
PT-TIMEDIFF | W or S | Reference times disagree
    Candidates for the decay reference differ by more than 60 s
PT-PHILIPS | S | Philips scale factors missing
    Units CNTS and no usable private factor
PT-SUVTYPE | converted or marked | SUV of another kind
    Units GML and SUV Type other than body weight
PT-DYN | P | Dynamic PET
    Series Type DYNAMIC
PT-GATED | P | Gated PET
    Series Type GATED
PT-REPROJ | P | PET reprojection
    Series Type REPROJECTION
PT-NOVOX | that item only | No voxel above the threshold
    SUVmax below the fixed threshold
PT-SPILL | that item, or all of the lesion | Uptake does not end at the lesion
    Uptake above a threshold (41 % of SUVmax, 2.5, 4.0) goes on beyond 10 mm round the CT lesion; all of the lesion
    where its hottest voxel there lies beside a hotter one outside
PT-TRACER | W | Tracer is not FDG
    Thresholds for FDG are not applied
PT-SLOPE | W | PET rescale varies between slices
    Applied per slice; an intercept other than 0 is named
PT-MULTI | W | Several PET reconstructions
    One was chosen by rule
REG-FOR | P | CT and PET in different frames of reference
    Frame of Reference UIDs differ and no registration links them
REG-TIME | P | CT and PET too far apart in time
    More than 60 min apart, or in another study
REG-SHIFT | W | CT and PET do not match in place
    Body contours or lung bases do not match
PRIOR-ID | W | No comparison: the patient is not identified beyond doubt
    Patient ID or birth date is empty, or an earlier study under this Patient ID has another issuer, birth date or sex
PRIOR-AWAY | W | No comparison: the archive did not give the prior study
    An archive could not be asked, or did not hand over what it lists
PRIOR-LATE | W | No comparison: the prior study was not measured in time
    The prior was not found, fetched and measured within the setting completeness.prior_wait_s
PRIOR-REFUSED | W | No comparison: the prior study could not be measured
    The prior is refused by one of these codes, which the text names, or holds no series like today's
PRIOR-NOFIT | W | No comparison: the two studies could not be aligned
    The lungs of both, aligned rigidly, overlap by less than 0.8 (Dice), or one of the two has none
PRIOR-UNLIKE | W | No growth: the lesion was not measured alike in the prior
    Kernel class or slice thickness differ or are unknown, or one of the two sizes was refused
RT-MODALITY | - | Modality of no interest
    Neither CT nor PET
RT-SOP | - or W | Object type of no interest
    SOP class of no interest, whatever its modality says; inside an axial series the object is left out
RT-LOCALIZER | - or W | Localizer
    A scout; inside an axial series it is left out, as is what no header calls one: few images across the slices, or
    two of no place in the patient, another matrix, another Image Type value 3
RT-DERIVED | - | Derived images
    Reformat, projection or other derived images
RT-BODY | - | Not the chest
    The headers agree that it is no chest
RT-PASSED | - | Another reconstruction was chosen
    Of several reconstructions of one scan another was chosen by rule
RT-NOPAIR | - | PET without matching CT
    No CT of the same frame of reference inside the limit
RT-NOROUTE | - | No route applies
    No rule selects the series
RT-STUDY | - | Another study was chosen
    Several studies given; the newest was taken
RT-OWN | - | Made by this node
    A result of this node is never analysed
FILE-UNREAD | - | File is not readable DICOM
    Not DICOM, or no data set can be read
COR-NORES | correction not used | No result of this node to compare with
    A reader's segmentation of a series that has no current result of ours
COR-FOR | correction not used | Correction in another frame of reference
    The segmentation's Frame of Reference UID is not that of the CT
COR-GEOM | correction not used | Correction on another grid
    Rows, columns, spacing, orientation or a position of the segmentation is not the CT's
COR-EMPTY | correction not used, or W | Correction without voxels
    W for one segment without voxels; not used where none has any
COR-SEGMENT | correction not used, or W | Segments of unknown meaning
    Neither codes nor label say lung or lesion: W, left out; not used where no segment is known
COR-PARTIAL | W | Correction speaks of a part only
    Lungs or lesions are not described by the segmentation, so nothing is said about ours
COR-OVERLAP | W | Segments of the correction overlap
    A voxel in several segments counts as lesion, else as the segment that comes last
COR-FRACTION | W | Fractional segmentation cut at one half
    Half of the maximum fractional value and more counts as inside
COR-SOFTWARE | correction not used | Made by other software alone
    Every segment is AUTOMATIC and none carries one of our tracking UIDs: no reader's correction
"""


def _explanations(table: str) -> dict[Code, Explanation]:
    """Read the table above."""
    found: dict[Code, Explanation] = {}
    for block in table.strip().replace("\n    ", "\t").splitlines():
        head, _, condition = block.partition("\t")
        code, scope, meaning = (part.strip() for part in head.split(" | "))
        found[Code(code)] = Explanation(meaning, scope, condition.replace("\t", " "))
    return found


EXPLANATIONS = _explanations(_TABLE)

_FAMILIES: tuple[tuple[tuple[str, ...], CodedValue], ...] = (
    (("SYS-MODEL",), codes.EQUIPMENT_FAILURE),
    (("SYS-MEM", "SYS-TIME", "SIZE-COUNT"), codes.RESOURCE_INADEQUATE),
    (("SYS-INCOMPLETE", "GEO-GAP", "GEO-FEW", "PIX-TRUNC"), codes.OBJECT_SET_INCOMPLETE),
    (("TS-", "HU-SC", "HU-DERIVED", "HU-PHOTO", "HU-UNITS", "GEO-NONAX", "GEO-TILT"), codes.OBJECT_TYPES_NOT_SUPPORTED),
    (("GEO-MULTIVOL", "PT-", "RT-", "SEG-EMPTY"), codes.OBJECT_TYPES_NOT_SUPPORTED),
    (("SEG-", "ACQ-LOWDOSE", "ACQ-MOTION", "ACQ-METAL", "GEO-THICK", "HU-LOSSY"), codes.INSUFFICIENT_QUALITY),
    (("GEO-", "HU-", "ID-", "CS-", "SIZE-", "FILE-"), codes.OBJECTS_INCORRECTLY_FORMATTED),
)


def meaning(code: Code) -> str:
    """Return the Code Meaning of a reason."""
    return EXPLANATIONS[code].meaning


def in_words(reasons: Iterable[Reason]) -> list[str]:
    """Return each code once with its meaning, such as "SEG-MERGED (Lesion merges with its surroundings)"."""
    return [f"{code} ({meaning(code)})" for code in dict.fromkeys(reason.code for reason in reasons)]


def family(code: Code) -> CodedValue:
    """Return the standard code (CID 9300, 9303) of the family that a refusing reason belongs to."""
    for beginnings, coded in _FAMILIES:
        if code.startswith(beginnings):
            return coded
    return codes.DISCONTINUED
