"""The single images of a series: one per file, or one per frame of an enhanced object."""

from pydicom.uid import EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from node.facts.instance import GeometryFacts, PixelFacts
from node.facts.series import InstanceFile, SeriesFacts
from node.volume.enhanced import enhanced_frames
from node.volume.frame import Frame

ENHANCED = (str(EnhancedCTImageStorage), str(LegacyConvertedEnhancedCTImageStorage))


def frames_of(series: SeriesFacts) -> tuple[Frame, ...]:
    """Return every image of a series, in the order of files and frames.

    Raises
    ------
    InputRefused
        If the functional groups of an enhanced object cannot be read.
    """
    frames: list[Frame] = []
    for file in series.files:
        if file.facts.sop_class_uid in ENHANCED:
            frames.extend(enhanced_frames(file))
        else:
            frames.append(single_frame(file))
    return tuple(frames)


def single_frame(file: InstanceFile) -> Frame:
    """Return a single-frame object's only image."""
    facts = file.facts
    geometry: GeometryFacts = facts.geometry
    pixels: PixelFacts = facts.pixels
    return Frame(
        file=file,
        number=1,
        geometry=geometry,
        pixels=pixels,
        image_type=facts.image_type,
        temporal_position=facts.temporal_position_identifier,
        acquisition_number=facts.acquisition_number,
        acquisition_datetime=facts.acquisition_datetime,
    )
