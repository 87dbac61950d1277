"""What is wrong with settings, each fault with its line or variable and what was perhaps meant."""

from collections.abc import Iterator, Mapping
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from node.did_you_mean import nearest, suggestion
from node.toml_lines import Path, line_of

_UNKNOWN, _WORDS = "extra_forbidden", ("literal_error", "enum")
_NOT_FINITE = "finite_number"
_NO_LIST, _NO_TABLE = "tuple_type", "model_type"
_PRIVATE = ("password", "token", "database_url")  # what was written there is not repeated


def faults(
    error: ValidationError,
    model: type[BaseModel],
    *,
    source: str,
    lines: dict[Path, int],
    variables: Mapping[Path, str],
) -> list[str]:
    """Return one line a fault, in the order of the file.

    Parameters
    ----------
    model : the settings as a whole
    source : the name of the file
    lines : where the keys of the file stand
    variables : keys that were set by an environment variable, and its name
    """
    found = []
    for details in error.errors(include_url=False):
        at = details["loc"]
        variable = variables.get(at[:2]) or variables.get(at[:1])
        line = 0 if variable else line_of(at, lines)
        where = variable or (f"{source}:{line}" if lines and at else source)
        told = (where, ".".join(str(part) for part in at), _text(details, at, model))
        found.append((line, ": ".join(part for part in told if part)))
    return [text for _, text in sorted(found)]


def _text(details: ErrorDetails, at: Path, model: type[BaseModel]) -> str:
    if details["type"] == _UNKNOWN:
        return f"there is no such setting{_meant(str(at[-1]), at[:-1], model)}"
    given = details["input"]
    if details["type"] == _NO_LIST and isinstance(given, dict):
        return f"there may be several: write [[{at[-1]}]], with two brackets on either side, above each"
    if details["type"] == _NO_TABLE and isinstance(given, list):
        return f"there is only one: write [{at[-1]}], with one bracket on either side"
    text = details["msg"].removeprefix("Value error, ")
    if isinstance(given, dict | list) or given is None or any(part in _PRIVATE for part in at):
        return text
    if details["type"] == _NOT_FINITE and (greatest := _greatest(at, model)) is not None:
        text += f" and at most {greatest:.0f}"
    near = nearest(str(given), _quoted(details)) if details["type"] in _WORDS else None
    return f"{text}, not {given!r}" + (f"; did you mean {near!r}?" if near else "")


def _meant(key: str, table: Path, model: type[BaseModel]) -> str:
    """Say which setting of the table is spelt alike, else in which sections the name is known."""
    known = _model_at(table, model)
    if known is None:
        return ""
    sections = [name for name, inner in _sections(model) if key in inner.model_fields]
    if nearest(key, known.model_fields) is None and sections:
        return f" here; it belongs to {' or '.join(sections)}"
    return suggestion(key, known.model_fields)


def _greatest(at: Path, model: type[BaseModel]) -> float | None:
    """Return the upper bound of a setting, None where it has none."""
    table = _model_at(at[:-1], model)
    field = None if table is None else table.model_fields.get(str(at[-1]))
    bounds = () if field is None else field.metadata
    return next((float(bound.le) for bound in bounds if hasattr(bound, "le")), None)


def _quoted(details: ErrorDetails) -> list[str]:
    """Return the words that pydantic lists as 'a', 'b' or 'c'."""
    return str(details.get("ctx", {}).get("expected", "")).split("'")[1::2]


def _model_at(table: Path, model: type[BaseModel]) -> type[BaseModel] | None:
    inner: type[BaseModel] | None = model
    for part in table:
        if isinstance(part, str):
            inner = dict(_sections(inner)).get(part) if inner is not None else None
    return inner


def _sections(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the tables inside a table, of arrays of tables the table."""
    for name, field in model.model_fields.items():
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield name, inner
