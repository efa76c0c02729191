"""Which tests share a process when several processes run them."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

_SHAPE = "distributed"
_PART = "[part "
"""So begins the name of one of many alike, which may run side by side."""


class _ByWhatTheyStart(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A file's tests together, for its fixtures; all of the distributed shape, for its stack."""

    def _split_scope(self, nodeid: str) -> str:
        path, _, name = nodeid.partition("::")
        if _PART in name:
            return nodeid
        return _SHAPE if _SHAPE in path or _SHAPE in name.partition("[")[2] else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    # As collected, not by size: what takes longest lies in `tests`, which comes first.
    config.option.loadscopereorder = False
    return _ByWhatTheyStart(config, log)
