"""Readers' segmentations among what arrived: each is judged once, as soon as there is a result of ours to judge."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import result_folder
from node.engine.correction_state import NO_RESULT, has_result, is_filed
from node.engine.refusal_file import read_refusal
from node.engine.stopped import why_stopped
from node.errors import Code, InputRefused
from node.facts.segmentation import SEGMENTATION_CLASSES
from node.route.case import Passed, Role
from node.store.ledger import Ledger

Judge = Callable[[Path], dict[str, Any]]  # `correction_step.take_in`, where it runs


@dataclass(slots=True)
class Corrections:
    """What is known of foreign segmentations that wait for a result of ours."""

    data_dir: Path
    ledger: Ledger
    judge: Judge
    cases: CaseCatalogue
    _tried: dict[str, frozenset[str]] = field(default_factory=dict)  # segmentation -> results that it was held against

    def look(self, study_uid: str, passed: Iterable[Passed]) -> bool:
        """Judge the foreign segmentations of a study; tell whether one waits for a case that is at work."""
        waits = False
        for one in passed:
            if one.role is not Role.SKIPPED or one.reasons[0].code is Code.RT_OWN:
                continue
            for file in one.series.files:
                sop = file.facts.sop_instance_uid
                is_segmentation = file.facts.sop_class_uid in SEGMENTATION_CLASSES
                if is_segmentation and not is_filed(self.data_dir, study_uid, sop):
                    waits |= self._judge(study_uid, sop, file.path)
        return waits

    def _judge(self, study_uid: str, sop_uid: str, path: Path) -> bool:
        every = self.cases.all()
        of_study = [result_folder(self.data_dir, c.workflow_id) for c in every if c.study_instance_uid == study_uid]
        results = frozenset(c.workflow_id for c in every if has_result(result_folder(self.data_dir, c.workflow_id)))
        waits = any(_is_at_work(folder) for folder in of_study)
        if self._tried.get(sop_uid) == results:
            return False
        try:
            judged = self.judge(path) if results else {"state": NO_RESULT, "codes": []}
        except InputRefused as error:
            judged = {"state": "unread", "codes": [error.code]}
        if judged["state"] == NO_RESULT and waits:
            return True
        self._tried[sop_uid] = results
        if judged["state"] == NO_RESULT:
            why = "a segmentation of a series without a result of ours"
            self.ledger.decide(study_uid, "correction", why, sop_uid=sop_uid, code=Code.COR_NORES.value)
            return False
        why = "compared with our result" if judged["state"] == "used" else "not used as a correction"
        self.ledger.decide(study_uid, "correction", why, sop_uid=sop_uid, codes=judged["codes"])
        log = structlog.get_logger().bind(study_uid=study_uid, sop_uid=sop_uid, codes=judged["codes"])
        log.info(f"engine.correction_{judged['state']}")
        return False


def _is_at_work(folder: Path) -> bool:
    """Whether a case may still come to a result."""
    ended = (folder / "analysis.json").exists() or read_refusal(folder) is not None or why_stopped(folder) is not None
    return not ended
