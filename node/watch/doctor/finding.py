"""What the doctor says about one thing."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How it stands."""

    OK = "ok"
    WARN = "warn"  # works, but a person should know
    FAIL = "fail"  # something that is configured does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tested. `todo` says what a person can do; empty where there is nothing to do."""

    check: str
    grade: Grade
    text: str
    todo: str = ""

    def as_json(self) -> dict[str, str]:
        """Return what `--json` shows."""
        return {"check": self.check, "grade": self.grade.value, "text": self.text, "todo": self.todo}


def ok(check: str, text: str) -> Finding:
    """Build a finding that is well."""
    return Finding(check, Grade.OK, text)


def warn(check: str, text: str, todo: str) -> Finding:
    """Build a finding that a person should know."""
    return Finding(check, Grade.WARN, text, todo)


def fail(check: str, text: str, todo: str) -> Finding:
    """Build a finding that a person must act on."""
    return Finding(check, Grade.FAIL, text, todo)
