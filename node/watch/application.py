"""The ASGI application: `/` the page, `/healthz`, `/metrics`, and under `/api` what programs ask and tell."""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from node.engine.announced import ask, expect
from node.engine.case_catalogue import CaseCatalogue
from node.engine.files import DAMAGED_FILE
from node.engine.job_book import JobBook
from node.engine.jobs import details, job, opened
from node.errors import LungnodeError
from node.settings import Settings
from node.store.layout import AWAY, Layout
from node.watch.metrics import exposition
from node.watch.page import page
from node.watch.state import node_state

_LARGEST_BODY_BYTES = 65536
_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}
_STATUS = {"JOB-UNKNOWN": 404, DAMAGED_FILE: 503, AWAY: 503}  # of a code; else 400
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def application(settings: Settings) -> Starlette:
    """Build the application of one node."""
    book = JobBook(CaseCatalogue(settings.data_dir))

    def show_page(_request: Request) -> Response:
        return HTMLResponse(page(node_state(settings, book)), headers=_HEADERS)

    def health(_request: Request) -> Response:
        try:
            state = node_state(settings, book)
        except (OSError, LungnodeError) as error:
            # who asks whether the node is well must not get a page without a word
            words = f"{error.code}: {error.message}" if isinstance(error, LungnodeError) else _words(error)
            body = {"status": "trouble", "trouble": [words], "warnings": [], "paused": None}
            return JSONResponse(body, status_code=503)
        body = {
            "status": "trouble" if state.trouble else "ok",
            "trouble": list(state.trouble),
            "warnings": list(state.warnings),
            "paused": state.paused,
        }
        return JSONResponse(body, status_code=503 if state.trouble else 200)

    def metrics(_request: Request) -> Response:
        return Response(exposition(node_state(settings, book)), media_type=_METRICS_TYPE)

    def all_jobs(_request: Request) -> Response:
        state = node_state(settings, book)
        return JSONResponse({"jobs": [j.as_json() for j in state.jobs], "waiting": list(state.waiting)})

    def one_job(request: Request) -> Response:
        with opened(settings) as engine:
            return JSONResponse(details(settings, engine, job(settings, engine, request.path_params["workflow_id"])))

    def analyse(request: Request) -> Response:
        _want_json(request)
        Layout(settings.data_dir).must_be_there()  # a word that is kept elsewhere would be heard by nobody
        ask(settings.data_dir, request.path_params["uid"])
        return JSONResponse({"asked": request.path_params["uid"]}, status_code=202)

    async def expected(request: Request) -> Response:
        _want_json(request)
        told = await _body(request)
        values = (told.get("study_instance_uid"), told.get("series_instance_uid"), told.get("n_instances"))
        await run_in_threadpool(_expect, settings, *values, told.get("modality"))
        return JSONResponse({"expected": told.get("n_instances")})

    return Starlette(
        routes=[
            Route("/", show_page),
            Route("/healthz", health),
            Route("/metrics", metrics),
            Route("/api/jobs", all_jobs),
            Route("/api/jobs/{workflow_id}", one_job),
            Route("/api/expected", expected, methods=["POST"]),
            Route("/api/analyse/{uid}", analyse, methods=["POST"]),
        ],
        exception_handlers={LungnodeError: _refused, ValueError: _unreadable, OSError: _out_of_reach},
    )


def _expect(settings: Settings, study: object, series: object, n_instances: object, modality: object) -> None:
    if not (isinstance(study, str) and isinstance(series, str) and isinstance(n_instances, int)):
        raise ValueError("study_instance_uid, series_instance_uid and n_instances are wanted")
    Layout(settings.data_dir).must_be_there()
    expect(settings.data_dir, study, series, n_instances, modality if isinstance(modality, str) else "")


def _want_json(request: Request) -> None:
    """Refuse what any page in a browser of this machine could send: a browser lets no foreign page send JSON."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Content-Type: application/json is wanted")


async def _body(request: Request) -> dict[str, Any]:
    """Read a small JSON object.

    Raises
    ------
    ValueError
        It is none, or too large.
    """
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _LARGEST_BODY_BYTES:
            raise ValueError("the body is too large")
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("a JSON object is wanted")
    return body


def _refused(_request: Request, error: Exception) -> Response:
    known = error.as_json() if isinstance(error, LungnodeError) else {}
    return JSONResponse({"error": known}, status_code=_STATUS.get(str(known.get("code")), 400))


def _unreadable(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error) if not isinstance(error, UnicodeError) else "not UTF-8", status_code=400)


def _out_of_reach(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(_words(error), status_code=503)


def _words(error: Exception) -> str:
    """Name a file or folder that cannot be read or written, and why."""
    return f"data_dir cannot be read or written: {error}"
