"""The "not processed" notice as one image: for viewers that do not show text reports (standards 1.6, 1.7)."""

from PIL import Image
from pydicom.dataset import Dataset

from node.errors import Reason, Severity
from node.report import wording
from node.report.kinds import NOTICE_PICTURE
from node.report.notice import NoticeInput, job_of, refused_instances, require_allowed
from node.report.reason_table import meaning
from node.report.secondary_capture import build_capture
from node.report.sheet import HEADER, MARGIN, sheet, write_lines
from node.report.stamp import Job

_WIDTH, _HEIGHT = 1024, 640
_AT_MOST = 7  # further lines that are drawn; all reasons stand in the text notice
_NOTICED = "Noticed beside it, no reason to refuse:"
_NAMED_IMAGES = 1  # an image that the notice is about; evidence of all is in the text notice


def build_notice_picture(notice: NoticeInput) -> tuple[Dataset, Job]:
    """Build the image, but for what `stamp` writes.

    Raises
    ------
    InputRefused
        ID-MIXPAT or ID-MIXSTUDY where no object may be made, ID-NOUID where it would have to name an invalid UID.
    """
    require_allowed(notice.refusal)
    job = job_of(notice)
    shown = [(r.sop_class_uid, r.sop_instance_uid, None) for r in refused_instances(notice.series)[:_NAMED_IMAGES]]
    picture = notice_picture(notice, job)
    return build_capture(picture, shown, NOTICE_PICTURE, job, 1, "Notice that a series was not processed (AI)"), job


def notice_picture(notice: NoticeInput, job: Job) -> Image.Image:
    """Draw the reasons, the leading one large."""
    leading = notice.refusal.leading
    others = [r for r in {r.code: r for r in notice.refusal.reasons}.values() if r.code is not leading.code]
    refusing = [r for r in others if r.severity is Severity.REFUSE]
    noticed = [r for r in others if r.severity is not Severity.REFUSE]
    picture = sheet("Not processed by this software", _WIDTH, _HEIGHT, job)
    width = _WIDTH - 2 * MARGIN
    y = write_lines(picture, (MARGIN, HEADER + MARGIN), [f"{leading.code}: {meaning(leading.code)}"], width, 22)
    y = write_lines(picture, (MARGIN, y), [leading.text, ""], width, 18)
    lines = [*map(_line, refusing), *([_NOTICED, *map(_line, noticed)] if noticed else [])]
    y = write_lines(picture, (MARGIN, y), lines[:_AT_MOST], width)
    if len(lines) > _AT_MOST:
        y = write_lines(picture, (MARGIN, y), ["and more, which the text notice lists"], width)
    write_lines(picture, (MARGIN, y), ["", f"{wording.NOT_PROCESSED}."], width)
    return picture


def _line(reason: Reason) -> str:
    return f"{reason.code}: {meaning(reason.code)} ({reason.text})"
