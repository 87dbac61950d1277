"""Planar outlines of lesions as a report of its own (TID 1500 with TID 1410 groups, standards 1.5).

In a series apart: a reader that finds one planar group no longer loads the segmentation of the report.
"""

from collections.abc import Sequence

from highdicom.sr import ContentItem
from pydicom.dataset import Dataset

from node.report import codes, tree
from node.report.contours import keyholes
from node.report.document import document
from node.report.kinds import OUTLINES
from node.report.lesion_groups import doubtful, head
from node.report.masks import Masks
from node.report.segments import Tracked
from node.report.source import Source
from node.report.sr import report_tree, used_instances
from node.report.sr_class import SrClass
from node.report.stamp import Job
from node.report.statements import algorithm


def build_outlines(tracked: Sequence[Tracked], masks: Masks, source: Source, job: Job, sop_class: SrClass) -> Dataset:
    """Build the report, but for what `stamp` writes: one group per lesion, slice and part."""
    groups = [group for t in tracked for group in _groups(t, masks, source, job)]
    return document(OUTLINES, sop_class, report_tree(groups, (source,), job), used_instances(source), None, job)


def _groups(tracked: Tracked, masks: Masks, source: Source, job: Job) -> list[ContentItem]:
    return [
        tree.container(
            codes.MEASUREMENT_GROUP,
            [
                *head(tracked, tracked.tracking_id),
                *algorithm([tracked.model], job.equipment.manufacturer),
                tree.polyline(
                    tree.CONTAINS,
                    codes.IMAGE_REGION,
                    [(x + 0.5, y + 0.5) for y, x in (*loop.tolist(), loop[0].tolist())],
                    tree.image(codes.SOURCE, source, z),
                ),
                *doubtful(tracked),
            ],
            template="1410",
        )
        for z, mask_yx in masks.planes(tracked)
        for loop in keyholes(mask_yx)
    ]
