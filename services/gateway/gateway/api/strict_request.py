"""A request whose body is read as strictly as what somebody signed."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request

from gateway.strict_json import parse_object


class StrictRequest(Request):
    async def json(self) -> Any:
        """Raises JSONDecodeError, as the framework expects it, for whatever is not one object."""
        body = await self.body()
        try:
            return parse_object(body)
        except json.JSONDecodeError:
            raise
        except UnicodeDecodeError as error:
            raise json.JSONDecodeError("not UTF-8", "", error.start) from error
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from error
