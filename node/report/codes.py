"""Every coded concept that the node writes, and nothing else: the only file with code values.

Public codes are those of PS3.16-2026b (scheme DCM), SNOMED CT (SCT), LOINC (LN), UCUM and RFC 5646; the private ones
belong to scheme 99LUNGNODE (standards reference 2.6). A private code value is never re-used for another meaning.
"""

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from node import errors
from node.measure.lesions.bands import BANDS
from node.report.ascii_text import ascii_text

SCHEME = "99LUNGNODE"
SCHEME_UID = "2.25.29656039371803676909868810581135936144"  # a constant made once from a random UUID (standards 1.3)
SCHEME_VERSION = "1"


def dcm(value: str, meaning: str) -> Code:
    """Return a code of the DICOM scheme."""
    return Code(value, "DCM", meaning)


def sct(value: str, meaning: str) -> Code:
    """Return a SNOMED CT code."""
    return Code(value, "SCT", meaning)


def ucum(value: str, meaning: str) -> Code:
    """Return a unit."""
    return Code(value, "UCUM", meaning)


def private(value: str, meaning: str) -> Code:
    """Return a code of our own scheme."""
    return Code(value, SCHEME, meaning)


# the report's skeleton, TID 1500 and what it includes
REPORT = dcm("126000", "Imaging Measurement Report")
LANGUAGE = dcm("121049", "Language of Content Item and Descendants")
ENGLISH = Code("en", "RFC5646", "English")
OBSERVER_TYPE = dcm("121005", "Observer Type")
DEVICE = dcm("121007", "Device")
DEVICE_OBSERVER_UID = dcm("121012", "Device Observer UID")
DEVICE_OBSERVER_NAME = dcm("121013", "Device Observer Name")
DEVICE_OBSERVER_MANUFACTURER = dcm("121014", "Device Observer Manufacturer")
DEVICE_OBSERVER_MODEL = dcm("121015", "Device Observer Model Name")
DEVICE_OBSERVER_SERIAL = dcm("121016", "Device Observer Serial Number")
PROCEDURE_REPORTED = dcm("121058", "Procedure reported")
CT_UNSPECIFIED = Code("25045-6", "LN", "CT unspecified body region")
IMAGE_LIBRARY = dcm("111028", "Image Library")
IMAGE_LIBRARY_GROUP = dcm("126200", "Image Library Group")
MODALITY = dcm("121139", "Modality")
MODALITY_CT = dcm("CT", "Computed Tomography")
TARGET_REGION = dcm("123014", "Target Region")
CHEST = sct("51185008", "Chest")
FRAME_OF_REFERENCE = dcm("112227", "Frame of Reference UID")
HORIZONTAL_SPACING = dcm("111026", "Horizontal Pixel Spacing")
VERTICAL_SPACING = dcm("111066", "Vertical Pixel Spacing")
SLICE_SPACING = dcm("112226", "Spacing between slices")
SLICE_THICKNESS = dcm("112225", "Slice Thickness")
SOURCE = sct("260753009", "Source")
IMAGING_MEASUREMENTS = dcm("126010", "Imaging Measurements")
MEASUREMENT_GROUP = dcm("125007", "Measurement Group")
TRACKING_IDENTIFIER = dcm("112039", "Tracking Identifier")
TRACKING_UID = dcm("112040", "Tracking Unique Identifier")
FINDING_CATEGORY = sct("276214006", "Finding category")
FINDING = dcm("121071", "Finding")
FINDING_SITE = sct("363698007", "Finding Site")
LATERALITY = sct("272741003", "Laterality")
ALGORITHM_NAME = dcm("111001", "Algorithm Name")
ALGORITHM_VERSION = dcm("111003", "Algorithm Version")
ALGORITHM_MANUFACTURER = dcm("122405", "Algorithm Manufacturer")
ALGORITHM_PARAMETERS = dcm("111002", "Algorithm Parameters")
MEASUREMENT_METHOD = sct("370129005", "Measurement Method")
DERIVATION = dcm("121401", "Derivation")
REFERENCED_SEGMENT = dcm("121191", "Referenced Segment")
SOURCE_FOR_SEGMENTATION = dcm("121233", "Source image for segmentation")
COMMENT = dcm("121106", "Comment")

