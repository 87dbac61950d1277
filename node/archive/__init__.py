"""The room `archive`: what is asked of the outside world by DICOMweb or DIMSE: counts, identities, instances.

Nothing is retried here: a library that waits by itself would hide a dead archive for minutes. Every failure of the
peer becomes `WorldUnavailable` (try again later) or `Misconfigured` (a login), once, in `web.py` and `cfind.py`.
"""
