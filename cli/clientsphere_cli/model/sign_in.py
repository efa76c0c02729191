"""What the server and an issuer say to somebody who signs in at a command line."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SignInParameters:
    issuer: str
    client_id: str | None
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class DeviceCode:
    """An answer of the device authorization endpoint (RFC 8628, 3.2)."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    expires_in: int
    interval: int = 5


@dataclass(frozen=True)
class IssuedTokens:
    """An answer of the token endpoint (RFC 6749, 5.1)."""

    access_token: str = field(repr=False)
    token_type: str
    expires_in: int = 300
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Me:
    @dataclass(frozen=True)
    class Tenant:
        name: str

    @dataclass(frozen=True)
    class Principal:
        id: str

    tenant: Tenant
    principal: Principal
    roles: tuple[str, ...]
