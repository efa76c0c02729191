"""Keeps the run from revoking or rotating the key that it works with."""

from __future__ import annotations

import os
from typing import Any

import schemathesis

_OWN_KEY_ID = os.environ["OWN_KEY_ID"]


@schemathesis.hook
def filter_case(_context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    parameters: dict[str, Any] = case.path_parameters or {}
    return parameters.get("api_key_id") != _OWN_KEY_ID
