"""Our own sentences in ASCII: readable in an object that keeps its source's character set, and on any archive."""

import unicodedata

_SIGNS = str.maketrans(
    {
        "≤": "<=", "≥": ">=", "−": "-", "–": "-", "—": "-", "×": "x", "°": " degrees", "±": "+-", "µ": "u", "μ": "u",
        "²": "2", "³": "3", "σ": "sigma", "…": "...", "’": "'", "“": '"', "”": '"', "→": "->", "·": "*",
    }
)  # fmt: skip


def one_value(text: str) -> str:
    """Return a text as one value: undecodable bytes are shown with a backslash, which would part it in two."""
    return text.replace("\\", "/")


def ascii_text(text: str) -> str:
    """Return the text in ASCII: signs by name, letters without accents, anything else as a question mark."""
    plain = unicodedata.normalize("NFKD", text.translate(_SIGNS))
    return "".join(c for c in plain if not unicodedata.combining(c)).encode("ascii", "replace").decode("ascii")
