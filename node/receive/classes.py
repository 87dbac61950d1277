"""The storage classes that the node takes (PS3.4 table B.5-1): what it analyses, and what a PACS pushes along.

Everything accepted is kept; whether it is analysed is decided in `route`. Private classes are not accepted.
"""

VERIFICATION = "1.2.840.10008.1.1"
STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"
STORAGE_COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"

_ROOT = "1.2.840.10008.5.1.4.1.1."

STORAGE: dict[str, str] = {
    _ROOT + tail: name
    for tail, name in {
        # what is analysed
        "2": "CT Image",
        "2.1": "Enhanced CT Image",
        "2.2": "Legacy Converted Enhanced CT Image",
        "128": "PET Image",
        "130": "Enhanced PET Image",
        "128.1": "Legacy Converted Enhanced PET Image",
        # images of the same study
        "1": "CR Image",
        "1.1": "Digital X-Ray Image, for presentation",
        "1.1.1": "Digital X-Ray Image, for processing",
        "4": "MR Image",
        "4.1": "Enhanced MR Image",
        "4.3": "Enhanced MR Color Image",
        "4.4": "Legacy Converted Enhanced MR Image",
        "6.1": "Ultrasound Image",
        "3.1": "Ultrasound Multi-frame Image",
        "12.1": "X-Ray Angiographic Image",
        "12.1.1": "Enhanced XA Image",
        "12.2": "X-Ray Radiofluoroscopic Image",
        "13.1.1": "X-Ray 3D Angiographic Image",
        "20": "Nuclear Medicine Image",
        "30": "Parametric Map",
        "7": "Secondary Capture Image",
        "7.1": "Multi-frame Single Bit Secondary Capture Image",
        "7.2": "Multi-frame Grayscale Byte Secondary Capture Image",
        "7.3": "Multi-frame Grayscale Word Secondary Capture Image",
        "7.4": "Multi-frame True Color Secondary Capture Image",
        "77.1.1": "VL Endoscopic Image",
        "77.1.4": "VL Photographic Image",
        "77.1.6": "VL Whole Slide Microscopy Image",
        # segmentations, registrations, mappings
        "66": "Raw Data",
        "66.1": "Spatial Registration",
        "66.2": "Spatial Fiducials",
        "66.3": "Deformable Spatial Registration",
        "66.4": "Segmentation",
        "66.5": "Surface Segmentation",
        "66.7": "Label Map Segmentation",
        "67": "Real World Value Mapping",
        # presentation states
        "11.1": "Grayscale Softcopy Presentation State",
        "11.2": "Color Softcopy Presentation State",
        "11.3": "Pseudo-Color Softcopy Presentation State",
        "11.4": "Blending Softcopy Presentation State",
        "11.6": "Grayscale Planar MPR Volumetric Presentation State",
        "11.7": "Compositing Planar MPR Volumetric Presentation State",
        "11.8": "Advanced Blending Presentation State",
        "131": "Basic Structured Display",
        # reports and documents
        "88.11": "Basic Text SR",
        "88.22": "Enhanced SR",
        "88.33": "Comprehensive SR",
        "88.34": "Comprehensive 3D SR",
        "88.35": "Extensible SR",
        "88.40": "Procedure Log",
        "88.50": "Mammography CAD SR",
        "88.59": "Key Object Selection Document",
        "88.65": "Chest CAD SR",
        "88.67": "X-Ray Radiation Dose SR",
        "88.68": "Radiopharmaceutical Radiation Dose SR",
        "88.71": "Acquisition Context SR",
        "88.73": "Patient Radiation Dose SR",
        "88.76": "Enhanced X-Ray Radiation Dose SR",
        "104.1": "Encapsulated PDF",
        "104.2": "Encapsulated CDA",
        "104.3": "Encapsulated STL",
        # radiotherapy
        "481.1": "RT Image",
        "481.2": "RT Dose",
        "481.3": "RT Structure Set",
        "481.5": "RT Plan",
        # waveforms and protocols
        "9.1.2": "General ECG Waveform",
        "9.6.1": "Respiratory Waveform",
        "200.2": "CT Performed Procedure Protocol",
    }.items()
}
