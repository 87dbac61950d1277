"""Why an operator takes results back."""

from enum import StrEnum


class Withdrawal(StrEnum):
    """A reason for a rejection note of our own (CID 7011)."""

    SOFTWARE_FAILURE = "software-failure"
    IMAGE_ARTEFACTS = "image-artefacts"
