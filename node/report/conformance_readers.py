"""The conformance statement's chapter on what comes back: rejection notes and readers' segmentations."""

from node.facts.rejection import TITLES
from node.report.codes import IMAGE_ARTEFACTS, REJECTED_FOR_QUALITY, SOFTWARE_FAILURE, TITLE_MODIFIER
from node.settings import Settings


def readers_chapter(settings: Settings) -> str:
    """Return the chapter as Markdown."""
    archives = ", ".join(
        f"{a.name} every {a.corrections_every_s:g} s" for a in settings.archives if a.corrections_every_s > 0
    )
    titles = "\n".join(
        f"| ({value}, DCM) | {text} | {'pixels are kept' if value == '113001' else 'pixels are purged'} |"
        for value, text in TITLES.items()
    )
    return f"""## 7. What comes back

### 7.1 Rejection notes received (IHE IOCM)

A Key Object Selection Document with one of these titles stops what it names, in its content tree or its evidence:
images are not analysed, cases made of them and results that it names are not sent any more, readers' segmentations
that it names are not counted. It is answered 0000, and remembered for good. Any other one is kept and ignored.

| Title | Meaning | Images named |
|---|---|---|
{titles}

### 7.2 Rejection notes sent

Off unless an operator orders one (`lungnode jobs withdraw`), about objects of this node alone: a Key Object Selection
Document (TID 2010) with title ({REJECTED_FOR_QUALITY.value}, DCM) and a ({TITLE_MODIFIER.value}, DCM) of
({SOFTWARE_FAILURE.value}, DCM) or ({IMAGE_ARTEFACTS.value}, DCM).

### 7.3 Readers' segmentations

A Segmentation or Label Map Segmentation of other equipment on a series with a result of this node is compared with
that result: BINARY, FRACTIONAL (half of the maximum and more is inside), LABELMAP, in every transfer syntax of
chapter 3. It must lie on the image's own grid and in its frame of reference. It comes by C-STORE, or is found by
QIDO-RS and fetched by WADO-RS ({archives or "no archive is configured"}). By an operator's order it is measured into a
TID 1500 report, never verified, that refers to the reader's segments and names the node's earlier report as its
predecessor.
"""
