"""The viewer on one origin with a real Orthanc, over HTTP and in a real browser."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from node.harness.orthanc import OrthancSite, running_orthanc
from node.harness.ports import free_port
from node.harness.viewer import find_viewer, running_viewer, study_link

pytestmark = pytest.mark.orthanc

WITH_GRAPHICS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[OrthancSite]:
    overrides = {"StableAge": 1, "LungNode": {"Automatic": False}}
    with running_orthanc(OrthancSite(tmp_path / "orthanc"), free_port(), overrides=overrides) as site:
        yield site


@pytest.fixture
def page_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text("the page")
    (folder / "part.wasm").write_bytes(b"\0asm")
    return folder


@pytest.fixture
def viewer_folder() -> Path:
    folder = find_viewer()
    if folder is None:
        pytest.fail("the viewer is not installed: make viewer")
    return folder


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


@pytest.mark.browser
def test_ohif_draws_the_scan_and_lists_the_segmentation(site, viewer_folder, analysed, tmp_path):
    for file in analysed.images.iterdir():
        site.rest("POST", "/instances", file.read_bytes())
    for data in (analysed.seg, analysed.report):
        site.rest("POST", "/instances", data)
    failed: list[str] = []
    errors: list[str] = []
    with running_viewer(viewer_folder, site) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=WITH_GRAPHICS)
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(study_link(url, analysed.result["study_instance_uid"]))
        page.get_by_text("lungnode SEG (AI)").first.wait_for(timeout=90_000)
        page.locator("canvas").first.wait_for(timeout=90_000)
        page.screenshot(path=tmp_path / "viewer.png")
        browser.close()
    assert (failed, errors) == ([], [])
