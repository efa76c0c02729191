"""Tenants of random programs: who they are, what they have, what they write."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from tests.isolation.canaries import Canaries, Canary

ROLES = ("owner", "editor", "viewer", "auditor")
KINDS = {
    "knowledge base": "kb",
    "document": "doc",
    "key": "key",
    "role": "role",
    "principal": "key",
}
QUESTIONS = ("What is the code word of the vault?", "Who may open the vault at night?", "vault")


@dataclass
class Tenant:
    id: str
    canary: Canary
    credentials: dict[str, str] = field(default_factory=dict)
    """By role; those of `token` are an access token."""
    ids: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def one(self, kind: str, number: int) -> str:
        """One of its ids, or one that nobody has."""
        known = self.ids[kind]
        return known[number % len(known)] if known else f"{KINDS[kind]}_{'0' * 32}"

    def words(self, number: int) -> str:
        """For names, in turn: as plain as possible, with accents, both."""
        canary = self.canary
        return (canary.plain, canary.accented, canary.text)[number % 3]

    def document(self, number: int) -> tuple[str, bytes]:
        """A name and its bytes. Some names are those of the other tenants' documents too."""
        text = f"The code word of the vault is {self.canary.text}. Nobody else opens the vault."
        name = self.words(number) if number % 2 else "handbook"
        bodies = {
            "txt": text,
            "md": f"# {self.canary.accented}\n\n{text}\n\n## {self.canary.plain}\n\n{text}",
            "html": f"<title>{self.canary.plain}</title><h1>Vault</h1><p>{text}</p>",
            "csv": f"vault,{self.canary.accented}\nnorth,{self.canary.plain}\n",
            "pdf": f"%PDF-1.7 {text}",
            "docx": f"PK {text}",
            "bin": f"\0\0{text}",
        }
        kind = list(bodies)[number % len(bodies)]
        return f"{name}.{kind}", bodies[kind].encode()


async def move_in(client: httpx.AsyncClient, operator_key: str, canaries: Canaries) -> Tenant:
    """A new tenant with a principal of each role, all named after its canary."""
    canary = canaries.mark("new")
    bearer = {"Authorization": f"Bearer {operator_key}"}
    made = await client.post("/v1/tenants", json={"name": canary.text}, headers=bearer)
    body = made.raise_for_status().json()
    canaries.hand_over("new", body["id"])
    tenant = Tenant(body["id"], canary, {"owner": body["owner_api_key"]["key"]})
    tenant.ids["principal"].append(body["owner_api_key"]["id"])
    owner = {"Authorization": f"Bearer {tenant.credentials['owner']}"}
    for place, role in enumerate(ROLES[1:]):
        wish = {"name": tenant.words(place), "role": role}
        made = await client.post("/v1/api-keys", json=wish, headers=owner)
        tenant.credentials[role] = made.raise_for_status().json()["key"]
        tenant.ids["principal"].append(made.json()["id"])
    exchange = {"grant_type": "api_key", "api_key": tenant.credentials["owner"]}
    token = await client.post("/v1/tokens", json=exchange)
    tenant.credentials["token"] = token.raise_for_status().json()["access_token"]
    return tenant
