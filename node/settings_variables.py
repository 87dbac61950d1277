"""What environment variables do to the settings: `LUNGNODE_SECTION__KEY` sets one, `${NAME}` in a text is filled in."""

import json
import re
from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from node.did_you_mean import nearest
from node.errors import Misconfigured

_PREFIX = "LUNGNODE_"
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_FOLDERS = {"LUNGNODE_DATA_DIR": "data_dir", "LUNGNODE_MODELS_DIR": "models_dir"}
_OTHERS = (
    "LUNGNODE_SUPERVISED",  # `settings_snapshot`
    "LUNGNODE_ORTHANC_PASSWORD", "LUNGNODE_DATABASE_PASSWORD",  # as `deploy` has them; settings may name them
    "LUNGNODE_DATA", "LUNGNODE_GOLDEN", "LUNGNODE_SCREENSHOTS",  # of the tests
)  # fmt: skip


def refuse_unknown(model: type[BaseModel], variables: dict[str, str], text: str) -> None:
    """Refuse variables of ours that nothing reads: with one underscore a setting would be passed over in silence.

    Parameters
    ----------
    model : the settings as a whole
    text : the settings file, which may name variables of its own

    Raises
    ------
    Misconfigured
        CFG-ENV, with every such variable and what was perhaps meant.
    """
    settable = {"LUNGNODE_CONFIG", *_FOLDERS, *_settable(model)}
    known = {*settable, *_OTHERS, *_VARIABLE.findall(text)}
    unknown = sorted(n for n in variables if n.startswith(_PREFIX) and "__" not in n and n not in known)
    if unknown:
        lines = [f"{name}: {_meant(name, settable)}" for name in unknown]
        raise Misconfigured("CFG-ENV", "nothing reads these variables:\n  " + "\n  ".join(lines))


def take_variables(
    model: type[BaseModel], raw: dict[str, Any], variables: dict[str, str]
) -> dict[tuple[str | int, ...], str]:
    """Write the values of variables over those of the file; return which key came from which variable.

    Raises
    ------
    Misconfigured
        CFG-ENV where a variable names no table.
    """
    set_by: dict[tuple[str | int, ...], str] = {}
    for name, text in variables.items():
        if name.startswith(_PREFIX) and "__" in name:
            section, _, key = name.removeprefix(_PREFIX).lower().partition("__")
            table = raw.setdefault(section, {})
            if not isinstance(table, dict):
                raise Misconfigured("CFG-ENV", f"{name} cannot be set: {section!r} is not a table of settings")
            table[key] = _plain(text, is_text=_is_text(model, section, key))
            set_by[section, key] = name
    for name, folder in _FOLDERS.items():
        if name in variables:
            raw[folder] = variables[name]
            set_by[folder,] = name
    return set_by


def filled(value: Any, variables: dict[str, str]) -> Any:
    """Put variables in the place of `${NAME}`, so that secrets need not stand in the file.

    Raises
    ------
    Misconfigured
        CFG-ENV where one is not in the environment.
    """
    if isinstance(value, dict):
        return {key: filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, variables) for item in value]
    return _VARIABLE.sub(lambda found: _variable(found[1], variables), value) if isinstance(value, str) else value


def _variable(name: str, variables: dict[str, str]) -> str:
    if not variables.get(name):
        raise Misconfigured("CFG-ENV", f"the settings name ${{{name}}}, which is not set in the environment")
    return variables[name]


def _settable(model: type[BaseModel]) -> set[str]:
    """Return the variables of all settings that stand in tables."""
    return {
        f"{_PREFIX}{section}__{key}".upper()
        for section in model.model_fields
        if (table := _table(model, section)) is not None
        for key in table.model_fields
    }


def _table(model: type[BaseModel], section: str) -> type[BaseModel] | None:
    field = model.model_fields.get(section)
    kind = None if field is None else field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _meant(name: str, known: Iterable[str]) -> str:
    near = nearest(name.removeprefix(_PREFIX), [one.removeprefix(_PREFIX) for one in known])
    return f"did you mean {_PREFIX}{near}?" if near else "settings are LUNGNODE_<SECTION>__<KEY>, with two underscores"


def _is_text(model: type[BaseModel], section: str, key: str) -> bool:
    """Whether a setting is a text, or a text or nothing."""
    table = _table(model, section)
    field = None if table is None else table.model_fields.get(key)
    if field is None:
        return False
    kind = field.annotation
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return str in [get_args(one)[0] if get_origin(one) is Annotated else one for one in kinds]


def _plain(text: str, *, is_text: bool) -> Any:
    """Read a variable as JSON where it is JSON (numbers, lists), else as the text itself; a text may be digits."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return value if not is_text or value is None or isinstance(value, str) else text