# what is measured
VOLUME = sct("118565006", "Volume")
SUM_OF_VOXELS = dcm("126030", "Sum of segmented voxel method for volume")
ATTENUATION = dcm("112031", "Attenuation Coefficient")
THRESHOLD_ATTENUATION = dcm("112032", "Threshold Attenuation Coefficient")
MEAN = sct("373098007", "Mean")
STANDARD_DEVIATION = sct("386136009", "Standard Deviation")
LAA950 = private("LN-LAA950", "Low attenuation area percentage -950 HU")
LAA910 = private("LN-LAA910", "Low attenuation area percentage -910 HU")
PERC15 = private("LN-PERC15", "15th percentile of lung attenuation")
PD15 = private("LN-PD15", "Percentile density 15 (Perc15 + 1000)")

# what is measured of lesions; viewers match the meanings of the axes letter by letter
LONG_AXIS = sct("103339001", "Long Axis")
SHORT_AXIS = sct("103340004", "Short Axis")
DIAMETER = sct("81827009", "Diameter")
RECIST = dcm("126081", "RECIST 1.1")
FERET = Code("L0JK", "IBSI", "Maximum 3D Diameter of a Mesh")
VOXEL_VOLUME = Code("YEKZ", "IBSI", "Volume from Voxel Summation")
MESH_VOLUME = Code("RNU0", "IBSI", "Volume of Mesh")
SPHERICITY = Code("QCFX", "IBSI", "Sphericity")
MINIMUM = sct("255605001", "Minimum")
MAXIMUM = sct("56851009", "Maximum")
MPR_DIAMETER = private("LN-MPRMAX", "Longest diameter in any MPR plane")
TO_PLEURA = private("LN-DPLEURA", "Distance to pleura")
TO_CARINA = private("LN-DCARINA", "Distance to carina")
DOUBLING_TIME = private("LN-VDT", "Volume doubling time")
SOURCE_OF_MEASUREMENT = dcm("121112", "Source of Measurement")
MEAN_OF_AXES = private("LN-M-LSMEAN", "Mean of long and short axis")

# uptake, standards 2.3
MODALITY_PET = dcm("PT", "Positron emission tomography")
SUV_BW = dcm("126401", "SUVbw")
SUV_LBM = dcm("126402", "SUVlbm")
SUV_LBM_JANMA = dcm("126405", "SUVlbm(Janma)")
SUV_LBM_JAMES128 = dcm("126406", "SUVlbm(James128)")
METHOD_SUV_BW = dcm("126410", "SUV body weight calculation method")
METHOD_SUV_LBM = dcm("126411", "SUV lean body mass calculation method")
METHOD_SUV_LBM_JANMA = dcm("126414", "SUV lean body mass calculation Janmahasatian method")
METHOD_SUV_LBM_JAMES128 = dcm("126415", "SUV lean body mass calculation method using 128 multiplier")
PEAK_IN_ROI = dcm("126031", "Peak Value Within ROI")
METABOLIC_VOLUME = dcm("126032", "Metabolic Volume")
GLYCOLYSIS = dcm("126033", "Total Lesion Glycolysis")
METHOD_MTV41 = private("LN-M-MTV41", "41 % of SUVmax threshold method")
METHOD_MTV25 = private("LN-M-MTV25", "SUV 2.5 threshold method")
METHOD_MTV40 = private("LN-M-MTV40", "SUV 4.0 threshold method")
FDG_FOCUS = private("LN-F-FOCUS", "FDG-avid focus, maximum outside CT lesions, candidate")
LIVER = sct("10200004", "Liver")
DESCENDING_AORTA = sct("281130003", "Descending aorta")

# units
GRAM = ucum("g", "gram")
CM3 = ucum("cm3", "cubic centimeter")
MM = ucum("mm", "millimeter")
MM3 = ucum("mm3", "cubic millimeter")
DAY = ucum("d", "day")
NO_UNIT = ucum("1", "no units")
HU = ucum("[hnsf'U]", "Hounsfield unit")
PERCENT = ucum("%", "percent")
G_PER_L = ucum("g/l", "gram per liter")

