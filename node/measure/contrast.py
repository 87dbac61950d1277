"""ACQ-CONTRAST by the pixels: blood in the descending aorta above 100 HU, whatever the tags say."""

from node.errors import Affects, Code, Reason, refuse
from node.measure.aorta import aorta_hu
from node.measure.chest import Chest

_LIMIT_HU = 100.0


def contrast(chest: Chest) -> tuple[Reason, ...]:
    """Return ACQ-CONTRAST where the aorta was found for certain and is brighter than blood."""
    end = chest.windpipe_end
    blood_hu = None if end is None else aorta_hu(chest.hu, chest.left, end, chest.spacing_mm)
    if blood_hu is None or blood_hu <= _LIMIT_HU:
        return ()
    text = f"contrast medium: the aorta has {blood_hu:.0f} HU (limit {_LIMIT_HU:.0f} HU)"
    return (refuse(Code.ACQ_CONTRAST, text, Affects.DENSITY, Affects.MEAN_DENSITY),)
