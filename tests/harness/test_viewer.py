"""The viewer on one origin with a real Orthanc, over HTTP and in a real browser."""

import http.client
import json
import time
import urllib.error
import urllib.request
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from node.harness import viewer
from node.harness.orthanc import OrthancSite
from node.harness.viewer import running_viewer, study_link
from tests.harness.browser import running_browser

pytestmark = pytest.mark.orthanc


@pytest.fixture
def page_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text("the page")
    (folder / "part.wasm").write_bytes(b"\0asm")
    return folder


def test_a_machine_without_the_viewer_is_no_failure(monkeypatch, tmp_path):
    monkeypatch.setattr(viewer, "BESIDE_THE_PACKAGE", tmp_path)
    monkeypatch.setattr(viewer, "INSTALLED", tmp_path)
    assert viewer.find_viewer() is None


def fetch(url: str, headers: dict[str, str] | None = None) -> tuple[int, "http.client.HTTPMessage", bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_files_paths_of_the_viewer_and_dicomweb_have_one_origin(site, page_folder):
    with running_viewer(page_folder, site) as url:
        assert fetch(f"{url}/")[2] == b"the page"
        assert fetch(study_link(url, "1.2.3"))[2] == b"the page"
        status, headers, _ = fetch(f"{url}/part.wasm")
        assert (status, headers["Content-Type"]) == (200, "application/wasm")
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert json.loads(fetch(f"{url}/dicom-web/studies")[2]) == []
        assert fetch(f"{url}/dicom-web/studies/9.9/metadata")[0] == 404


def test_a_page_from_elsewhere_gets_nothing(site, page_folder):
    """A browser that was lured to a foreign name for this address (DNS rebinding) sends that name as its host."""
    with running_viewer(page_folder, site) as url:
        assert fetch(f"{url}/dicom-web/studies", {"Host": "attacker.example"})[0] == 403


def test_nothing_outside_the_folder_is_served(site, page_folder):
    (page_folder.parent / "secret").write_text("secret")
    with running_viewer(page_folder, site) as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"))
        connection.request("GET", "/../secret")
        assert connection.getresponse().read() == b"the page"
        connection.close()


def test_an_archive_that_is_gone_ends_the_connection(page_folder, tmp_path):
    with running_viewer(page_folder, OrthancSite(tmp_path / "none")) as url:
        with pytest.raises((http.client.HTTPException, OSError)):
            fetch(f"{url}/dicom-web/studies")
        assert fetch(f"{url}/")[0] == 200


def colours_of_both_sides(page: Page) -> tuple[str, str]:
    """Scroll until both halves of the viewport show colour over the grey image; which channel leads on each side."""
    page.mouse.move(725, 420)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        page.mouse.wheel(0, 100)
        page.wait_for_timeout(200)
        picture = np.asarray(Image.open(BytesIO(page.screenshot())).convert("RGB")).astype(int)[100:700, 300:1140]
        coloured = np.ptp(picture, axis=2) > 60
        sides = [(picture[:, :420], coloured[:, :420]), (picture[:, 420:], coloured[:, 420:])]
        if all(mask.sum() > 500 for _, mask in sides):
            first, second = ("rgb"[int(pixels[mask].mean(axis=0).argmax())] for pixels, mask in sides)
            return first, second
    pytest.fail("no mask was drawn on both sides")


@pytest.mark.browser
def test_ohif_draws_the_scan_and_both_lungs_in_their_places(site, viewer_folder, analysed):
    for file in analysed.images.iterdir():
        site.rest("POST", "/instances", file.read_bytes())
    for data in (analysed.seg, analysed.report):
        site.rest("POST", "/instances", data)
    with running_viewer(viewer_folder, site) as url, running_browser() as browser:
        browser.open(study_link(url, analysed.result["study_instance_uid"]))
        browser.show_segmentation("lungnode SEG (AI)")
        right, left = colours_of_both_sides(browser.page)
    assert (browser.failed, browser.errors) == ([], [])
    assert right != left
