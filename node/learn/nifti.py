"""Read the sets' volumes: NIfTI-1, gzipped, little endian, as zyx with the slices counted from the feet.

The sets' axes run to the patient's left, to the back and to the head, so the file's (i, j, k) turned round is
(slice, row, column) of an axial scan in its usual view. Any other axes are refused rather than guessed.
"""

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused

_DTYPES = {2: "<u1", 4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8", 512: "<u2"}  # datatype codes of NIfTI-1


@dataclass(frozen=True, slots=True)
class Image:
    """Voxels as stored times slope plus intercept, with the distance of voxel centres.

    Attributes
    ----------
    voxels_zyx : (slices, rows, columns), the file's own type unless it is scaled.
    spacing_zyx_mm : mm.
    """

    voxels_zyx: NDArray[np.generic]
    spacing_zyx_mm: tuple[float, float, float]


def read_nifti(path: Path) -> Image:
    """Read one volume.

    Parameters
    ----------
    path : a `.nii.gz` or `.nii` whose axes run L, P, S (or the same with a sign turned, then flipped).

    Raises
    ------
    InputRefused
        NIFTI-UNREAD if it is no such file; NIFTI-AXES if its axes are not along the patient's.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputRefused("NIFTI-UNREAD", f"{path.name} cannot be read: {error}") from error
    if len(data) < 352 or struct.unpack_from("<i", data, 0)[0] != 348 or data[344:347] not in (b"n+1", b"ni1"):
        raise InputRefused("NIFTI-UNREAD", f"{path.name} is not a little endian NIfTI-1 file")
    rank, *shape = struct.unpack_from("<8h", data, 40)
    code = struct.unpack_from("<h", data, 70)[0]
    start = int(struct.unpack_from("<f", data, 108)[0])
    slope, intercept = struct.unpack_from("<2f", data, 112)
    if rank < 3 or any(n != 1 for n in shape[3:rank]) or code not in _DTYPES:
        raise InputRefused("NIFTI-UNREAD", f"{path.name} has shape {shape[:rank]} and data type {code}")
    i, j, k = shape[:3]
    if min(i, j, k) < 1 or len(data) < start + i * j * k * np.dtype(_DTYPES[code]).itemsize:
        raise InputRefused("NIFTI-UNREAD", f"{path.name} is shorter than its {i} x {j} x {k} voxels")
    voxels_zyx = np.frombuffer(data, _DTYPES[code], i * j * k, start).reshape(k, j, i)
    if slope not in (0.0, 1.0) or intercept != 0.0:
        voxels_zyx = (voxels_zyx * np.float32(slope or 1.0) + np.float32(intercept)).astype(np.float32)
    return Image(_to_lps(voxels_zyx, _signs(data, path)), _spacing_zyx_mm(data))


def _spacing_zyx_mm(data: bytes) -> tuple[float, float, float]:
    """Return pixdim 1 to 3, turned round."""
    x, y, z = struct.unpack_from("<3f", data, 80)
    return (z, y, x)


def _signs(data: bytes, path: Path) -> tuple[int, int, int]:
    """Return the sign of each axis in RAS; refuse oblique or permuted axes (method 3, else method 2)."""
    if struct.unpack_from("<h", data, 254)[0] > 0:
        matrix = np.array(struct.unpack_from("<12f", data, 280)).reshape(3, 4)[:, :3]
        matrix = matrix / np.linalg.norm(matrix, axis=0)
    else:
        matrix = _from_quaternion(data)
    diagonal = np.diag(matrix)
    if np.any(np.abs(diagonal) < 0.99):
        raise InputRefused("NIFTI-AXES", f"{path.name}: its axes are not along the patient's")
    x, y, z = (int(np.sign(value)) for value in diagonal)
    return x, y, z


def _from_quaternion(data: bytes) -> NDArray[np.float64]:
    """Return the rotation of NIfTI-1's method 2."""
    factor = struct.unpack_from("<f", data, 76)[0] or 1.0
    b, c, d = struct.unpack_from("<3f", data, 256)
    a = max(0.0, 1.0 - b * b - c * c - d * d) ** 0.5
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    rotation[:, 2] *= -1.0 if factor < 0 else 1.0
    return rotation


def _to_lps(voxels_zyx: NDArray[np.generic], signs_xyz: tuple[int, int, int]) -> NDArray[np.generic]:
    """Flip so that columns run to the left, rows to the back and slices to the head."""
    x, y, z = signs_xyz
    step = (1 if z > 0 else -1, 1 if y < 0 else -1, 1 if x < 0 else -1)
    return voxels_zyx[:: step[0], :: step[1], :: step[2]]
