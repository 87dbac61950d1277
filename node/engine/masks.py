"""Label maps on disk: NRRD with geometry, written under a temporary name and renamed, read back exactly."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the library's own usual name
from numpy.typing import NDArray

from node.store.durable import flush_file, make_folder, move


def write_labels(labels_zyx: NDArray[np.uint8], lps_from_zyx: NDArray[np.float64], path: Path) -> None:
    """Write a label map with its place in the patient.

    Parameters
    ----------
    labels_zyx : (slices, rows, columns) uint8
    lps_from_zyx : (4, 4) float64, mm
    path : ends in .nrrd; its folder is made
    """
    image = sitk.GetImageFromArray(labels_zyx)
    columns_xyz = lps_from_zyx[:3, [2, 1, 0]]
    spacing_xyz_mm = np.linalg.norm(columns_xyz, axis=0)
    image.SetSpacing(spacing_xyz_mm.tolist())
    image.SetDirection((columns_xyz / spacing_xyz_mm).ravel().tolist())
    image.SetOrigin(lps_from_zyx[:3, 3].tolist())
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.part.nrrd")
    sitk.WriteImage(image, str(temporary), useCompression=True, compressionLevel=1)
    flush_file(temporary)
    move(temporary, path)


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Read the (slices, rows, columns) uint8 label map back."""
    labels_zyx: NDArray[np.uint8] = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    labels_zyx.setflags(write=False)
    return labels_zyx


def read_grid(path: Path) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
    """Return shape (slices, rows, columns) and the matrix from (z, y, x, 1) to LPS mm of a label map, unread."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    n_columns, n_rows, n_slices = (int(n) for n in reader.GetSize())
    columns_xyz = np.asarray(reader.GetDirection()).reshape(3, 3) * np.asarray(reader.GetSpacing())
    lps_from_zyx = np.eye(4)
    lps_from_zyx[:3, :3] = columns_xyz[:, ::-1]
    lps_from_zyx[:3, 3] = reader.GetOrigin()
    return (n_slices, n_rows, n_columns), lps_from_zyx
