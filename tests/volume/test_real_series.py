"""Real scans, judged by somebody else's reader and by what the experts drew on them."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from node.errors import Code
from node.facts.folder import read_folder
from node.volume.read import read_volume
from node.volume.volume import Volume

SERIES = (
    "ct/4d-lung-113",
    "ct/lidc-idri-0001",
    "ct/lung-dx-a0001-b",
    "ct/lung-dx-a0002-b40f",
    "ct/lung-dx-a0002-b70f",
    "petct/acrin-nsclc-fdg-pet-042/ct",
)

pytestmark = pytest.mark.data


@lru_cache(maxsize=6)
def read(folder: Path) -> Volume:
    (series,) = [s for s in read_folder(folder).series if s.first.modality == "CT"]
    volume = read_volume(series)
    assert isinstance(volume, Volume), volume
    return volume


def hu_at(volume: Volume, lps_mm: np.ndarray) -> np.ndarray:
    """HU at points of patient space, nearest voxel."""
    at = (np.linalg.inv(volume.lps_from_zyx) @ np.c_[lps_mm, np.ones(len(lps_mm))].T)[:3]
    z, y, x = np.rint(at).astype(int)
    return volume.hu_zyx[z, y, x]


@pytest.mark.parametrize("name", SERIES)
def test_another_reader_finds_the_same_values_at_the_same_places(name: str, data_dir: Path) -> None:
    volume = read(data_dir / name)
    reader = sitk.ImageSeriesReader()
    files = [f for f in sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(data_dir / name)) if "rtstruct" not in f]
    reader.SetFileNames(files)
    image = reader.Execute()
    theirs = sitk.GetArrayFromImage(image)

    real = volume.hu_zyx > -1024
    assert theirs.shape == volume.hu_zyx.shape
    assert (theirs[real] == volume.hu_zyx[real]).all()
    assert int(theirs[~real].max(initial=-1024)) <= -1024
    last = np.array(volume.hu_zyx.shape) - 1
    ours_mm = (volume.lps_from_zyx @ np.r_[last, 1.0])[:3]
    theirs_mm = image.TransformIndexToPhysicalPoint([int(i) for i in last[::-1]])
    np.testing.assert_allclose(ours_mm, theirs_mm, atol=0.05)


@pytest.mark.parametrize("name", SERIES)
def test_air_lung_fat_and_muscle_have_their_hounsfield_units(name: str, data_dir: Path) -> None:
    hu = read(data_dir / name).hu_zyx
    counts, _ = np.histogram(hu, bins=[-1024, -950, -700, -500, -130, -60, 0, 90, 300, 3072])
    air, lung, _, _, fat, _, soft, _, _ = (counts / counts.sum()).tolist()

    assert air > 0.1
    assert lung > 0.02
    assert fat > 0.01
    assert soft > 0.05


@pytest.mark.parametrize(
    ("structure", "quantile", "low_hu", "high_hu"),
    [("Carina_c40", 0.1, -1024, -900), ("Vertebra_c40", 0.5, 80, 1500)],
    ids=["air-in-the-carina", "bone"],
)
def test_what_the_experts_outlined_has_its_density(structure, quantile, low_hu, high_hu, data_dir: Path) -> None:
    folder = data_dir / "ct" / "4d-lung-113"
    truth = json.loads((folder / "annotations.json").read_text())
    (outlined,) = [s for s in truth["structures"] if s["name"] == structure]
    outlines = [
        np.c_[np.array(c["points_lps_xy_mm"]), [c["z_mm"]] * len(c["points_lps_xy_mm"])] for c in outlined["contours"]
    ]
    half_way_in = np.concatenate([(o + o.mean(axis=0)) / 2.0 for o in outlines])

    assert low_hu <= float(np.quantile(hu_at(read(folder), half_way_in), quantile)) <= high_hu


def test_the_nodule_that_four_readers_drew_is_denser_than_the_lung_round_it(data_dir: Path) -> None:
    folder = data_dir / "ct" / "lidc-idri-0001"
    truth = json.loads((folder / "annotations.json").read_text())
    volume = read(folder)
    planes = {f.sop_instance_uid: z for z, f in enumerate(volume.frames)}
    contours = [c for reader in truth["readers"] for nodule in reader["nodules"] for c in nodule["contours"]]
    centres = [(planes[c["sop_instance_uid"]], *np.mean(c["points_xy"], axis=0)[::-1]) for c in contours]
    inside = [volume.hu_zyx[z, round(y), round(x)] for z, y, x in centres]

    assert len(inside) > 20
    assert np.median(inside) > -100


@pytest.mark.parametrize(("name", "left"), [("lung-dx-a0001-b", True), ("lung-dx-a0002-b40f", False)])
def test_the_tumour_lies_on_the_side_that_the_collection_says(name: str, left: bool, data_dir: Path) -> None:
    folder = data_dir / "ct" / name
    truth = json.loads((folder / "annotations.json").read_text())
    volume = read(folder)
    planes = {f.sop_instance_uid: z for z, f in enumerate(volume.frames)}
    body = volume.hu_zyx > -300
    midline_l_mm = (volume.lps_from_zyx @ np.r_[np.argwhere(body).mean(axis=0), 1.0])[0]
    centres = [
        (planes[b["sop_instance_uid"]], (b["ymin"] + b["ymax"]) / 2, (b["xmin"] + b["xmax"]) / 2, 1.0)
        for b in truth["boxes"]
    ]
    places = [(volume.lps_from_zyx @ centre)[0] for centre in centres]

    assert (np.mean(places) > midline_l_mm) is np.bool_(left)


def test_padding_of_the_pet_ct_is_masked_inside_and_outside_the_attribute(data_dir: Path) -> None:
    volume = read(data_dir / "petct/acrin-nsclc-fdg-pet-042/ct")

    assert int(volume.hu_zyx.min()) == -1024
    assert volume.padded_frac == pytest.approx(1 - np.pi / 4, abs=0.01)  # the corners round a circular field
    assert Code.HU_PAD in [r.code for r in volume.reasons]
