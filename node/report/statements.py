"""Our own statements in a report: warnings by code and in words, and which algorithm made a mask (TID 4019)."""

from collections.abc import Iterable, Sequence

from highdicom.sr import ContentItem

from node.errors import Code as ReasonCode
from node.errors import Reason
from node.report import codes, tree
from node.report.reason_table import meaning
from node.segment.contract import ModelIdentity


def algorithm(models: Sequence[ModelIdentity], manufacturer: str, *parameters: str) -> list[ContentItem]:
    """Return TID 4019 for the models that made the masks: name, version, the weights' digests and more parameters."""
    every = (*(f"{m.name}={m.digest}" for m in models), *parameters)
    return [
        tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_NAME, " + ".join(m.name for m in models)),
        tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_VERSION, " + ".join(m.version for m in models)),
        tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_MANUFACTURER, manufacturer),
        *(tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_PARAMETERS, parameter) for parameter in every),
    ]


def warnings(reasons: Iterable[Reason], about: str = "") -> list[ContentItem]:
    """Return one LN-Q-WARN per code, each followed by all its plain words; `about` stands before them."""
    texts: dict[ReasonCode, dict[str, None]] = {}
    for reason in reasons:
        texts.setdefault(reason.code, {})[reason.text] = None
    items: list[ContentItem] = []
    for code, said in texts.items():
        items.append(tree.code(tree.CONTAINS, codes.WARNING, codes.reason(code, meaning(code))))
        items.append(tree.text(tree.CONTAINS, codes.COMMENT, f"{about}{code}: {'; '.join(said)}"))
    return items
