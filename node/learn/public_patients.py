"""Public patients by what their scans call them: what folders of their scans do not say of themselves."""

_CASES = {"113_HM10395": "4D-Lung-113"}  # PatientID → case, where the sets call a patient otherwise than the scan does
# The beginning of a case → licence, as the collections' pages say
_LICENCES = {
    "LIDC-IDRI-": "CC BY 3.0",
    "4D-Lung-": "CC BY 3.0",
    "ACRIN-NSCLC-FDG-PET-": "CC BY 3.0",
    "Lung_Dx-": "CC BY 4.0",
}
# Cases in which somebody looked at all of both lungs, beside those of LIDC-IDRI; COVIDCTMD-P001 has a pneumonia, and
# what a mark there is, nobody said.
READ_COMPLETELY = frozenset({"COVIDCTMD-normal001"})


def case_of(patient_id: str) -> str:
    """Return what the sets call a patient: one who is held out is held out under one name."""
    return _CASES.get(patient_id, patient_id)


def licence_of_case(case: str) -> str:
    """Return a public patient's licence; nothing for anybody else: whose scans they are says under which."""
    return next((licence for start, licence in _LICENCES.items() if case.startswith(start)), "")
