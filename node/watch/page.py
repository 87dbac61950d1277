"""The status page: plain HTML, no scripts, readable in any browser and below any path prefix."""

from html import escape

from node.engine.clock import local_time
from node.engine.job_state import Job
from node.watch.state import NodeState

_LATEST = 200
_STYLE = (
    "body{font:14px system-ui,sans-serif;margin:2em;max-width:100em}table{border-collapse:collapse;width:100%}"
    "td,th{border-bottom:1px solid #ccc;padding:.3em .6em;text-align:left;vertical-align:top}"
    "code{font-size:12px;word-break:break-all}.trouble{background:#fdd;padding:.6em}.paused{background:#ffc;padding:.6em}"
)


def page(state: NodeState) -> str:
    """Return the page."""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>lungnode</title>"
        f"<style>{_STYLE}</style></head><body><h1>lungnode</h1>"
        "<p>AI result - not for diagnosis; requires physician review</p>"
        + "".join(f"<p class='trouble'>{escape(text)}</p>" for text in state.trouble)
        + "".join(f"<p class='paused'>{escape(text)}</p>" for text in state.warnings)
        + (f"<p class='paused'>Paused: {escape(state.paused)}</p>" if state.paused is not None else "")
        + f"<p>{state.free_bytes / 2**30:.1f} GiB free. <a href='healthz'>health</a> · <a href='metrics'>metrics</a> · "
        "<a href='api/jobs'>jobs as JSON</a></p>" + _waiting(state) + _jobs(state.jobs[:_LATEST]) + "</body></html>"
    )


def _waiting(state: NodeState) -> str:
    if not state.waiting:
        return "<h2>Waiting to be complete</h2><p>Nothing.</p>"
    rows = "".join(
        f"<tr><td><code>{escape(str(w['series_instance_uid']))}</code></td><td>{escape(str(w['n_instances']))}</td>"
        f"<td>{escape(str(w['why']))}</td><td>{local_time(float(w['until_s']))}</td></tr>"
        for w in state.waiting
    )
    head = "<tr><th>series</th><th>instances</th><th>why</th><th>at the latest until</th></tr>"
    return f"<h2>Waiting to be complete</h2><table>{head}{rows}</table>"


def _jobs(jobs: tuple[Job, ...]) -> str:
    if not jobs:
        return "<h2>Cases</h2><p>None yet.</p>"
    rows = "".join(
        f"<tr><td>{local_time(j.case.created_s)}</td><td><code>{escape(j.case.workflow_id[:12])}</code></td>"
        f"<td><code>{escape(j.case.anchor.series_instance_uid)}</code></td><td>{escape(j.state)}</td>"
        f"<td>{escape(j.outcome)} {escape(' '.join(j.codes))}</td><td>{escape(j.why)}</td>"
        f"<td>{escape(', '.join(f'{d.destination}: {d.stage}' for d in j.deliveries))}</td></tr>"
        for j in jobs
    )
    head = (
        "<tr><th>begun</th><th>job</th><th>series</th><th>state</th><th>outcome</th><th>why</th>"
        "<th>destinations</th></tr>"
    )
    return f"<h2>Cases</h2><table>{head}{rows}</table>"
