"""The audit service as a process of its own."""

from __future__ import annotations

from audit import wiring
from audit.settings import AuditSettings
from clientsphere_common.db.assembly import open_tables
from clientsphere_common.db.settings import DatabaseSettings
from clientsphere_common.events.assembly import open_event_log
from clientsphere_common.events.settings import EventLogSettings
from clientsphere_common.process.prepared import ProcessParts
from clientsphere_common.process.resources import Resources
from clientsphere_common.process.run import run_service
from clientsphere_common.process.serving import over_grpc


async def build(resources: Resources) -> ProcessParts:
    around = wiring.Surroundings(
        tables=await open_tables(
            DatabaseSettings(), "audit", wiring.MIGRATIONS, resources.data_dir, resources.secrets
        ),
        # Without new events the trail can still be read.
        event_log=resources.take_optional(
            await open_event_log(
                EventLogSettings(), resources.data_dir, resources.secrets, resources.registry
            )
        ),
    )
    return await over_grpc(resources, wiring.build(AuditSettings(), around))


def main() -> None:
    run_service("audit", build)


if __name__ == "__main__":
    main()
