"""The viewer in a real browser: a study is opened, an object shown, the picture read."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, sync_playwright

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
SHOWN_WITHIN_MS = 90_000
_SCROLL = """(slices) => {
    const {viewportGridService, cornerstoneViewportService} = window.services;
    cornerstoneViewportService.getCornerstoneViewport(viewportGridService.getActiveViewportId()).scroll(slices);
}"""
# where the viewer's own geometry, which comes from the images' headers, puts a point of the patient
_PLACE = """(point_lps) => {
    const {viewportGridService, cornerstoneViewportService} = window.services;
    const viewport = cornerstoneViewportService.getCornerstoneViewport(viewportGridService.getActiveViewportId());
    const edge = viewport.element.getBoundingClientRect();
    const [x, y] = viewport.worldToCanvas(point_lps);
    return [x + edge.left, y + edge.top];
}"""


@dataclass(frozen=True)
class Browser:
    """A page of the viewer, and what went wrong in it."""

    page: Page
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, link: str) -> None:
        """Open a study and send away what lies over it."""
        self.page.goto(link)
        self.page.get_by_text("lungnode SEG (AI)").first.wait_for(timeout=SHOWN_WITHIN_MS)
        self.page.locator("canvas").first.wait_for(timeout=SHOWN_WITHIN_MS)
        self.page.get_by_text("Skip all").click(timeout=30_000)
        self.page.get_by_text("Confirm and hide").click(timeout=30_000)

    def show_segmentation(self, description: str) -> None:
        """Lay a segmentation over its series."""
        self.page.get_by_text(description).first.dblclick()
        self.page.get_by_role("button", name="Yes").click(timeout=60_000)

    def show_report(self, description: str) -> list[str]:
        """Show a report; return the lines that are written beside what is drawn."""
        self.page.get_by_text(description).first.dblclick()
        lines = self.page.locator("svg tspan")
        lines.first.wait_for(timeout=SHOWN_WITHIN_MS)
        return [" ".join(text.replace(":", " ").split()) for text in lines.all_text_contents()]

    def slice_number(self) -> int:
        """Return the InstanceNumber of the slice that is shown."""
        shown = self.page.get_by_text(re.compile(r"^I:\s*\d+ \(\d+/\d+\)")).first.inner_text()
        return int(re.findall(r"\d+", shown)[0])

    def go_to(self, instance_number: int) -> None:
        """Show another slice, as the bar beside the picture would: InstanceNumber falls where the stack goes on.

        The viewer moves on its own after it has laid a segmentation over a series, so being there once is not enough.
        """
        end, seen = time.monotonic() + SHOWN_WITHIN_MS / 1000, 0
        while seen < 3 and time.monotonic() < end:
            away = self.slice_number() - instance_number
            seen = 0 if away else seen + 1
            self.page.evaluate(_SCROLL, away)
            self.page.wait_for_timeout(500)
        assert self.slice_number() == instance_number

    def place_of(self, point_lps: tuple[float, float, float]) -> tuple[float, float]:
        """Return where a point of the patient lies on the page."""
        x, y = self.page.evaluate(_PLACE, list(point_lps))
        return float(x), float(y)

    def picture(self, keep: Path | None = None) -> NDArray[np.int64]:
        """Return the page's pixels, (rows, columns, 3); keep them as a file where one is named."""
        shot = self.page.screenshot()
        if keep is not None:
            small = Image.open(BytesIO(shot)).convert("RGB")
            small.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
                keep.with_suffix(".png"), optimize=True
            )
        return np.asarray(Image.open(BytesIO(shot)).convert("RGB")).astype(int)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run Chromium until the block ends."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=WITH_GRAPHICS)
        browser = Browser(chromium.new_page(viewport={"width": 1200, "height": 800}))
        browser.page.on("response", lambda a: browser.failed.append(a.url) if a.status >= 400 else None)
        browser.page.on("pageerror", lambda error: browser.errors.append(str(error)))
        yield browser
        chromium.close()
