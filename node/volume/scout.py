"""Scouts and other objects inside an axial series: left out, and said so (standards 4.1 and 4.2)."""

from collections.abc import Sequence

from node.errors import Code, Reason, warn
from node.facts.derived import is_localizer
from node.facts.fitting import fitting, is_placed
from node.facts.series import SeriesFacts
from node.volume.frame import Frame
from node.volume.pixel_values import CT_CLASSES


def leave_out_others(series: SeriesFacts) -> tuple[SeriesFacts, tuple[Reason, ...]]:
    """Split off objects that are no CT images, such as a dose report or a screenshot; a series of them stays whole.

    Returns
    -------
    (the series that remains, a warning if anything was left out)
    """
    kept = tuple(file for file in series.files if file.facts.sop_class_uid in CT_CLASSES)
    n = len(series.files) - len(kept)
    if not kept or not n:
        return series, ()
    return SeriesFacts(kept), (warn(Code.RT_SOP, f"{n} objects inside the series that are no CT images were left out"),)


def leave_out_scouts(frames: Sequence[Frame]) -> tuple[tuple[Frame, ...], tuple[Reason, ...]]:
    """Split off scouts and what is set apart like one (`facts.fitting`); a series of scouts alone stays whole.

    Returns
    -------
    (the frames that remain, a warning if any were left out, with what gave them away)
    """
    kept = fitting(frames)
    among = {id(frame) for frame in kept}
    left = [frame for frame in frames if id(frame) not in among]
    if not left:
        return tuple(frames), ()
    n_said = sum(is_localizer(frame.image_type) for frame in left)
    n_nowhere = sum(not is_localizer(f.image_type) and not is_placed(f.geometry) for f in left)
    signs = (
        (n_said, "Image Type says LOCALIZER"),
        (n_nowhere, "no place in the patient, and another matrix or Image Type"),
        (len(left) - n_said - n_nowhere, "another direction, or another matrix and Image Type"),
    )
    how = "; ".join(f"{n}: {sign}" for n, sign in signs if n)
    return kept, (warn(Code.RT_LOCALIZER, f"{len(left)} scout images inside the series were left out ({how})"),)
