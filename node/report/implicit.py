"""A written object as Implicit VR Little Endian, the default transfer syntax that everybody takes (PS3.5 10.1).

The same instance in another transfer syntax: no value changes, only the VRs are no longer written.
"""

from pathlib import Path

from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian


def implicit(path: Path, target: Path) -> Path:
    """Write a copy of a Part 10 file without VRs and return its path."""
    written = dcmread(path)
    written.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    unfinished = target.with_suffix(".part")
    written.save_as(unfinished, enforce_file_format=True)
    unfinished.replace(target)
    return target
