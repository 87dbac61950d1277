"""What the engine asks of the world outside: deliveries, commitments, counts and identities."""

from node.deliver.commitment import read_answer, request
from node.deliver.confirm import confirm
from node.deliver.send import deliver
from node.engine.case_file import CaseFile
from node.engine.delivery import Ways
from node.facts.series import SeriesFacts
from node.route.completeness import CountAnswer
from node.settings import Settings
from node.store.index import StudyArrival

COMMITMENT_ANSWERS = "commitments"  # below the data folder: what archives answered on associations of their own
_ON_THE_SAME_ASSOCIATION_S = 3.0


def ways(settings: Settings) -> Ways:
    """Return how deliveries touch the world."""
    calling = settings.receive.ae_title
    return Ways(
        send=lambda objects, destination: deliver(objects, destination, calling=calling),
        ask_back=confirm,
        request_commitment=lambda objects, destination, transaction_uid: request(
            objects, destination, transaction_uid, calling=calling, wait_s=_ON_THE_SAME_ASSOCIATION_S
        ),
        read_commitment=lambda transaction_uid: read_answer(settings.data_dir / COMMITMENT_ANSWERS, transaction_uid),
    )


def identity_differs(_settings: Settings, _case: CaseFile) -> str | None:
    """Say why the archive's identity of the case's study is not that of its files; None where it is."""
    return None


def counts(_settings: Settings, _anchor: SeriesFacts, _study: StudyArrival) -> tuple[CountAnswer, ...]:
    """Return what the archives say how many instances a series has."""
    return ()
