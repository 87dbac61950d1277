"""The classes of DICOM statuses (PS3.7 annex C, PS3.4 table B.2-1, PS3.18 annex I): stored, try again, never.

One table for C-STORE statuses and for the failure reasons of STOW-RS and storage commitment, which share their numbers.
"""

from enum import IntEnum

from node.deliver.receipt import State


class Status(IntEnum):
    """Statuses that are named in code."""

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110
    DUPLICATE_INSTANCE = 0x0111
    RESOURCE_LIMITATION = 0x0213
    WARNING = 0x0001
    CANCELLED = 0xFE00


_RETRYABLE = (Status.PROCESSING_FAILURE, Status.RESOURCE_LIMITATION, Status.CANCELLED)
_OUT_OF_RESOURCES = 0xA7  # 0xA700 to 0xA7FF
_WARNING_CLASS = 0xB  # 0xB000 to 0xBFFF: coerced, elements discarded, class mismatch; the object is kept


def classify(status: int) -> State:
    """Tell whether a status means stored, worth another attempt, or final.

    0x0111 (duplicate instance) belongs to N-CREATE, but archives answer C-STORE with it: the object is there, or the
    asking back finds that it is not.
    """
    if status in (Status.SUCCESS, Status.WARNING, Status.DUPLICATE_INSTANCE) or status >> 12 == _WARNING_CLASS:
        return State.STORED
    if status >> 8 == _OUT_OF_RESOURCES or status in _RETRYABLE:
        return State.RETRYABLE
    return State.PERMANENT


def written(status: int) -> str:
    """Write a status as the standard does."""
    return f"0x{status:04X}"
