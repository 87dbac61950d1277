"""All cases on disk, by study. A case file never changes once it is written, so each is read once.

A damaged one is passed over, and named in `damaged`: it must not keep the node from the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from node.engine.case_file import CaseFile, read_case_file
from node.errors import Misconfigured


@dataclass(slots=True)
class CaseCatalogue:
    """The cases of one data folder."""

    data_dir: Path
    damaged: dict[str, str] = field(default_factory=dict)  # what is wrong and what to do, by workflow id
    _known: dict[str, CaseFile] = field(default_factory=dict)

    def of_study(self, study_uid: str) -> tuple[CaseFile, ...]:
        """Return the cases of a study, oldest first."""
        return tuple(c for c in self.all() if c.study_instance_uid == study_uid)

    def newest_like(self, draft: CaseFile) -> CaseFile | None:
        """Return the newest case of the same study and analysis."""
        same = [c for c in self.of_study(draft.study_instance_uid) if same_analysis(c, draft)]
        return same[-1] if same else None

    def all(self) -> tuple[CaseFile, ...]:
        """Return all cases, oldest first."""
        there = {p.name for p in _folders(self.data_dir / "results")}
        for gone in self._known.keys() - there:
            del self._known[gone]
        self.damaged.clear()
        for name in there - self._known.keys():
            try:
                case = read_case_file(self.data_dir, name)
            except Misconfigured as error:
                self.damaged[name] = f"{error.code}: {error.message}"
                continue
            if case is not None:
                self._known[name] = case
        return tuple(sorted(self._known.values(), key=lambda c: c.created_s))


def same_analysis(one: CaseFile, other: CaseFile) -> bool:
    """Whether two cases give results of one kind: a study has one current result of each."""
    return bool((one.lungs and other.lungs) or (one.lesions and other.lesions))


def _folders(root: Path) -> Iterable[Path]:
    return root.iterdir() if root.exists() else ()
