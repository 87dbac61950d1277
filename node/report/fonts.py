"""The typeface of pictures and PDF: DejaVu Sans, which has every sign that we print and may be embedded.

It is found inside an installed package; that package is not imported for it.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from node.errors import Misconfigured

_PACKAGE = "matplotlib"


def font_file(*, bold: bool = False) -> Path:
    """Return the typeface's file.

    Raises
    ------
    Misconfigured
        ENV-FONT where it is not installed.
    """
    spec = find_spec(_PACKAGE)
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / name
        if path.is_file():
            return path
    raise Misconfigured("ENV-FONT", f"the typeface {name} of package {_PACKAGE} is not installed")


@cache
def picture_font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the typeface for drawing into pictures, `size` in pixels."""
    return ImageFont.truetype(str(font_file(bold=bold)), size)
