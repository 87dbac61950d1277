"""Who made an object: the node as equipment; scanner and algorithms as contributing equipment (standards 1.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from highdicom.sr.coding import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from node import __version__
from node.report import codes
from node.report.ascii_text import one_value
from node.report.patient import read_text
from node.route.case import MODEL_NAME
from node.segment.contract import ModelIdentity


@dataclass(frozen=True, slots=True)
class Equipment:
    """The node as it names itself in General Equipment and as observer."""

    manufacturer: str
    station_name: str
    serial_number: str
    device_uid: str
    model_name: str = MODEL_NAME
    software_version: str = __version__


def name_equipment(target: Dataset, equipment: Equipment) -> None:
    """Write the (Enhanced) General Equipment module: the node, never the scanner."""
    target.Manufacturer = equipment.manufacturer
    target.ManufacturerModelName = equipment.model_name
    target.DeviceSerialNumber = equipment.serial_number
    target.SoftwareVersions = equipment.software_version
    target.StationName = equipment.station_name


def contributing_equipment(
    source: Dataset, equipment: Equipment, models: Sequence[ModelIdentity], made_at: datetime
) -> list[Dataset]:
    """Return the items of (0018,A001): the scanner, the node, and one per algorithm where several were used."""
    maker, model = (one_value(read_text(source, keyword)) for keyword in ("Manufacturer", "ManufacturerModelName"))
    items = [_scanner(maker, model)] if maker else []  # Manufacturer is Type 1 in an item
    items.append(_node(equipment, "Segmentation and measurement of the lungs (AI)", made_at))
    if len(models) > 1:
        items += [_algorithm(equipment, model, made_at) for model in models]
    return items


def _scanner(manufacturer: str, model_name: str) -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [coded(codes.ACQUISITION_EQUIPMENT)]
    item.Manufacturer = manufacturer
    if model_name:
        item.ManufacturerModelName = model_name
    return item


def _node(equipment: Equipment, description: str, made_at: datetime) -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [coded(codes.PROCESSING_EQUIPMENT)]
    name_equipment(item, equipment)
    item.DeviceUID = equipment.device_uid
    item.ContributionDateTime = dicom_datetime(made_at)
    item.ContributionDescription = description
    return item


def _algorithm(equipment: Equipment, model: ModelIdentity, made_at: datetime) -> Dataset:
    item = _node(equipment, f"Algorithm for {model.task.value} (AI)", made_at)
    item.ManufacturerModelName = model.name
    item.SoftwareVersions = model.version
    return item


def dicom_datetime(moment: datetime) -> str:
    """Return a DT with offset where the moment has one."""
    return moment.strftime("%Y%m%d%H%M%S.%f%z")


def coded(code: Code) -> CodedConcept:
    """Return a code as the item of a code sequence."""
    return CodedConcept.from_code(code)
