"""The transfer syntaxes that the node takes, in its order of preference (standards 6.2).

An acceptor takes the first of its own list that the requestor offers. Big endian (retired), deflated and private
syntaxes are not taken from the network.
"""

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
IMPLICIT_LITTLE = "1.2.840.10008.1.2"

LOSSLESS: tuple[str, ...] = (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    "1.2.840.10008.1.2.4.80",  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.90",  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.70",  # JPEG lossless, process 14, selection value 1
    "1.2.840.10008.1.2.4.57",  # JPEG lossless, process 14
    "1.2.840.10008.1.2.5",  # RLE
    "1.2.840.10008.1.2.4.201",  # HTJ2K lossless
)

LOSSY: tuple[str, ...] = (  # by setting only; such a series is marked HU-LOSSY
    "1.2.840.10008.1.2.4.50",  # JPEG baseline
    "1.2.840.10008.1.2.4.51",  # JPEG extended
    "1.2.840.10008.1.2.4.81",  # JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.91",  # JPEG 2000
)

NATIVE = frozenset((EXPLICIT_LITTLE, IMPLICIT_LITTLE))


def accepted(*, lossy: bool) -> tuple[str, ...]:
    """Return the list to negotiate with."""
    return LOSSLESS + LOSSY if lossy else LOSSLESS
