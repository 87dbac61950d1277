"""What each machine code means: a short meaning (Code Meaning in objects, at most 64 characters), its scope, its condition.

Taken from part 4 of the standards reference, edition 2026b. Scope letters: R whole series refused, D lung density refused,
L lesion measures refused, S SUV refused, P PET part refused, W warning only, "-" not refused but skipped or kept aside.
"""

from dataclasses import dataclass

from pydicom.sr.coding import Code as CodedValue

from node.errors import Code
from node.report import codes


@dataclass(frozen=True, slots=True)
class Explanation:
    """One row of the table of codes."""

    meaning: str
    scope: str
    condition: str


EXPLANATIONS: dict[Code, Explanation] = {
    Code.GEO_NOIPP: Explanation("Image position, orientation or spacing missing or invalid", "R",
        "Image Position, Orientation or Pixel Spacing missing, not finite, spacing not positive, cosines not unit or orthogonal"),
    Code.GEO_FEW: Explanation("Too few slices or too short an extent", "R", "Fewer than 15 slices or less than 60 mm extent"),
    Code.GEO_GAP: Explanation("Slices missing in the series", "R", "One step above 1.5 times the median step"),
    Code.GEO_UNEVEN: Explanation("Uneven slice spacing", "R",
        "A step differs from the median by more than 1 % of it and 0.05 mm, none above 1.5 times the median"),
    Code.GEO_DUP: Explanation("Two different slices at one position", "R", "Two instances at one position with different pixels"),
    Code.GEO_DUPSAME: Explanation("The same slice twice under two UIDs", "W", "Same position and pixels; the lowest UID is kept"),
    Code.GEO_TILT: Explanation("Tilted gantry or sheared volume", "R", "Slice normal and position direction differ by more than 0.5 degrees"),
    Code.GEO_ORIENT: Explanation("Orientation differs between slices", "R", "Image Orientation differs by more than 0.001"),
    Code.GEO_NONAX: Explanation("Slices are not axial", "R", "Slice normal more than 10 degrees off the patient's long axis"),
    Code.GEO_FOR: Explanation("More than one frame of reference", "R", "Several Frame of Reference UIDs in the series"),
    Code.GEO_THICK: Explanation("Slices too thick for some measurements", "R, D, L or W",
        "Thickness or step above 10 mm R; above 5 mm D and L; above 3 mm L below 10 mm and W; above 1.5 mm W for nodules"),
    Code.GEO_PARTIAL: Explanation("Lungs are cut off by the scan's limits", "D, volumes marked partial",
        "The lung mask touches the first or last slice by more than 1 cm2, or the border of the plane"),
    Code.GEO_MULTIVOL: Explanation("Several volumes in one series", "R",
        "Positions repeat and phase, acquisition or time tell the copies apart; W where a setting selects one"),
    Code.GEO_MATRIX: Explanation("Matrix or pixel spacing differs between slices", "R", "Rows, Columns or Pixel Spacing differ"),
    Code.HU_NORESC: Explanation("No rescale to Hounsfield units", "R", "Rescale Slope or Intercept and modality LUT missing, or slope 0"),
    Code.HU_UNITS: Explanation("Pixel values are not Hounsfield units", "R", "Rescale Type other than HU, or a multi-energy map"),
    Code.HU_VARY: Explanation("Rescale differs between slices", "W or R", "W where Hounsfield units stay consistent, else R"),
    Code.HU_RANGE: Explanation("Pixel values do not look like a CT of the chest", "R",
        "Less than 0.1 % of the voxels like air or less than 5 % like soft tissue"),
    Code.HU_PAD: Explanation("Padding values were left out", "W", "Pixel Padding present, or a constant corner value: masked before rescale"),
    Code.HU_PHOTO: Explanation("Not a grey-scale image", "R", "Photometric Interpretation not MONOCHROME, or several samples"),
    Code.HU_BITS: Explanation("Too few bits or unusual bit layout", "R", "Bits Stored below 12, Bits Allocated 8, or High Bit not Bits Stored - 1"),
    Code.HU_UPPER: Explanation("Bits above the high bit were ignored", "W", "Bits above High Bit set: masked, sign extended from High Bit"),
    Code.HU_SC: Explanation("Not a CT image object", "R", "SOP class neither CT Image nor Enhanced CT"),
    Code.HU_DERIVED: Explanation("Derived image", "R or W", "Reformat, projection or localizer R; plain DERIVED axial W"),
    Code.HU_LOSSY: Explanation("Compressed with loss", "D, L below 10 mm, else W", "Lossy Image Compression is 01"),
    Code.HU_SIGN: Explanation("Pixel sign contradicts the values", "R", "Unsigned pixels with wrapped negative values"),
    Code.ACQ_CONTRAST: Explanation("Contrast agent given", "D", "Contrast in the header, or the aorta's mean above 100 HU"),
    Code.ACQ_KERNEL: Explanation("Sharp reconstruction kernel", "D, W for lesion HU", "A sharp lung or bone kernel of the vendor's list"),
    Code.ACQ_KERNUNK: Explanation("Reconstruction kernel unknown", "W", "Kernel empty or unknown; density is given and marked"),
    Code.ACQ_DTHICK: Explanation("Slices too thick for lung density", "D", "Thickness above 2.5 mm"),
    Code.ACQ_EXP: Explanation("Scan in expiration", "D, W for volume", "Expiration is named in the headers"),
    Code.ACQ_AGE: Explanation("Patient too young or age unknown", "R or W", "Below the minimum age (18 years) R; age unknown W"),
    Code.ACQ_LOWDOSE: Explanation("High image noise", "D, W", "Noise in the air of the trachea above 60 HU"),
    Code.ACQ_MOTION: Explanation("Motion artefacts", "D, W", "Double contours; off until validated"),
    Code.ACQ_METAL: Explanation("Metal in the lung region", "D, W", "Above 3000 HU in the lung region"),
    Code.ACQ_PRONE: Explanation("Patient not supine", "D, W", "Patient Position neither HFS nor FFS"),
    Code.ID_MIXPAT: Explanation("Several patients in one study", "R, no object",
        "Patient ID, issuer, birth date or sex differ within a study; a differing name is W"),
    Code.ID_MIXSTUDY: Explanation("One series in two studies", "R, no object", "One Series Instance UID under two Study Instance UIDs"),
    Code.ID_NOUID: Explanation("Missing or invalid UID", "instance refused", "A UID is missing, too long, invalid, or file meta and data set differ"),
    Code.ID_DUPDIFF: Explanation("Same UID with other pixels", "R for cases that use it", "SOP Instance UID seen before with other pixels or geometry"),
    Code.ID_NOPID: Explanation("No patient ID", "R", "Patient ID is empty; a setting may allow it"),
    Code.ID_REJECTED: Explanation("Rejected by a rejection note", "R", "Referenced by a Key Object Selection of IHE IOCM"),
    Code.ID_CHANGED: Explanation("Patient data corrected after receipt", "held", "Same UIDs and pixels, other patient or study identity"),
    Code.CS_UNKNOWN: Explanation("Character set unknown or text not decodable", "W", "Names are copied as bytes with the source's own character set"),
    Code.SIZE_DIM: Explanation("Image dimensions out of bounds", "R",
        "Rows or Columns above 4096, frames above 5000, 4 GiB of pixels, or a length that does not fit"),
    Code.SIZE_NEST: Explanation("Data set nested or inflated beyond bounds", "R", "Depth above 16, 200 000 elements, or deflated 200:1"),
    Code.SIZE_COUNT: Explanation("Too many instances", "R", "More than 6000 instances in a series or 20 000 in a study"),
    Code.PIX_TRUNC: Explanation("Pixel data incomplete or damaged", "R", "Pixel Data too short, a fragment missing, or a decoder's error"),
    Code.TS_UNSUP: Explanation("Transfer syntax not supported", "R", "A transfer syntax that is not accepted"),
    Code.TS_PRIV: Explanation("Private transfer syntax", "R", "A private transfer syntax"),
    Code.SYS_MODEL: Explanation("Model missing or damaged", "R", "A model is not installed, or its digest is wrong"),
    Code.SYS_MEM: Explanation("Not enough memory", "R", "The machine ran out of memory"),
    Code.SYS_TIME: Explanation("Time limit exceeded", "R", "The analysis took longer than its limit"),
    Code.SYS_INCOMPLETE: Explanation("Series incomplete", "R", "The source announced more instances than arrived"),
    Code.SEG_EMPTY: Explanation("No lungs found", "R", "The lung model found no lungs"),
    Code.SEG_IMPLAUS: Explanation("Implausible lungs", "R", "Lung volume outside 0.5 to 12 l, or the mask fails the thorax gate"),
    Code.SEG_ASYM: Explanation("Lungs of very different size", "W, density of the small side withheld",
        "Left to right ratio outside 0.3 to 3, or one lung missing"),
    Code.SEG_UNSURE: Explanation("Lung segmentation is unsure", "W, density and volumes withheld",
        "Segmentations disagree, intensities outside the training range, or lungs implausible"),
    Code.SEG_MERGED: Explanation("Lesion merges with its surroundings", "L", "A lesion merges with mediastinum, wall or consolidation"),
    Code.LES_EMPTY: Explanation("Empty lesion mask", "our mistake", "A lesion mask without voxels reached a measurement"),
    Code.LES_MANY: Explanation("More than 20 separate marks", "W", "The 20 largest are measured, all are in the segmentation"),
    Code.PT_UNITS: Explanation("PET units not usable", "S", "Units not BQML or GML, or CNTS without factors"),
    Code.PT_NAC: Explanation("PET without attenuation correction", "S, P", "Corrected Image lacks ATTN"),
    Code.PT_DECAY: Explanation("PET without decay correction", "S", "Corrected Image lacks DECY, or Decay Correction unknown"),
    Code.PT_DOSE: Explanation("Injected dose missing or implausible", "S", "Radionuclide Total Dose missing or outside 10 MBq to 2 GBq"),
    Code.PT_WEIGHT: Explanation("Body weight missing or implausible", "S", "Patient's Weight missing or outside 20 to 300 kg"),
    Code.PT_HALF: Explanation("Half life missing or implausible", "S", "Half life missing or not that of the nuclide"),
    Code.PT_HEIGHT: Explanation("Body height missing or implausible", "SUL only", "Patient's Size outside 1.0 to 2.3 m, or sex unknown"),
    Code.PT_TIME: Explanation("Injection time missing or uptake time unusual", "S or W", "Injection time missing S; uptake below 20 or above 180 min W"),
    Code.PT_RPSEQ: Explanation("Radiopharmaceutical not described once", "S", "Radiopharmaceutical Information Sequence without exactly one item"),
    Code.PT_MIDNIGHT: Explanation("Injection before midnight assumed", "W or S", "Injection time later than the scan's: a day was subtracted"),
    Code.PT_SERTIME: Explanation("Series time later than the acquisition", "S", "Post-processed PET without a vendor's time"),
    Code.PT_TIMEDIFF: Explanation("Reference times disagree", "W or S", "Candidates for the decay reference differ by more than 60 s"),
    Code.PT_PHILIPS: Explanation("Philips scale factors missing", "S", "Units CNTS and no usable private factor"),
    Code.PT_SUVTYPE: Explanation("SUV of another kind", "converted or marked", "Units GML and SUV Type other than body weight"),
    Code.PT_DYN: Explanation("Dynamic PET", "P", "Series Type DYNAMIC"),
    Code.PT_GATED: Explanation("Gated PET", "P", "Series Type GATED"),
    Code.PT_REPROJ: Explanation("PET reprojection", "P", "Series Type REPROJECTION"),
    Code.PT_NOVOX: Explanation("No voxel above the threshold", "that item only", "SUVmax below the fixed threshold"),
    Code.PT_TRACER: Explanation("Tracer is not FDG", "W", "Thresholds for FDG are not applied"),
    Code.PT_SLOPE: Explanation("PET rescale varies between slices", "W", "Applied per slice; an intercept other than 0 is named"),
    Code.PT_MULTI: Explanation("Several PET reconstructions", "W", "One was chosen by rule"),
    Code.REG_FOR: Explanation("CT and PET in different frames of reference", "P", "Frame of Reference UIDs differ and no registration links them"),
    Code.REG_TIME: Explanation("CT and PET too far apart in time", "P", "More than 60 min apart, or in another study"),
    Code.REG_SHIFT: Explanation("CT and PET do not match in place", "W", "Body contours or lung bases do not match"),
    Code.RT_MODALITY: Explanation("Modality of no interest", "-", "Neither CT nor PET"),
    Code.RT_SOP: Explanation("Object type of no interest", "-", "SOP class of no interest, whatever its modality says"),
    Code.RT_LOCALIZER: Explanation("Localizer", "- or W", "A scout; inside an axial series the instance is left out"),
    Code.RT_DERIVED: Explanation("Derived images", "-", "Reformat, projection or other derived images"),
    Code.RT_BODY: Explanation("Not the chest", "-", "The headers agree that it is no chest"),
    Code.RT_PASSED: Explanation("Another reconstruction was chosen", "-", "Of several reconstructions of one scan another was chosen by rule"),
    Code.RT_NOPAIR: Explanation("PET without matching CT", "-", "No CT of the same frame of reference inside the limit"),
    Code.RT_NOROUTE: Explanation("No route applies", "-", "No rule selects the series"),
    Code.RT_STUDY: Explanation("Another study was chosen", "-", "Several studies given; the newest was taken"),
    Code.RT_OWN: Explanation("Made by this node", "-", "A result of this node is never analysed"),
    Code.FILE_UNREAD: Explanation("File is not readable DICOM", "-", "Not DICOM, or no data set can be read"),
}  # fmt: skip

