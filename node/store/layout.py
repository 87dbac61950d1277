"""Where everything lies under the data folder.

    spool/incoming/                                        temporary files, on the spool's file system
    spool/studies/<study>/<series>/<sop>.dcm               the current file of an instance
    spool/variants/<study>/<series>/<sop>~<n>.dcm          the same SOP Instance UID with other bytes, not judged yet
    spool/quarantine/<study>/<series>/<sop>~<n>.dcm        judged: other pixels or geometry (ID-DUPDIFF)
    spool/superseded/<study>/<series>/<sop>~<n>.dcm        former files of instances whose identity was corrected
    spool/journal/<process>.<n>.jsonl                      hints, one line per event; the last n is written to
    spool/alive/<process>                                  touched while it goes round (heartbeat)
    results/<workflow>/                                    result objects
    index.sqlite                                           the index
    folder.json                                            which folder this is (identity)

A path is built from a header's UIDs only after `is_uid` has passed them: digits and single dots, nothing else.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from node.errors import NotYetThere
from node.settings_snapshot import SUPERVISED
from node.store.identity import begin_folder, identity

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")  # a leading zero in a component is tolerated, ID-NOUID
MAXIMUM_UID_LENGTH = 64  # PS3.5 section 9.1

SUFFIX = ".dcm"
AWAY = "ENV-DATA"


def is_uid(text: str) -> bool:
    """Tell whether `text` can be a UID (PS3.5 section 9.1), and so a file's name."""
    return len(text) <= MAXIMUM_UID_LENGTH and _UID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class InstanceUids:
    """The three UIDs under which an instance is kept."""

    study: str
    series: str
    sop: str

    def __post_init__(self) -> None:
        for uid in (self.study, self.series, self.sop):
            if not is_uid(uid):
                raise ValueError(f"not a UID: {uid!r}")


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders below `data_dir`."""

    data_dir: Path

    @property
    def spool(self) -> Path:
        """Everything that was received."""
        return self.data_dir / "spool"

    @property
    def incoming(self) -> Path:
        """Temporary files."""
        return self.spool / "incoming"

    @property
    def studies(self) -> Path:
        """Current files."""
        return self.spool / "studies"

    @property
    def variants(self) -> Path:
        """Files that wait for a judgement."""
        return self.spool / "variants"

    @property
    def quarantine(self) -> Path:
        """Files that were judged to be something else under the same UID."""
        return self.spool / "quarantine"

    @property
    def superseded(self) -> Path:
        """Former current files."""
        return self.spool / "superseded"

    @property
    def journal(self) -> Path:
        """Hints of the receivers."""
        return self.spool / "journal"

    @property
    def results(self) -> Path:
        """Result objects."""
        return self.data_dir / "results"

    @property
    def index(self) -> Path:
        """The index's file, where it is not in PostgreSQL."""
        return self.data_dir / "index.sqlite"

    def must_be_there(self, number: str | None = None) -> None:
        """Refuse to go on without the folders that a node made when it started.

        Parameters
        ----------
        number : of the data folder that is wanted (`identity`); None: whichever is there.

        Raises
        ------
        NotYetThere
            ENV-DATA: the data folder was unmounted, moved or removed since, or another one is in its place.
        """
        if not self.spool.is_dir() or number not in (None, identity(self.data_dir)):
            raise NotYetThere(
                AWAY,
                f"data_dir {self.data_dir} is away: it holds no spool any more, or another one (unmounted, moved, "
                "removed or replaced); nothing is received or made; next: bring it back (findmnt, dmesg), the work "
                "then goes on by itself; where it is lost, start the node again",
            )

    def create(self) -> None:
        """Make all folders. Under `serve`, which made them at its start, what is away since is not made anew.

        A new one would fill the disk below the mount point, where nobody finds it again.

        Raises
        ------
        NotYetThere
            ENV-DATA, see `must_be_there`.
        Misconfigured
            ENV-NEWER: a newer program has written in it.
        """
        if SUPERVISED in os.environ:
            self.must_be_there()
        folders = (
            self.incoming,
            self.studies,
            self.variants,
            self.quarantine,
            self.superseded,
            self.journal,
            self.results,
        )
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        begin_folder(self.data_dir)


def current_path(root: Path, uids: InstanceUids) -> Path:
    """Return the place of an instance's current file below `root`."""
    return Path(f"{root}/{uids.study}/{uids.series}/{uids.sop}{SUFFIX}")  # one parse: this runs for every instance


def numbered_path(root: Path, uids: InstanceUids, number: int) -> Path:
    """Return the place of the `number`-th further file of an instance below `root`."""
    return root / uids.study / uids.series / f"{uids.sop}~{number}{SUFFIX}"


def uids_of(path: Path) -> InstanceUids:
    """Read the UIDs back from a path that `current_path` or `numbered_path` made.

    Raises
    ------
    ValueError
        The path is not one of ours.
    """
    return InstanceUids(path.parent.parent.name, path.parent.name, path.stem.partition("~")[0])
