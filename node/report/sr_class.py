"""Which SOP class a measurement report is written as."""

from enum import StrEnum

from node.report.uids import COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR
from node.settings import Objects


class SrClass(StrEnum):
    """Both are built from one tree: it holds no 3D coordinates."""

    COMPREHENSIVE_3D = COMPREHENSIVE_3D_SR
    COMPREHENSIVE = COMPREHENSIVE_SR


def class_of(objects: Objects) -> SrClass:
    """Return the class that the settings name: Comprehensive is for archives that reject Comprehensive 3D."""
    return SrClass.COMPREHENSIVE if objects.sr_class == "comprehensive" else SrClass.COMPREHENSIVE_3D
