"""LES-MANY: of more than 20 lesions the 20 largest are measured, and the count is given."""

from collections.abc import Mapping

from node.errors import Code, Reason, warn

AT_MOST = 20


def largest(n_voxels: Mapping[int, int]) -> tuple[int, ...]:
    """Return the labels of the lesions that are measured, largest first; of equal ones the lower label first."""
    return tuple(sorted(n_voxels, key=lambda label: (-n_voxels[label], label))[:AT_MOST])


def too_many(n_lesions: int) -> tuple[Reason, ...]:
    """Return LES-MANY, or nothing."""
    if n_lesions <= AT_MOST:
        return ()
    text = f"more than {AT_MOST} separate marks: {n_lesions} were segmented, the {AT_MOST} largest are measured"
    return (warn(Code.LES_MANY, text),)