# sites and segments
ANATOMICAL_STRUCTURE = sct("91723000", "Anatomical Structure")
ABNORMAL_STRUCTURE = sct("49755003", "Morphologically Abnormal Structure")
LESION = sct("52988006", "Lesion")
NODULE = sct("27925004", "Nodule")
MASS = sct("4147007", "Mass")
SOLID_COMPONENT = private("LN-F-SOLID", "Solid component of nodule")
LUNG = sct("39607008", "Lung")
RIGHT_LUNG = sct("3341006", "Right lung")
LEFT_LUNG = sct("44029006", "Left lung")
RIGHT = sct("24028007", "Right")
LEFT = sct("7771000", "Left")
BILATERAL = sct("51440002", "Bilateral")
TOPOGRAPHY = sct("106233006", "Topographical modifier")
UPPER_ZONE = sct("281392002", "Upper zone of lung")
MIDDLE_ZONE = sct("281393007", "Middle zone of lung")
LOWER_ZONE = sct("281394001", "Lower zone of lung")
SEGMENTATION = dcm("113076", "Segmentation")
SOURCE_FOR_PROCESSING = dcm("121322", "Source image for image processing operation")
NEIGHBOURHOOD_ANALYSIS = dcm("123101", "Neighborhood Analysis")
ARTIFICIAL_INTELLIGENCE = dcm("123110", "Artificial Intelligence")
ACQUISITION_EQUIPMENT = dcm("109101", "Acquisition Equipment")
PROCESSING_EQUIPMENT = dcm("109102", "Processing Equipment")

# coordinates, outlines and key objects
PATH = dcm("121055", "Path")
IMAGE_REGION = dcm("111030", "Image Region")
OF_INTEREST = dcm("113000", "Of Interest")
KEY_OBJECT_DESCRIPTION = dcm("113012", "Key Object Description")

# a rejection note about our own objects, CID 7010 and CID 7011
REJECTED_FOR_QUALITY = dcm("113001", "Rejected for Quality Reasons")
TITLE_MODIFIER = dcm("113011", "Document Title Modifier")
SOFTWARE_FAILURE = dcm("111218", "Software failure")
IMAGE_ARTEFACTS = dcm("111207", "Image artifact(s)")

# our own statements
NODULE_TYPE = private("LN-Q-DENS", "Nodule attenuation type")
SOLID = sct("35702001", "Solid")
PART_SOLID = private("LN-V-PSN", "Part-solid")
GROUND_GLASS = dcm("112120", "Ground glass opacity")
SIZE_BAND = private("LN-Q-SIZEBAND", "Size band")
SIZE_BANDS = {band: private(band.code, ascii_text(band.meaning)) for band in BANDS}  # meanings speak of mm alone
NO_LESION = private("LN-Q-NOLES", "No lesion segmented by this software")
UNSURE = private("LN-Q-UNSURE", "Series flagged unsure")
WARNING = private("LN-Q-WARN", "Processing warning")
NOT_PROCESSED = private("LN-DOC-NP", "AI processing status")
REASON_NOT_PROCESSED = private("LN-Q-REASON", "Reason not processed")

# why something was not processed, by family: CID 9300 and CID 9303
OBJECT_SET_INCOMPLETE = dcm("110523", "Object Set incomplete")
OBJECT_TYPES_NOT_SUPPORTED = dcm("110522", "Object Types not supported")
OBJECTS_INCORRECTLY_FORMATTED = dcm("110521", "Objects incorrectly formatted")
INSUFFICIENT_QUALITY = dcm("110531", "Insufficient quality for interpretation")
RESOURCE_INADEQUATE = dcm("110527", "Resource inadequate")
EQUIPMENT_FAILURE = dcm("110501", "Equipment failure")
DISCONTINUED = dcm("110513", "Discontinued for unspecified reason")

PRIVATE_CODES = (
    LAA950, LAA910, PERC15, PD15, NO_LESION, UNSURE, WARNING, NOT_PROCESSED, REASON_NOT_PROCESSED,
    METHOD_MTV41, METHOD_MTV25, METHOD_MTV40, FDG_FOCUS,
    MPR_DIAMETER, TO_PLEURA, TO_CARINA, MEAN_OF_AXES, SOLID_COMPONENT, NODULE_TYPE, PART_SOLID, SIZE_BAND,
    DOUBLING_TIME, *SIZE_BANDS.values(),
)  # fmt: skip


def reason(code: errors.Code, meaning: str) -> Code:
    """Return a machine code of a reason as a code of our scheme (Code Value is the code itself)."""
    return private(str(code), meaning)


def scheme_identification(organization: str) -> Dataset:
    """Return the Coding Scheme Identification item that every object with a private code carries (0008,0110)."""
    item = Dataset()
    item.CodingSchemeDesignator = SCHEME
    item.CodingSchemeUID = SCHEME_UID
    item.CodingSchemeName = "lungnode private codes"
    item.CodingSchemeVersion = SCHEME_VERSION
    item.CodingSchemeResponsibleOrganization = organization
    return item
