"""Prometheus metrics, counted when they are asked for."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from node.watch.state import NodeState


class _OfState(Collector):
    def __init__(self, state: NodeState) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        state = self._state
        by_state = GaugeMetricFamily("lungnode_jobs", "cases by state", labels=["state"])
        for name, n in sorted(Counter(j.state for j in state.jobs).items()):
            by_state.add_metric([name], n)
        yield by_state
        by_outcome = GaugeMetricFamily("lungnode_outcomes", "analysed cases by outcome", labels=["outcome"])
        for name, n in sorted(Counter(j.outcome for j in state.jobs if j.outcome).items()):
            by_outcome.add_metric([name], n)
        yield by_outcome
        stages = Counter((d.destination, d.stage.value) for j in state.jobs for d in j.deliveries)
        deliveries = GaugeMetricFamily("lungnode_deliveries", "deliveries by stage", labels=["destination", "stage"])
        for (destination, stage), n in sorted(stages.items()):
            deliveries.add_metric([destination, stage], n)
        yield deliveries
        yield GaugeMetricFamily("lungnode_waiting", "cases that are not complete", value=len(state.waiting))
        again = "instances kept that arrived again with other pixels or geometry (ID-DUPDIFF)"
        yield GaugeMetricFamily("lungnode_instances_quarantined", again, value=state.n_quarantined)
        yield GaugeMetricFamily("lungnode_disk_free_bytes", "free on the spool's file system", value=state.free_bytes)
        yield GaugeMetricFamily("lungnode_paused", "1 while paused", value=float(state.paused is not None))
        up = "1 while every port of the receiver is accepted from"
        yield GaugeMetricFamily("lungnode_receiver_up", up, value=float(state.receiver_up))
        works = "1 while the worker and the intake give signs of life"
        yield GaugeMetricFamily("lungnode_worker_up", works, value=float(state.worker_up))
        yield GaugeMetricFamily("lungnode_healthy", "1 where nothing is wrong", value=float(not state.trouble))


def exposition(state: NodeState) -> bytes:
    """Write the metrics as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_OfState(state))
    return generate_latest(registry)
