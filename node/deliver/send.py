"""Which way goes to which destination."""

from collections.abc import Sequence

from node.deliver import cstore, folder, orthanc, stow
from node.deliver.receipt import Outgoing, Receipt
from node.deliver.smaller import smaller_copies
from node.settings import Destination


def deliver(objects: Sequence[Outgoing], destination: Destination, *, calling: str) -> tuple[Receipt, ...]:
    """Send the kept objects once and return what the destination answered, one receipt each, in their order.

    Parameters
    ----------
    calling : our AE title, for destinations that are spoken to by DIMSE.
    """
    with smaller_copies(objects, destination) as smaller:
        fitting = [smaller.get(o.sop_instance_uid, o) for o in objects]
        match destination.kind:
            case "stow":
                return stow.send(fitting, destination)
            case "orthanc":
                return orthanc.send(fitting, destination)
            case "folder":
                return folder.send(objects, destination)
            case "cstore":
                return cstore.send(objects, destination, calling=calling, smaller=smaller)
