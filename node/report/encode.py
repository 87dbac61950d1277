"""From a measured case to the files that leave: segmentation and measurement report, or a notice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydicom import config as pydicom_config

from node.report.case import Prepared, ReportInput, prepare
from node.report.encoded import EncodedObject, finish
from node.report.kinds import NOTICE, NOTICE_PICTURE, PET_SEG, SEG, SR
from node.report.labelmap import build_labelmap
from node.report.nothing_found import build_nothing_found
from node.report.notice import NoticeInput, build_notice
from node.report.notice_picture import build_notice_picture
from node.report.others import build_others
from node.report.pet_section import PetSection
from node.report.seg import build_seg
from node.report.share import gathered
from node.report.sr import Findings, build_report
from node.report.sr_class import class_of
from node.settings import Rung

__all__ = ["ReportInput", "encode_notice", "encode_notice_picture", "encode_results", "encode_segmentation"]

_ONE_AT_A_TIME = threading.Lock()


def encode_results(case: ReportInput, out_dir: Path, *shares: frozenset[Rung]) -> tuple[EncodedObject, ...]:
    """Write the objects of a case: segmentation, measurement report, and what else destinations ask for.

    Segmentation (where any segment has voxels) and report are always made: the report is the root that gathers the
    others in its evidence, and both are what the self-check reads.

    Parameters
    ----------
    out_dir : an existing folder; files are named `<kind>-<SOP Instance UID>.dcm`.
    shares : what each destination is to get; none given: segmentation and report. Objects are made once, but for the
        report: there is one for each set of others that go somewhere with it (`share.py`).

    Returns
    -------
    Segmentation, reports, the PET's segmentation, then the others in the order of their series numbers.

    Raises
    ------
    OurMistake
        NO-MODEL, SOURCE-GEOMETRY or SOLID-PART where earlier rooms handed over what cannot be.
    InputRefused
        FILE-UNREAD where a source's header is gone.
    """
    with verbatim():
        prepared = prepare(case)
        seg = (*_write_seg(case, prepared, out_dir), *_write_pet_seg(case, prepared, out_dir))
        others = tuple(
            finish(made.target, made.kind, prepared.job, out_dir, made.number)
            for made in build_others(case, prepared, frozenset[Rung]().union(*shares))
        )
        wanted = [share for share in shares if Rung.SR in share] or [frozenset(Rung)]
        sets = dict.fromkeys(gathered((o.kind for o in others), share) for share in wanted)
        reports = tuple(_write_report(case, prepared, seg, others, gathers, out_dir) for gathers in sets)
        return (*(o for o in seg if o.kind == Rung.SEG), *reports, *(o for o in seg if o.kind != Rung.SEG), *others)


def encode_segmentation(case: ReportInput, out_dir: Path) -> tuple[EncodedObject, ...]:
    """Write the segmentation alone, as `encode_results` writes it; nothing where no segment has voxels."""
    with verbatim():
        return _write_seg(case, prepare(case), out_dir)


def encode_notice(notice: NoticeInput, out_dir: Path) -> EncodedObject:
    """Write the notice of a refused series.

    Raises
    ------
    InputRefused
        ID-MIXPAT or ID-MIXSTUDY where no object may be made, ID-NOUID where it would have to name an invalid UID.
    """
    with verbatim():
        target, job = build_notice(notice)
        return finish(target, NOTICE, job, out_dir)


def encode_notice_picture(notice: NoticeInput, out_dir: Path) -> EncodedObject:
    """Write the notice as one image, for viewers that show no text reports; it raises as `encode_notice` does."""
    with verbatim():
        target, job = build_notice_picture(notice)
        return finish(target, NOTICE_PICTURE, job, out_dir)


@contextmanager
def verbatim() -> Iterator[None]:
    """Let the source's UIDs and dates be written as they are, valid or not.

    pydicom's switch is one for the process: two threads that change it at the same time would leave it changed.
    """
    with _ONE_AT_A_TIME, pydicom_config.disable_value_validation():
        yield


def _write_seg(case: ReportInput, prepared: Prepared, out_dir: Path) -> tuple[EncodedObject, ...]:
    if not prepared.frames:
        return ()
    labels_zyx, source, job = case.segmentation.labels_zyx, prepared.source, prepared.job
    if case.objects.seg_type == "labelmap":
        target = build_labelmap(labels_zyx, prepared.tracked, source, job)
    else:
        target = build_seg(labels_zyx, prepared.tracked, prepared.frames, source, job, prepared.solids)
    return (finish(target, SEG, job, out_dir),)


def _write_pet_seg(case: ReportInput, prepared: Prepared, out_dir: Path) -> tuple[EncodedObject, ...]:
    """Write the lesions' masks on the PET's own grid: one segmentation per series."""
    pet = prepared.pet
    if pet is None or not pet.frames:
        return ()
    if case.objects.seg_type == "labelmap":
        target = build_labelmap(pet.labels_zyx, pet.tracked, pet.source, prepared.job, PET_SEG)
    else:
        target = build_seg(pet.labels_zyx, pet.tracked, pet.frames, pet.source, prepared.job, kind=PET_SEG)
    return (finish(target, PET_SEG, prepared.job, out_dir),)


def _write_report(
    case: ReportInput,
    prepared: Prepared,
    seg: tuple[EncodedObject, ...],
    others: tuple[EncodedObject, ...],
    gathers: tuple[str, ...],
    out_dir: Path,
) -> EncodedObject:
    """Write the root of what goes to one place; where no lungs were looked for and no lesion found, a text says so."""
    prepared = replace(prepared, job=replace(prepared.job, variant=gathers))
    predecessor = case.run.superseded_report(gathers)
    of_kind = {made.kind: made.reference for made in seg}
    pet = None if case.pet is None else PetSection(case.pet, prepared.pet, of_kind.get(Rung.PET_SEG))
    findings = Findings(case.segmentation, prepared.tracked, prepared.frames, case.quantities, case.reasons, pet)
    siblings = tuple(made.reference for made in others if made.kind in gathers)
    if not seg and not findings.has_lungs:
        target = build_nothing_found(case.reasons, prepared.source, prepared.job, siblings, predecessor, pet)
        return replace(finish(target, SR, prepared.job, out_dir), gathers=gathers)
    report = build_report(
        findings,
        prepared.source,
        prepared.job,
        seg=of_kind.get(Rung.SEG),
        siblings=siblings,
        predecessor=predecessor,
        sop_class=class_of(case.objects),
        editable=case.objects.ohif_hydrate,
    )
    return replace(finish(report, SR, prepared.job, out_dir), gathers=gathers)
