"""Every status that the node answers (standards 6.1; PS3.4 section B.2.3 and PS3.7 annex C)."""

from dataclasses import dataclass
from enum import IntEnum


class Status(IntEnum):
    """C-STORE and N-service statuses of this node."""

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110  # our mistake or our disk; the sender may try again
    NO_SUCH_OBJECT = 0x0112
    INVALID_ARGUMENT = 0x0115
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    NOT_AUTHORISED = 0x0124
    OUT_OF_RESOURCES = 0xA700
    DATA_SET_MISMATCH = 0xA900  # UIDs missing or not those of the command, SIZE-DIM
    CANNOT_PARSE = 0xC0A0
    NESTED_TOO_DEEP = 0xC0A2  # SIZE-NEST
    TRUNCATED = 0xC0A3


MAXIMUM_COMMENT_LENGTH = 64  # Error Comment (0000,0902) is LO


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and, where it is no success, a comment without patient data."""

    status: Status
    comment: str = ""


SUCCESS = Answer(Status.SUCCESS)


class Unacceptable(Exception):
    """An instance cannot be kept; `answer` is what its sender is told, the UIDs are those of its data set, else ""."""

    def __init__(self, status: Status, comment: str) -> None:
        super().__init__(comment)
        self.study_uid = self.series_uid = ""
        self.answer = Answer(status, comment[:MAXIMUM_COMMENT_LENGTH])
