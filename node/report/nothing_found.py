"""A route for lesions alone that found none: a Basic Text SR that says just that (standards 2.6, LN-Q-NOLES)."""

from collections.abc import Sequence

from pydicom.dataset import Dataset

from node.errors import Reason
from node.report import codes, tree, wording
from node.report.document import Reference, document, language, observer
from node.report.kinds import SR
from node.report.pet_section import PetSection, pet_statements
from node.report.source import Source
from node.report.sr import used_instances
from node.report.stamp import Job
from node.report.statements import warnings
from node.report.uids import BASIC_TEXT_SR


def build_nothing_found(
    reasons: Sequence[Reason],
    source: Source,
    job: Job,
    siblings: Sequence[Reference] = (),
    predecessor: Reference | None = None,
    pet: PetSection | None = None,
) -> Dataset:
    """Build the document, but for what `stamp` writes. A TID 1500 report would need a group with a measurement."""
    said = [
        tree.text(tree.CONTAINS, codes.NO_LESION, wording.NO_LESION),
        *warnings(reasons),
        *pet_statements(pet, searched_ct=True),
        tree.text(tree.CONTAINS, codes.COMMENT, wording.NOT_FOR_DIAGNOSIS),
    ]
    root = tree.container(codes.NOT_PROCESSED, [language(), *observer(job.equipment), *said], relationship=None)
    return document(SR, BASIC_TEXT_SR, root, [*used_instances(source), *siblings], predecessor, job)
