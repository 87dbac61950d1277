"""The configurations that are shipped are those that the code reads."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticUndefined

from node.errors import Misconfigured
from node.settings import Archive, Destination, Peer, Receive, Settings, load

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ORTHANC_JSON = DEPLOY.parent / "orthanc.json"


def test_the_site_template_is_valid():
    settings = load(DEPLOY / "lungnode.toml", environ={})
    assert settings.receive.ae_title == "LUNGNODE"
    assert [d.name for d in settings.destinations] == ["orthanc"]


def test_what_the_template_shows_as_an_example_is_valid_too(tmp_path):
    """Every commented line of the template is a setting; uncommented, all of them are accepted at once."""
    lines = (DEPLOY / "lungnode.toml").read_text().splitlines()
    example = re.compile(r"^(\s*)# (\[\[?[a-z_]+\]\]?$|[a-z_]+ = .*|\{ .*)")
    uncommented = [example.sub(r"\1\2", line) for line in lines]
    assert uncommented != lines
    (tmp_path / "site.toml").write_text("\n".join(uncommented))
    settings = load(tmp_path / "site.toml", environ={})
    assert [d.kind for d in settings.destinations] == ["stow", "cstore", "folder"]
    assert settings.receive.tls_port == 2762


def test_the_template_states_the_defaults_where_it_does_not_say_change():
    """A person may delete a line that is not marked without changing anything."""
    stated = tomllib.loads((DEPLOY / "lungnode.toml").read_text())
    defaults = Settings().model_dump(mode="json")
    marked = {("receive", "host"), ("receive", "peers")}
    differing = {
        (section, key)
        for section, values in stated.items()
        if isinstance(values, dict)
        for key, value in values.items()
        if defaults[section][key] != value
    }
    assert differing == marked


NESTED = {"receive": (Receive, Peer), "archives": (Archive,), "destinations": (Destination,)}
PLAIN = {name: (type(value),) for name, value in Settings() if isinstance(value, BaseModel)}
SECTIONS = {"": (Settings,)} | PLAIN | NESTED


def stated_lines() -> Iterator[tuple[str, str, str]]:
    """Yield section, key and line of every setting of the template, commented or not."""
    section = ""
    for line in (DEPLOY / "lungnode.toml").read_text().splitlines():
        heading = re.match(r"^(?:# )?\[\[?([a-z_]+)\]\]?$", line)
        section = heading[1] if heading else section
        setting = re.match(r"^(?:# *)?([a-z_]+ = .*)", line)
        if setting:
            yield section, setting[1].partition(" ")[0], setting[1]
        for key in re.findall(r"[{,] ([a-z_]+) = ", line):  # of a peer on one line, where only its presence counts
            yield section, key, "example"


def is_stated(default: object, line: str) -> bool:
    """Whether a line shows a default, or names it; None and what must be given have none to show."""
    if default is None or default is PydanticUndefined or "default" in line:
        return True
    if line == "example":
        return False
    return list(tomllib.loads(line).values()) == [json.loads(TypeAdapter(object).dump_json(default))]


def test_every_setting_stands_in_the_template_with_its_default():
    lines = list(stated_lines())
    missing = [
        f"{section}.{key}"
        for section, models in SECTIONS.items()
        for model in models
        for key, field in model.model_fields.items()
        if key not in SECTIONS
        and not any(is_stated(field.default, line) for where, name, line in lines if (where, name) == (section, key))
    ]
    assert missing == []


def test_a_secret_comes_from_the_environment(tmp_path):
    environment = {"LUNGNODE_ORTHANC_PASSWORD": "s3cret", "LUNGNODE_DATABASE_PASSWORD": "other"}
    settings = load(DEPLOY / "container" / "lungnode.toml", environ=environment)
    password = settings.destinations[0].password
    assert password is not None
    assert password.get_secret_value() == "s3cret"
    assert settings.engine.database_url == "postgresql+psycopg://lungnode:other@database/lungnode"


@pytest.mark.parametrize("value", [None, ""], ids=["absent", "empty"])
def test_a_missing_secret_stops_the_start_and_is_named(value):
    environment = {"LUNGNODE_DATABASE_PASSWORD": "other"} | ({} if value is None else {"LUNGNODE_ORTHANC_PASSWORD": ""})
    with pytest.raises(Misconfigured, match="LUNGNODE_ORTHANC_PASSWORD"):
        load(DEPLOY / "container" / "lungnode.toml", environ=environment)


def test_orthanc_lets_nobody_in_by_default():
    shipped = json.loads(ORTHANC_JSON.read_text())
    assert shipped["AuthenticationEnabled"] is True
    assert shipped["DicomAlwaysAllowStore"] is False
    assert shipped["DicomCheckCalledAet"] is True
    assert shipped["RemoteAccessAllowed"] is False
    assert shipped["ExecuteLuaEnabled"] is False
    assert shipped["RegisteredUsers"] == {"lungnode": "${LUNGNODE_ORTHANC_PASSWORD}"}


def test_orthanc_does_not_load_the_plugin_that_kills_it():
    """libOrthancGdcm.so 1.5 ends the whole server on a WADO-RS request for JPEG-LS."""
    for file in (ORTHANC_JSON, DEPLOY / "container" / "orthanc.json"):
        assert not [p for p in json.loads(file.read_text())["Plugins"] if "Gdcm" in p]


def test_the_container_differs_from_orthanc_json_only_where_a_container_must():
    ours, container = (json.loads(file.read_text()) for file in (ORTHANC_JSON, DEPLOY / "container" / "orthanc.json"))
    differing = {key for key in ours.keys() | container.keys() if ours.get(key) != container.get(key)}
    assert differing == {
        "StorageDirectory",
        "IndexDirectory",
        "DicomModalities",
        "DicomCheckModalityHost",
        "RemoteAccessAllowed",
        "PythonScript",
        "LungNode",
    }


def test_what_the_compose_file_mounts_is_there():
    """No engine runs it here; that it is YAML and names files that exist is what can be tested."""
    compose = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())
    assert set(compose["services"]) == {"orthanc", "database", "node", "viewer"}
    mounts = [volume.split(":")[0] for service in compose["services"].values() for volume in service["volumes"]]
    files = [mount for mount in mounts if mount.startswith(".") and ".cache" not in mount]
    assert len(files) == 3
    builds = [service["build"]["dockerfile"] for service in compose["services"].values() if "build" in service]
    assert [file for file in builds if not (DEPLOY.parent / file).exists()] == []
    assert [mount for mount in files if not (DEPLOY / "container" / mount).exists()] == []


def test_the_container_is_set_up_by_make_setup():
    text = (DEPLOY / "container" / "Containerfile").read_text()
    assert "RUN make setup" in text
    assert "pip install" not in text


def test_an_image_is_built_without_what_git_leaves_out():
    def names(file: str) -> set[str]:
        lines = (DEPLOY.parent / file).read_text().splitlines()
        return {line.removeprefix("**/").rstrip("/") for line in lines if line and not line.startswith("#")}

    assert names(".dockerignore") == names(".gitignore") | {".git"}
