"""Does an application entity let us search? Counts, identities and the confirmation of deliveries depend on it."""

from node.archive.endpoint import DimseEndpoint, endpoint_of_destination
from node.archive.questions import identities_of_study
from node.errors import LungnodeError
from node.settings import Destination
from node.watch.doctor.destinations import ASK_WITHIN_S
from node.watch.doctor.finding import Finding, fail, ok

_NOBODYS_STUDY = "2.25.1"


def why_no_search(endpoint: DimseEndpoint) -> str:
    """Search for a study that is not there; return why that failed, "" where it did not."""
    try:
        identities_of_study(endpoint, _NOBODYS_STUDY)
    except LungnodeError as error:
        return error.message
    return ""


def check_asking_back(destination: Destination, calling: str) -> Finding | None:
    """Ask one destination as its deliveries will be confirmed; None where that is not by C-FIND."""
    impatient = destination.model_copy(update={"timeout_s": min(ASK_WITHIN_S, destination.timeout_s)})
    endpoint = endpoint_of_destination(impatient, calling)
    if not isinstance(endpoint, DimseEndpoint) or destination.commitment == "ask":
        return None
    name, why_not = f"destination {destination.name}", why_no_search(endpoint)
    if not why_not:
        return ok(name, "answers C-FIND, by which deliveries are confirmed")
    return fail(
        name,
        f"cannot be asked whether it holds what was sent, so that no delivery ends: {why_not}",
        f"at {destination.ae_title}: let {calling} search (C-FIND, study root); or set commitment of destination "
        f'{destination.name!r} to "ask", or its confirm to "none", which believes its answers',
    )
