"""Kernels by the vendors' lists, at both sides of each limit."""

import pytest

from node.facts.kernel import KernelClass, kernel_class

KNOWN = [
    ("SIEMENS", ("B40f",), "soft"),
    ("SIEMENS", ("B59f",), "soft"),
    ("SIEMENS", ("B60f",), "sharp"),
    ("SIEMENS", ("B70fs",), "sharp"),
    ("Siemens Healthineers", ("Br40d", "3"), "soft"),
    ("Siemens Healthineers", ("Br59d",), "soft"),
    ("Siemens Healthineers", ("Br60d",), "sharp"),
    ("Siemens Healthineers", ("Br60d", "3"), "soft"),
    ("Siemens Healthineers", ("Br62d", "2", "3"), "sharp"),
    ("Siemens Healthineers", ("Br62d", "3 "), "soft"),
    ("SIEMENS", ("Bl63d", "3"), "soft"),
    ("SIEMENS", ("Bl64d", "3"), "sharp"),
    ("SIEMENS", ("I50f",), "unknown"),
    ("SIEMENS", ("I70f",), "unknown"),
    ("SIEMENS", ("XYZ Gauss5.00",), "unknown"),
    ("GE MEDICAL SYSTEMS", ("BONEPLUS",), "sharp"),
    ("GE MEDICAL SYSTEMS", ("LUNG",), "sharp"),
    ("GE", ("LUNG",), "sharp"),
    ("General Electric", ("EDGE",), "sharp"),
    ("GE MEDICAL SYSTEMS", ("STANDARD",), "soft"),
    ("GE MEDICAL SYSTEMS", ("Soft",), "soft"),
    ("GE MEDICAL SYSTEMS", ("STD+",), "unknown"),
    ("GE", ("",), "unknown"),
    ("Philips", ("YC",), "sharp"),
    ("Philips", ("L",), "sharp"),
    ("Philips", ("B",), "soft"),
    ("Philips", ("E",), "unknown"),
    ("Philips", ("SB",), "unknown"),
    ("Philips", ("Q",), "unknown"),
    ("TOSHIBA", ("FC08",), "soft"),
    ("TOSHIBA", ("FC49",), "soft"),
    ("TOSHIBA", ("FC50",), "sharp"),
    ("Canon Medical Systems", ("FC59",), "sharp"),
    ("Canon Medical Systems", ("FC60",), "soft"),
    ("Canon Medical Systems", ("FC80",), "sharp"),
    ("Canon Medical Systems", ("FC86",), "sharp"),
    ("TOSHIBA", ("FC87",), "soft"),
    ("TOSHIBA", ("FC51-H",), "unknown"),
    ("", ("B70f",), "sharp"),
    ("", ("LUNG",), "sharp"),
    ("", ("FC51",), "sharp"),
    ("", ("B30f",), "soft"),
    ("", ("L",), "unknown"),
    ("ADAC", (), "unknown"),
]


@pytest.mark.parametrize(("maker", "kernel", "expected"), KNOWN)
def test_kernels_are_classed_by_the_list_of_their_maker(maker, kernel, expected):
    assert kernel_class(maker, kernel) is KernelClass(expected)
