"""OHIF on a real Orthanc: a lesion's mask and its drawn axes on the right slice, for a CT and for a PET-CT.

Right is where the phantom has its nodule, not where our code says: the viewer itself puts that point of the patient on
the page. With LUNGNODE_SCREENSHOTS=FOLDER the pictures are kept (docs/review/viewer).
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread

from node.deliver.receipt import Outgoing, State
from node.deliver.send import deliver
from node.engine import line
from node.engine.analysis import write_analysis
from node.harness.orthanc import OrthancSite
from node.harness.viewer import running_viewer, study_link
from node.phantom.dicom import write_series
from node.phantom.pet import make_pet, pet_grid
from node.phantom.pet_dicom import PetOptions, write_pet
from node.phantom.thorax import make_thorax, thorax_grid
from node.settings import Destination, Settings
from tests.engine.test_pet_line import APART, HOT, PET, Outlined, analysed, case_of
from tests.harness.browser import Browser, running_browser

pytestmark = [pytest.mark.orthanc, pytest.mark.browser]

RADIUS_MM = HOT.diameter_mm / 2
X_MM, Y_MM, Z_MM = HOT.centre_lps_mm
FAR_Z_MM = Z_MM + 40.0  # a slice without the lesion
RIGHT_LUNG = (-X_MM, Y_MM, Z_MM)
BODY = (slice(140, 720), slice(430, 1040))  # rows and columns of the page with nothing but the picture


@dataclass(frozen=True)
class Study:
    """What is in the archive. `numbers` are (modality, z in mm, InstanceNumber) of its images."""

    name: str
    uid: str
    numbers: tuple[tuple[str, float, int], ...]

    def number_at(self, modality: str, z_mm: float) -> int:
        """Return the InstanceNumber of the slice next to a place along the patient."""
        near = min((n for n in self.numbers if n[0] == modality), key=lambda n: abs(n[1] - z_mm))
        return near[2]


@pytest.fixture(params=["ct", "pet-ct"])
def study(request: pytest.FixtureRequest, site: OrthancSite, tmp_path: Path) -> Study:
    """Write the phantom, measure its outlined nodule, and store images and results over STOW-RS."""
    folder, out = tmp_path / "study", tmp_path / "out"
    write_series(make_thorax(thorax_grid(80, 200), nodules=[HOT], noise_hu=8.0), folder / "ct")
    if request.param == "pet-ct":
        write_pet(make_pet(pet_grid(), nodules=[HOT, APART]), folder / "pet", PetOptions(series=PET))
    case, volume = case_of(folder)
    out.mkdir()
    write_analysis(analysed(case), volume, out)
    objects = line.encode_case(
        case, line.identify(case, Outlined(), Settings()), Settings(), out, now=datetime.now(UTC), volume=volume
    )
    images = sorted(folder.rglob("*.dcm"))
    store([*images, *(made.path for made in objects)], site)
    headers = [dcmread(path, stop_before_pixels=True) for path in images]
    numbers = tuple((h.Modality, float(h.ImagePositionPatient[2]), int(h.InstanceNumber)) for h in headers)
    return Study(request.param, str(headers[0].StudyInstanceUID), numbers)


def store(files: list[Path], site: OrthancSite) -> None:
    told = {"url": site.dicomweb_url, "username": site.username, "password": site.password}
    destination = Destination.model_validate({"name": "archive", "kind": "stow", **told})
    headers = [(path, dcmread(path, stop_before_pixels=True)) for path in files]
    sent = [
        Outgoing(h.Modality, path, h.SOPClassUID, h.SOPInstanceUID, h.SeriesInstanceUID, h.StudyInstanceUID)
        for path, h in headers
    ]
    assert {receipt.state for receipt in deliver(sent, destination, calling="NODE")} == {State.STORED}


def kept(name: str) -> Path | None:
    folder = os.environ.get("LUNGNODE_SCREENSHOTS")
    return None if folder is None else Path(folder) / name


def disc(browser: Browser, centre_lps: tuple[float, float, float], radius_mm: float) -> NDArray[np.bool_]:
    """Return which pixels of the page lie within a distance of a point of the patient."""
    x, y = browser.place_of(centre_lps)
    edge, _ = browser.place_of((centre_lps[0] + radius_mm, *centre_lps[1:]))
    rows, columns = np.ogrid[:800, :1200]
    return (rows - y) ** 2 + (columns - x) ** 2 < (edge - x) ** 2


def radius_of(browser: Browser) -> float:
    """Return the lesion's radius in pixels of the page."""
    return float(np.sqrt(disc(browser, HOT.centre_lps_mm, RADIUS_MM).sum() / np.pi))


