"""The whole way from outside: DCMTK stores into Orthanc, the plugin hands over, the node stores its results back.

Results are found by QIDO-RS and fetched by WADO-RS with dicomweb-client; masks are decoded by highdicom.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import highdicom
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from dicomweb_client import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass
from pydicom.dataset import Dataset

from node.harness.site import SENDER, Site, running_site
from node.phantom.dicom import Order, SeriesOptions, write_series
from node.phantom.phantom import Phantom
from node.phantom.thorax import make_thorax, thorax_grid

pytestmark = pytest.mark.orthanc

STORESCU, DCMSEND = "/usr/bin/storescu", "/usr/bin/dcmsend"
WITHIN_S = 200.0
TILTED = tuple(
    np.concatenate(
        [
            [np.cos(0.1), np.sin(0.1) * np.cos(0.08), np.sin(0.1) * np.sin(0.08)],
            [-np.sin(0.1), np.cos(0.1) * np.cos(0.08), np.cos(0.1) * np.sin(0.08)],
        ]
    )
)  # turned by 5.7 degrees in the plane and 4.6 out of it: no axis of the grid is one of the patient


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder), lambda _: None) as running:
        yield running


@pytest.fixture(scope="module")
def client(site: Site) -> DICOMwebClient:
    session = create_session_from_user_pass(site.orthanc.username, site.orthanc.password)
    found = DICOMwebClient(site.orthanc.dicomweb_url, session=session)
    found.set_http_retry_params(retry=False)
    return found


def sent(site: Site, phantom: Phantom, folder: Path, tool: str, seed: str) -> str:
    """Write a phantom, store it into Orthanc with a DCMTK tool, and return its Study Instance UID."""
    options = SeriesOptions(study_seed=seed, series_seed=f"{seed}-s", patient_id=seed, order=Order.SHUFFLED)
    files = write_series(phantom, folder, options)
    peer = ["-aet", SENDER, "-aec", site.orthanc.ae_title, "127.0.0.1", str(site.orthanc.dicom_port)]
    environment = os.environ | {"TCP_NODELAY": "1"}
    subprocess.run([tool, *peer, *map(str, files)], check=True, env=environment, timeout=120)
    return str(study_of_file(files[0]))


def study_of_file(file: Path) -> str:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(file))
    reader.ReadImageInformation()
    return reader.GetMetaData("0020|000d").strip("\0 ")


def results(client: DICOMwebClient, study: str) -> dict[str, Dataset]:
    """Wait until QIDO-RS lists SEG and SR, then fetch them by WADO-RS."""
    end_s = time.monotonic() + WITHIN_S
    while time.monotonic() < end_s:
        series = client.search_for_series(study_instance_uid=study, fields=["Modality"])
        found = {s["00080060"]["Value"][0]: s["0020000E"]["Value"][0] for s in series}
        if {"SEG", "SR"} <= set(found):
            return {m: client.retrieve_series(study, found[m])[0] for m in ("SEG", "SR")}
        time.sleep(0.3)
    raise AssertionError(f"no SEG and SR within {WITHIN_S} s")


def mask_in_patient_space(seg: Dataset, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the (slices, rows, columns) mask of a segment, and `lps_from_zyx`, as highdicom decodes them."""
    decoded = highdicom.seg.Segmentation.from_dataset(seg)
    number = next(n for n in decoded.segment_numbers if decoded.get_segment_description(n).segment_label == label)
    volume = decoded.get_volume(segment_numbers=[number], combine_segments=False, allow_missing_positions=True)
    return volume.array[..., 0] > 0, volume.affine


def truth_at(phantom: Phantom, lps_from_zyx: np.ndarray, shape: tuple[int, ...], value: int) -> np.ndarray:
    """Sample the phantom's true labels at another grid's voxel centres."""
    zyx = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 3)
    lps = zyx @ lps_from_zyx[:3, :3].T + lps_from_zyx[:3, 3]
    inverse = np.linalg.inv(phantom.grid.lps_from_zyx)
    there = np.rint(lps @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
    inside = ((there >= 0) & (there < phantom.labels_zyx.shape)).all(axis=1)
    found = np.zeros(len(there), bool)
    found[inside] = phantom.labels_zyx[tuple(there[inside].T)] == value
    return found.reshape(shape)


@pytest.mark.parametrize(("tool", "orientation"), [(STORESCU, TILTED), (DCMSEND, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))])
def test_what_comes_back_lies_where_the_lungs_are(
    site: Site, client: DICOMwebClient, tmp_path: Path, tool: str, orientation: tuple[float, ...]
) -> None:
    phantom = make_thorax(thorax_grid(n_slices=64, size=128, orientation=orientation), seed=5)
    study = sent(site, phantom, tmp_path, tool, f"whole-way-{Path(tool).name}")
    found = results(client, study)
    for label, value in (("Right lung", 1), ("Left lung", 2)):
        mask, lps_from_zyx = mask_in_patient_space(found["SEG"], label)
        truth = truth_at(phantom, lps_from_zyx, mask.shape, value)
        dice = (
            2
            * np.count_nonzero(mask & truth)
            / (np.count_nonzero(mask) + np.count_nonzero(phantom.labels_zyx == value))
        )
        assert dice > 0.97
    assert str(found["SR"].StudyInstanceUID) == study


def test_the_arrays_that_come_back_are_the_masks_that_the_node_found(
    site: Site, client: DICOMwebClient, tmp_path: Path
) -> None:
    phantom = make_thorax(thorax_grid(n_slices=64, size=128, orientation=TILTED), seed=6)
    study = sent(site, phantom, tmp_path, STORESCU, "whole-way-equal")
    seg = results(client, study)["SEG"]
    (kept,) = [
        folder
        for folder in (site.node.data_dir / "results").iterdir()
        if any(str(seg.SOPInstanceUID) in file.name for file in folder.rglob("*.dcm"))
    ]
    ours = sitk.ReadImage(str(kept / "masks" / "labels.nrrd"))
    labels_zyx = sitk.GetArrayFromImage(ours)
    for label, value in (("Right lung", 1), ("Left lung", 2)):
        mask, lps_from_zyx = mask_in_patient_space(seg, label)
        zyx = np.argwhere(mask)
        lps = zyx @ lps_from_zyx[:3, :3].T + lps_from_zyx[:3, 3]
        back = np.zeros_like(labels_zyx, dtype=bool)
        for point in lps:
            x, y, z = ours.TransformPhysicalPointToIndex(point.tolist())
            back[z, y, x] = True
        assert np.array_equal(back, labels_zyx == value)
