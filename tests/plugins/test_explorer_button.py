"""The button in Orthanc Explorer, seen and clicked in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from node.harness.orthanc import OrthancSite, running_orthanc

pytestmark = [pytest.mark.orthanc, pytest.mark.browser]

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        try:
            yield browser.new_page()
        finally:
            browser.close()


@pytest.mark.parametrize("level", ["series", "study"])
def test_the_button_is_on_the_page_and_sends(tmp_path, listener, make_series, page, level):
    site = OrthancSite(tmp_path / "orthanc")
    series_uid, files = make_series(3)
    with running_orthanc(site, listener.port, overrides={"StableAge": 1, "LungNode": {"Automatic": False}}):
        for data in files:
            series = site.rest("POST", "/instances", data)["ParentSeries"]
        uuid = series if level == "series" else site.rest("GET", f"/series/{series}")["ParentStudy"]
        page.context.set_extra_http_headers({"Authorization": site.authorization})
        page.goto(f"{site.url}/app/explorer.html#{level}?uuid={uuid}")
        button = page.locator(f"#{level}-lungnode")
        button.wait_for(state="visible", timeout=20_000)
        assert "Analyse with lungnode" in button.inner_text()
        button.click()
        assert len(listener.wait_for(3, series_uid)) == 3
        page.get_by_text("1 series on the way to lungnode").wait_for(state="visible", timeout=20_000)


def test_the_button_says_why_nothing_was_sent(tmp_path, listener, make_series, page):
    site = OrthancSite(tmp_path / "orthanc")
    _, files = make_series(1, manufacturer="lungnode")
    with running_orthanc(site, listener.port, overrides={"StableAge": 1, "LungNode": {"Automatic": False}}):
        series = site.rest("POST", "/instances", files[0])["ParentSeries"]
        page.context.set_extra_http_headers({"Authorization": site.authorization})
        page.goto(f"{site.url}/app/explorer.html#series?uuid={series}")
        page.locator("#series-lungnode").click(timeout=20_000)
        page.get_by_text("Not sent: made by lungnode").wait_for(state="visible", timeout=20_000)
    assert listener.received == []
