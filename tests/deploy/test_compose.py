"""What can be said of the compose file without Docker."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from deploy.compose.make_secrets import READERS, SERVICES
from tools.settings_docs import SECTIONS

FOLDER = Path(__file__).parents[2] / "deploy" / "compose"
FILE = FOLDER / "compose.yaml"
ONE_SHOT = {"init", "migrate"}
CONTENTS: dict[str, Any] = yaml.safe_load(FILE.read_text())
CONTAINERS: dict[str, dict[str, Any]] = CONTENTS["services"]
SETTINGS: dict[str, type[BaseSettings]] = {
    f"{settings.model_config['env_prefix']}{name.upper()}": settings
    for _, settings in SECTIONS
    for name in settings.model_fields
}
"""The class that reads each variable."""


def our_variables(container: str) -> dict[str, str]:
    """With what stands in for variables of the host when nobody sets them."""
    environment = CONTAINERS[container].get("environment", {})
    return {
        name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value))
        for name, value in environment.items()
        if name.startswith("CLIENTSPHERE_")
    }


def test_it_is_what_compose_takes() -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, FILE], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def test_the_five_services_are_there() -> None:
    assert set(SERVICES) < CONTAINERS.keys()


@pytest.mark.parametrize("container", [*SERVICES, "migrate"])
def test_every_setting_exists(container: str) -> None:
    assert our_variables(container).keys() <= SETTINGS.keys()


@pytest.mark.parametrize("service", SERVICES)
def test_every_value_is_accepted(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = our_variables(service)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for settings in {SETTINGS[name] for name in variables}:
        settings()


def test_what_people_may_set_reaches_a_service() -> None:
    offered = set(
        re.findall(r"^#? ?(CLIENTSPHERE_\w+)=", (FOLDER / ".env.example").read_text(), re.M)
    )
    taken = set(re.findall(r"\$\{(CLIENTSPHERE_\w+)", FILE.read_text()))
    assert offered == taken


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_image_has_a_version(container: str) -> None:
    _, _, tag = CONTAINERS[container]["image"].rpartition(":")
    assert tag not in {"", "latest"}
    assert (tag == "local") == ("build" in CONTAINERS[container])


@pytest.mark.parametrize("container", sorted(CONTAINERS.keys() - ONE_SHOT))
def test_whatever_goes_on_running_is_looked_after(container: str) -> None:
    assert CONTAINERS[container]["healthcheck"]["test"]
    assert CONTAINERS[container]["restart"] == "unless-stopped"


@pytest.mark.parametrize("container", CONTAINERS)
def test_whoever_is_waited_for_can_arrive(container: str) -> None:
    for other, waiting in CONTAINERS[container].get("depends_on", {}).items():
        is_job = waiting["condition"] == "service_completed_successfully"
        assert is_job == (other in ONE_SHOT)
        assert is_job or "healthcheck" in CONTAINERS[other]


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_secret_stands_in_it(container: str) -> None:
    for name, value in CONTAINERS[container].get("environment", {}).items():
        if re.search("PASSWORD|SECRET|TOKEN|_KEY", name):
            assert value == "files" or value.startswith("/secrets") or value.endswith(":-}")


@pytest.mark.parametrize("container", sorted(CONTAINERS.keys() - {"init"}))
def test_each_mounts_its_own_secrets_and_cannot_change_them(container: str) -> None:
    mounts = [
        mount
        for mount in CONTAINERS[container]["volumes"]
        if isinstance(mount, dict) or mount.startswith("secrets")
    ]
    if container not in READERS:
        assert mounts == []
        return
    (mount,) = mounts
    assert mount["volume"] == {"subpath": container}
    assert mount["read_only"]


def test_services_run_without_root_and_powers() -> None:
    assert "USER 10001:10001" in (FOLDER / "Dockerfile").read_text()
    for service in SERVICES:
        assert CONTAINERS[service]["cap_drop"] == ["ALL"]
        assert CONTAINERS[service]["read_only"]
        assert "user" not in CONTAINERS[service]


def test_only_the_api_can_be_reached_and_only_from_this_machine() -> None:
    published = {name: one["ports"] for name, one in CONTAINERS.items() if "ports" in one}
    assert published.keys() == {"gateway"}
    assert published["gateway"][0].startswith("127.0.0.1:")