def drawn(picture: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where axes and their lengths are drawn: the only pure green of the page."""
    red, green, blue = np.moveaxis(picture, 2, 0)
    return (green > 150) & (red < 100) & (blue < 100)


def coloured(picture: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.ptp(picture, axis=2) > 40


def test_ohif_shows_axes_and_masks_of_a_lesion_where_it_is_and_nowhere_else(site, study, viewer_folder):
    with running_viewer(viewer_folder, site) as url, running_browser() as browser:
        browser.open(study_link(url, study.uid))
        axes_lie_on_the_lesion(browser, study)
        masks_lie_on_lesion_and_lungs(browser, study)
        if study.name == "pet-ct":
            the_pets_mask_lies_on_its_hot_place(browser, study)
    assert (browser.failed, browser.errors) == ([], [])


def axes_lie_on_the_lesion(browser: Browser, study: Study) -> None:
    lengths = browser.show_report("lungnode measurements (AI)")
    assert [text.split()[0] for text in lengths] == ["L", "W"]
    assert [float(text.split()[1]) for text in lengths] == pytest.approx([HOT.diameter_mm] * 2, abs=2.0)
    assert abs(browser.slice_number() - study.number_at("CT", Z_MM)) <= 1
    picture = browser.picture(kept(f"{study.name}-axes"))
    rows, columns = np.nonzero(drawn(picture) & disc(browser, HOT.centre_lps_mm, RADIUS_MM * 1.15))
    x, y = browser.place_of(HOT.centre_lps_mm)
    radius = radius_of(browser)
    assert np.hypot(rows.mean() - y, columns.mean() - x) < radius / 4
    assert min(np.ptp(rows), np.ptp(columns)) > 1.5 * radius
    browser.go_to(study.number_at("CT", FAR_Z_MM))
    assert not drawn(browser.picture(kept(f"{study.name}-axes-none"))).any()


def masks_lie_on_lesion_and_lungs(browser: Browser, study: Study) -> None:
    browser.show_segmentation("lungnode SEG (AI)")
    browser.go_to(study.number_at("CT", Z_MM))
    picture = browser.picture(kept(f"{study.name}-seg"))
    places = (HOT.centre_lps_mm, RIGHT_LUNG, (X_MM, Y_MM + 2 * RADIUS_MM, Z_MM))
    lesion, right, left = (picture[disc(browser, at, RADIUS_MM / 3)].mean(axis=0) for at in places)
    assert min(np.ptp(colour) for colour in (lesion, right, left)) > 40
    assert min(np.abs(a - b).max() for a, b in combinations((lesion, right, left), 2)) > 40
    assert coloured(picture)[disc(browser, HOT.centre_lps_mm, RADIUS_MM * 0.8)].mean() > 0.98
    browser.go_to(study.number_at("CT", FAR_Z_MM))
    far_off = browser.picture()[disc(browser, (X_MM, Y_MM, FAR_Z_MM), RADIUS_MM / 3)].mean(axis=0)
    assert np.abs(far_off - left).max() < np.abs(far_off - lesion).max()


def the_pets_mask_lies_on_its_hot_place(browser: Browser, study: Study) -> None:
    browser.show_segmentation("lungnode PET SEG (AI)")
    browser.page.get_by_text("PET AC").nth(1).wait_for(timeout=60_000)
    browser.go_to(study.number_at("PT", Z_MM))
    rows, columns = np.nonzero(coloured(browser.picture(kept(f"{study.name}-pet-seg"))[BODY]))
    x, y = browser.place_of(HOT.centre_lps_mm)
    radius = radius_of(browser)
    assert np.hypot(rows.mean() + BODY[0].start - y, columns.mean() + BODY[1].start - x) < radius / 3
    assert 0.1 < len(rows) / (np.pi * radius**2) < 1.5
    browser.go_to(study.number_at("PT", FAR_Z_MM))
    assert not coloured(browser.picture()[BODY]).any()
