"""The lungnode package: DICOM comes in, numbers and objects go out."""

__version__ = "0.1.0"
