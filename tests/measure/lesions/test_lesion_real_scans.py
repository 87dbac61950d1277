"""Real scans: the carina that a planner marked, and nodules that experts outlined and judged."""

import csv
import json
from collections import Counter
from math import dist
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from node.errors import Code
from node.facts.folder import read_folder
from node.measure.chest import chest_of
from node.measure.lesions.carina_of_scan import carina_of_scan
from node.measure.lesions.lesions import measure_lesions
from node.measure.lesions.solid import NoduleType
from node.segment.registry import load_lungs
from node.volume.read import read_volume

SOLID, SUBSOLID = "5", "1"  # LIDC's rating of texture: 5 is solid, 1 is ground glass


def scan_in(folder: Path):
    (series,) = (series for series in read_folder(folder).series if series.first.modality == "CT")
    volume = read_volume(series)
    return volume, load_lungs("lungs-rule").segment(volume)


@pytest.fixture(scope="module")
def gated_scan(data_dir: Path):
    return scan_in(data_dir / "ct" / "4d-lung-113")


def test_the_carina_is_where_the_planner_marked_it(data_dir: Path, gated_scan):
    structures = json.loads((data_dir / "ct" / "4d-lung-113" / "annotations.json").read_text())["structures"]
    (marked,) = (structure for structure in structures if structure["name"] == "Carina_c40")
    points = [(*xy, contour["z_mm"]) for contour in marked["contours"] for xy in contour["points_lps_xy_mm"]]
    assert dist(carina_of_scan(chest_of(*gated_scan)), np.mean(points, axis=0)) < 5.0  # 2.9 mm when this was written


@pytest.fixture(scope="module")
def outlined(data_dir: Path, scan_of):
    """Yield every expert outline's row of the index with what was measured of it."""
    folder = data_dir / "nodule3d"
    rows = list(csv.DictReader((folder / "index.csv").open()))
    return [(row, _measured(folder, row, scan_of)) for row in rows[::3]]


def _measured(folder: Path, row: dict[str, str], scan_of):
    shape = (int(row["depth"]), 64, 64)
    grey, mask = (np.array(Image.open(folder / row[key])).reshape(shape) for key in ("image", "mask"))
    hu = np.rint(grey * float(row["hu_slope"]) + float(row["hu_intercept"])).astype(np.int16)
    matrix = np.diag([float(row["spacing_mm"])] * 3 + [1.0])[[2, 1, 0, 3]]
    scan = scan_of((mask > 0).astype(np.uint8) * 3, matrix, hu)
    (lesion,) = measure_lesions(scan.volume, scan.segmentation, ())
    return lesion


@pytest.mark.data
def test_no_outlined_nodule_is_taken_for_one_that_merges_with_its_surroundings(outlined):
    refused = [row["case"] for row, lesion in outlined if Code.SEG_MERGED in {r.code for r in lesion.refused_by}]
    assert refused == []


@pytest.mark.data
def test_volumes_are_those_of_the_index(outlined):
    for row, lesion in outlined:
        assert lesion.size.volume_mm3 == pytest.approx(float(row["volume_mm3"]), rel=0.002), row["case"]


@pytest.mark.data
def test_mean_diameters_are_near_those_of_balls_of_equal_volume(outlined):
    off = [lesion.size.mean_diameter_mm - float(row["diameter_mm"]) for row, lesion in outlined]
    assert 0.0 < np.mean(off) < 2.0  # nodules are no balls: their axes are longer


@pytest.mark.data
def test_types_follow_the_readers_rating_of_texture(outlined):
    types = {
        rating: Counter(lesion.type for row, lesion in outlined if row["texture_median"] == rating)
        for rating in (SOLID, SUBSOLID)
    }
    assert types[SOLID][NoduleType.SOLID] > 0.7 * types[SOLID].total()
    assert types[SUBSOLID] == Counter({NoduleType.GROUND_GLASS: types[SUBSOLID].total()})
    assert types[SUBSOLID].total() > 0
