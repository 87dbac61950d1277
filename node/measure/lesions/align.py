"""Where a point of a prior examination lies in today's: a rigid alignment of both chests (growth, standards 2.2).

Both scans are averaged to voxels of about 4 mm and clipped to what tells lung from tissue. The start puts the lungs'
centroids on each other; then the mean squared difference round today's lungs is made as small as a rotation and a
translation can. One thread and every voxel, so the same scans give the same answer. Breath changes the lungs' shape,
so places agree within a centimetre or two, enough to say which lesion is which and nothing more.
"""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the library's own usual name
from numpy.typing import NDArray

from node.segment.contract import Segmentation, SegmentKind
from node.volume.volume import Volume

_COARSE_MM = 4.0
_CLIP_HU = (-1000.0, 100.0)
_MARGIN_VOXELS = 5  # round today's lungs: ribs and heart hold the rotation
_STEPS = 80
_FULL = 200  # a voxel of lung, before voxels are averaged: whole numbers keep the memory small
_LUNGS = (SegmentKind.RIGHT_LUNG, SegmentKind.LEFT_LUNG, SegmentKind.LESION)

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Alignment:
    """`today_from_prior` is (4, 4) float64, mm, LPS; `overlap` the Dice of both pairs of lungs in today's frame."""

    today_from_prior: NDArray[np.float64]
    overlap: float

    def in_today(self, point_lps_mm: Point) -> Point:
        """Return where a point of the prior lies today."""
        x, y, z = (self.today_from_prior[:3, :3] @ point_lps_mm + self.today_from_prior[:3, 3]).tolist()
        return (x, y, z)


def align(today: Volume, today_found: Segmentation, prior: Volume, prior_found: Segmentation) -> Alignment | None:
    """Align a prior with today's scan; None where one of the two has no lungs.

    Parameters
    ----------
    today, prior : volumes
    today_found, prior_found : their lungs, lesions counted in
    """
    lungs = [_lungs(volume, found) for volume, found in ((today, today_found), (prior, prior_found))]
    centres = [_centroid_lps_mm(image) for image in lungs]
    if centres[0] is None or centres[1] is None:
        return None
    start = sitk.Euler3DTransform()
    start.SetCenter(centres[0])
    start.SetTranslation([b - a for a, b in zip(centres[0], centres[1], strict=True)])
    prior_from_today = _refined(start, _chest(today), _chest(prior), lungs[0])
    return Alignment(_matrix(prior_from_today.GetInverse()), _dice(lungs[0], lungs[1], prior_from_today))


def _refined(start: sitk.Transform, fixed: sitk.Image, moving: sitk.Image, lungs: sitk.Image) -> sitk.Transform:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMeanSquares()
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetMetricFixedMask(sitk.BinaryDilate(lungs, [_MARGIN_VOXELS] * 3, sitk.sitkBall))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=0.02, numberOfIterations=_STEPS, gradientMagnitudeTolerance=1e-6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(start, inPlace=False)
    method.SetNumberOfWorkUnits(1)
    found: sitk.Transform = method.Execute(fixed, moving)
    return found


def _chest(volume: Volume) -> sitk.Image:
    image = _coarse(_image(volume.hu_zyx, volume), volume)
    clamped: sitk.Image = sitk.Clamp(image, sitk.sitkFloat32, *_CLIP_HU)
    return clamped


def _lungs(volume: Volume, found: Segmentation) -> sitk.Image:
    labels = [segment.label for segment in found.segments if segment.kind in _LUNGS]
    is_lung = np.isin(np.arange(256), labels).astype(np.uint8) * _FULL
    lungs: sitk.Image = _coarse(_image(is_lung[found.labels_zyx], volume), volume) >= _FULL // 2
    return lungs


def _image(values_zyx: NDArray[np.uint8] | NDArray[np.int16], volume: Volume) -> sitk.Image:
    image = sitk.GetImageFromArray(values_zyx)
    columns_xyz = volume.lps_from_zyx[:3, [2, 1, 0]]
    spacing_xyz_mm = np.linalg.norm(columns_xyz, axis=0)
    image.SetSpacing(spacing_xyz_mm.tolist())
    image.SetDirection((columns_xyz / spacing_xyz_mm).ravel().tolist())
    image.SetOrigin(volume.lps_from_zyx[:3, 3].tolist())
    return image


def _coarse(image: sitk.Image, volume: Volume) -> sitk.Image:
    shrink_xyz = [max(1, round(_COARSE_MM / mm)) for mm in reversed(volume.spacing_zyx_mm)]
    shrunk: sitk.Image = sitk.BinShrink(image, shrink_xyz)
    return shrunk


def _centroid_lps_mm(lungs: sitk.Image) -> Point | None:
    at_zyx = np.argwhere(sitk.GetArrayViewFromImage(lungs))
    if not len(at_zyx):
        return None
    centre_zyx = at_zyx.mean(axis=0)
    x, y, z = lungs.TransformContinuousIndexToPhysicalPoint(centre_zyx[::-1].tolist())
    return (x, y, z)


def _matrix(transform: sitk.Transform) -> NDArray[np.float64]:
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    axes = [np.array(transform.TransformPoint(tuple(row))) - origin for row in np.eye(3).tolist()]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = np.stack(axes, axis=1), origin
    return matrix


def _dice(today: sitk.Image, prior: sitk.Image, prior_from_today: sitk.Transform) -> float:
    """Compare the lungs where both scans reach: a prior that ends lower is no disagreement."""
    there = sitk.Resample(prior, today, prior_from_today, sitk.sitkNearestNeighbor, 0.0)
    reaches = sitk.Resample(prior * 0 + 1, today, prior_from_today, sitk.sitkNearestNeighbor, 0.0)
    a, b, seen = (sitk.GetArrayFromImage(image) > 0 for image in (today, there, reaches))
    total = int((a & seen).sum()) + int(b.sum())
    return 2.0 * int((a & b).sum()) / total if total else 0.0
