"""One search at one level, by whichever way the endpoint offers: keys and answers by DICOM keyword, values as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydicom.datadict import tag_for_keyword

from node.archive import cfind, qido
from node.archive.endpoint import Endpoint, WebEndpoint
from node.errors import OurMistake

Answer = dict[str, str | None]

_LEVELS = ("STUDY", "SERIES", "IMAGE")


def search(
    endpoint: Endpoint, level: str, where: Mapping[str, str], ask: Sequence[str], *, limit: int | None = None
) -> list[Answer]:
    """Return what the archive answers: "" where a value is empty, None where the archive leaves it out.

    Parameters
    ----------
    level : STUDY, SERIES or IMAGE
    where : what must match, the UIDs of the levels above among them; not believed, the caller looks at the answers
    ask : what to return beside it; several values are joined by a backslash
    limit : of answers, asked of DICOMweb alone: C-FIND has none

    Raises
    ------
    WorldUnavailable, Misconfigured
        See `web.translated` and `cfind`.
    """
    if level not in _LEVELS:
        raise OurMistake("ARCHIVE-LEVEL", f"there is no level {level!r}")
    if isinstance(endpoint, WebEndpoint):
        tags = {keyword: _tag(keyword) for keyword in (*where, *ask)}
        matches = qido.search(endpoint, level, dict(where), list(ask), limit)
        return [{keyword: _text(match, tag) for keyword, tag in tags.items()} for match in matches]
    return cfind.search(endpoint, level, {**dict.fromkeys(ask, ""), **where})


def _tag(keyword: str) -> str:
    number = tag_for_keyword(keyword)
    if number is None:
        raise OurMistake("ARCHIVE-KEYWORD", f"there is no attribute {keyword!r}")
    return f"{number:08X}"


def _text(match: dict[str, Any], tag: str) -> str | None:
    """Return the values of an attribute of DICOM JSON; of a person's name nothing is asked."""
    element = match.get(tag) if isinstance(match, dict) else None
    if not isinstance(element, dict):
        return None
    values = element.get("Value") or []
    return "\\".join("" if value is None else str(value).strip() for value in values)
