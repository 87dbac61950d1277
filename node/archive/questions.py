"""The four questions, asked by whichever way the endpoint offers."""

from collections.abc import Iterable

from node.archive import cfind, qido
from node.archive.answers import StudyIdentity
from node.archive.endpoint import Endpoint, WebEndpoint

__all__ = ["count_series", "count_study", "held", "identities_of_study"]


def count_series(endpoint: Endpoint, study_uid: str, series_uid: str) -> int | None:
    """Return how many instances of a series the archive has, None where it does not know the series.

    Raises
    ------
    WorldUnavailable, Misconfigured
        See `web.translated` and `cfind`.
    """
    if isinstance(endpoint, WebEndpoint):
        return qido.count_series(endpoint, study_uid, series_uid)
    return cfind.count_series(endpoint, study_uid, series_uid)


def count_study(endpoint: Endpoint, study_uid: str) -> int | None:
    """Return how many instances of a study the archive has, None where it does not know the study."""
    if isinstance(endpoint, WebEndpoint):
        return qido.count_study(endpoint, study_uid)
    return cfind.count_study(endpoint, study_uid)


def identities_of_study(endpoint: Endpoint, study_uid: str) -> tuple[StudyIdentity, ...]:
    """Return the identities under which the archive has a study; empty where it does not know it."""
    if isinstance(endpoint, WebEndpoint):
        return qido.identities_of_study(endpoint, study_uid)
    return cfind.identities_of_study(endpoint, study_uid)


def held(endpoint: Endpoint, study_uid: str, series_uid: str, sop_uids: Iterable[str]) -> frozenset[str]:
    """Return those of the SOP Instance UIDs that the archive holds now, each asked for by itself."""
    if isinstance(endpoint, WebEndpoint):
        return qido.held(endpoint, study_uid, series_uid, sop_uids)
    return cfind.held(endpoint, study_uid, series_uid, sop_uids)
