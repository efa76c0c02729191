"""The fake gateway in place of `clientsphere run`, for tests of what starts that as a child.

    python gateway_program.py [--errs | --exits] run --port 0 --data-dir DIR --log-format json

It knows the answers of the demo's catalogue; with --errs it gets the first one wrong.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from clientsphere_cli.samples.catalog import DEMO_QUESTIONS
from tests.fakes.gateway_server import OPERATOR_KEY, FakeGateway
from tests.fakes.gateway_tenant import Known


def teach(gateway: FakeGateway) -> None:
    """The answers that the demo expects."""
    for question in DEMO_QUESTIONS:
        if question.document:
            quote = f"It is {' and '.join(question.expect)}."
            known = Known(quote, question.document, question.page or None)
            gateway.knows(question.tenant.name, question.question, known)


def main(arguments: list[str]) -> int:
    sys.stderr.write("the fake gateway starts\n")
    if "--exits" in arguments:
        return 1
    gateway = FakeGateway()
    teach(gateway)
    if "--errs" in arguments:
        first = DEMO_QUESTIONS[0]
        gateway.knows(first.tenant.name, first.question, Known("Who knows?", "price-list.html"))
    data_dir = Path(arguments[arguments.index("--data-dir") + 1])
    (data_dir / "secrets").mkdir()
    (data_dir / "secrets" / "gateway-operator-key").write_text(OPERATOR_KEY)
    credentials = {
        "url": gateway.url,
        "tenant_id": "tnt_0",
        "api_key": gateway.add_tenant("default"),
    }
    aside = data_dir / "credentials.json.new"
    aside.write_text(json.dumps(credentials))
    aside.rename(data_dir / "credentials.json")
    gateway.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
