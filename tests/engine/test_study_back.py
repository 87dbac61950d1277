"""A delivery that was held because its study was deleted goes on by itself when the study is back, and only then."""

from dataclasses import replace

import pytest
from dbos import DBOS

from node.engine.delivery import NO_STUDY
from node.engine.delivery_file import Delivery, Stage, read_delivery, write_delivery
from node.engine.queueing import unfinished_deliveries
from node.engine.runtime import client, launch
from node.engine.stopped import Stopped, mark_stopped
from node.engine.study_back import go_on_where_back
from node.errors import WorldUnavailable

HELD = Delivery("source", stage=Stage.HELD, attempts=1, why=f"{NO_STUDY}: it holds the study no more")


@pytest.fixture
def site(make_bench):
    """A bench whose destination is where the studies come from, with one case; and the engine's database."""
    source = {"name": "source", "kind": "stow", "url": "http://127.0.0.1:9/dicom-web", "needs_study": True}
    bench = make_bench(destinations=[source])
    case = bench.new_case()
    launch(bench.settings)
    DBOS.destroy(destroy_registry=True)
    engine = client(bench.settings)
    yield bench, case, engine
    engine.destroy()


def unreachable(*_: object) -> bool:
    raise WorldUnavailable("ARCHIVE-DOWN", "nobody there")


def test_it_goes_on_when_the_study_is_back_and_once(site) -> None:
    bench, case, engine = site
    write_delivery(bench.folder(case), HELD)

    assert go_on_where_back(bench.settings, engine, lambda *_: True) == ((case, "source"),)
    assert go_on_where_back(bench.settings, engine, lambda *_: True) == ()
    assert read_delivery(bench.folder(case), "source").stage is Stage.WAITING
    assert len(unfinished_deliveries(engine, case, "source")) == 1


@pytest.mark.parametrize(
    ("delivery", "holds_study", "word"),
    [
        (HELD, lambda *_: False, None),
        (HELD, unreachable, None),
        (HELD, lambda *_: True, Stopped.CANCELLED),
        (replace(HELD, why="ID-CHANGED: another patient"), lambda *_: True, None),
        (replace(HELD, stage=Stage.DEAD), lambda *_: True, None),
    ],
    ids=["still-gone", "nobody-answers", "case-cancelled", "held-for-its-identity", "given-up"],
)
def test_it_stays_held_else(site, delivery, holds_study, word) -> None:
    bench, case, engine = site
    write_delivery(bench.folder(case), delivery)
    if word is not None:
        mark_stopped(bench.folder(case), word, "by hand")

    assert go_on_where_back(bench.settings, engine, holds_study) == ()
    assert read_delivery(bench.folder(case), "source") == delivery
    assert unfinished_deliveries(engine, case, "source") == []
