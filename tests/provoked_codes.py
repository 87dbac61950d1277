"""Which codes a run of tests makes the node itself give: `pytest -p tests.provoked_codes tests/volume tests/route`.

Reasons that a test builds are not counted, nor codes of exceptions that carry no `Reason`.
"""

import sys
from typing import Any

from node import errors

_given: dict[str, str] = {}  # code -> the first test
_now = ""
_build = errors.Reason.__init__


def _counted(reason: Any, *arguments: Any, **named: Any) -> None:
    _build(reason, *arguments, **named)
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.endswith("node/errors.py"):
        frame = frame.f_back
    if "/node/" in frame.f_code.co_filename and "/tests/" not in frame.f_code.co_filename:
        _given.setdefault(str(reason.code), _now)


def pytest_configure() -> None:
    errors.Reason.__init__ = _counted


def pytest_runtest_setup(item: Any) -> None:
    global _now  # noqa: PLW0603 - pytest's hooks are functions
    _now = item.nodeid


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for code in errors.Code:
        terminalreporter.write_line(f"{code.value:16} {_given.get(code.value, '- not given')}")
