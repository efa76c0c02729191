"""Settings of the command, read from CLIENTSPHERE_* variables when it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from clientsphere_cli.failures import CliError

AnySettings = TypeVar("AnySettings", bound=BaseSettings)


class CliSettings(BaseSettings):
    """Where the server is and who is asking; options of the command come before these."""

    model_config = SettingsConfigDict(
        env_prefix="CLIENTSPHERE_", frozen=True, validate_default=True
    )

    url: str | None = Field(
        default=None,
        description="Address of the server. Unset: the one that was last started in the data"
        " folder.",
    )
    api_key: SecretStr | None = Field(
        default=None,
        description="API key of the command. Unset: the one in `credentials.json` of the data"
        " folder.",
    )
    operator_key: SecretStr | None = Field(
        default=None,
        description="Key for `clientsphere tenants` and `clientsphere limits`. Unset: the one in"
        " `secrets/gateway-operator-key` of the data folder.",
    )
    config_dir: Path = Field(
        default=Path("~/.config/clientsphere"),
        description="Folder where `clientsphere login` keeps who is signed in.",
    )
    issuer_ca_file: Path | None = Field(
        default=None,
        description="Certificates, in PEM, that those of your identity provider may rest on beside"
        " the public authorities.",
    )
    request_timeout_s: float = Field(
        default=120.0, gt=0, description="Longest silence of the server, in seconds."
    )

    @field_validator("config_dir")
    @classmethod
    def _expand_home(cls, value: Path) -> Path:
        return value.expanduser().absolute()


def load_settings(settings: type[AnySettings], **given: Any) -> AnySettings:
    """The settings from the environment, except those `given` that are not None.

    Raises CliError that names the setting which has an impossible value.
    """
    try:
        return settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise unusable_setting(error) from error


def unusable_setting(error: ValidationError) -> CliError:
    """Names the first one, and leaves out its value: it may be a secret."""
    first = error.errors(include_input=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    return CliError(f"The setting {name} of {error.title} is not usable: {first['msg']}.")
