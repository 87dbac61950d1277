"""What an archive answers. `None` means that it did not say; "" means that it says: empty."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StudyIdentity:
    """To whom an archive says that a study belongs (asked before every delivery, architecture 4)."""

    patient_id: str | None
    issuer_of_patient_id: str | None
    birth_date: str | None
    accession_number: str | None