_FAMILIES: tuple[tuple[tuple[str, ...], CodedValue], ...] = (
    (("SYS-MODEL",), codes.EQUIPMENT_FAILURE),
    (("SYS-MEM", "SYS-TIME", "SIZE-COUNT"), codes.RESOURCE_INADEQUATE),
    (("SYS-INCOMPLETE", "GEO-GAP", "GEO-FEW", "PIX-TRUNC"), codes.OBJECT_SET_INCOMPLETE),
    (("TS-", "HU-SC", "HU-DERIVED", "HU-PHOTO", "HU-UNITS", "GEO-NONAX", "GEO-TILT"), codes.OBJECT_TYPES_NOT_SUPPORTED),
    (("GEO-MULTIVOL", "PT-", "RT-"), codes.OBJECT_TYPES_NOT_SUPPORTED),
    (("SEG-", "ACQ-LOWDOSE", "ACQ-MOTION", "ACQ-METAL", "GEO-THICK", "HU-LOSSY"), codes.INSUFFICIENT_QUALITY),
    (("GEO-", "HU-", "ID-", "CS-", "SIZE-", "FILE-"), codes.OBJECTS_INCORRECTLY_FORMATTED),
)


def meaning(code: Code) -> str:
    """Return the Code Meaning of a reason."""
    return EXPLANATIONS[code].meaning


def family(code: Code) -> CodedValue:
    """Return the standard code (CID 9300, 9303) of the family that a refusing reason belongs to."""
    for beginnings, coded in _FAMILIES:
        if code.startswith(beginnings):
            return coded
    return codes.DISCONTINUED
