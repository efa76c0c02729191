"""What counts and limits requests, tokens and places."""

from __future__ import annotations

from collections.abc import Mapping

from tests.mutation.lua_mutants import lua_mutants_of
from tests.mutation.target import COMMON, GATEWAY, Target, of_types

_COUNTING = (
    f"{COMMON}/rate_limits/test_model.py",
    f"{COMMON}/rate_limits/test_in_process.py",
    "tests/contract/test_rate_limiter.py",
    "tests/contract/test_rate_limit_congruence.py",
)
_RATE_LIMIT_PROCESSES = "tests/contract/test_rate_limit_processes.py"
_COUNTING_ON_REDIS = (
    "tests/contract/test_rate_limiter.py",
    f"{_RATE_LIMIT_PROCESSES}::TestProcesses",
    "tests/contract/test_rate_limit_holds.py",
    f"{_RATE_LIMIT_PROCESSES}::TestStrictClaims",
    f"{_RATE_LIMIT_PROCESSES}::TestWhatIsKept",
)
_LIMITS = (
    f"{GATEWAY}/test_limits.py",
    f"{GATEWAY}/test_spending.py",
    f"{GATEWAY}/test_tenant_limits.py",
    f"{GATEWAY}/test_api_limits.py",
)
_HOW_SELDOM = "how seldom it is forgotten is no promise"


def _of_zip(line: str) -> Mapping[str, str]:
    return {
        f"{what}: {line}": "there is one of each in both"
        for what in ("without strict", "False for it")
    }


LIMITS: tuple[Target, ...] = (
    Target(
        "clientsphere_common.rate_limits.model",
        _COUNTING,
        kept=0.9,
        same={
            'another text: return f"{quote(self.limit.name)}:{quote(self.key)}"': (
                "what parts the two may be longer"
            )
        },
    ),
    Target(
        "clientsphere_common.rate_limits.in_process",
        _COUNTING,
        kept=0.9,
        same={
            **_of_zip("for bucket, one_us in zip(buckets, owed_us, strict=True)"),
            **_of_zip("zip(buckets, owed_us, waits_us, strict=True)"),
            "one more: _KEPT_AT_LEAST = 1024": _HOW_SELDOM,
            "GtE for it: if len(self._full_at_us) > self._kept_at_most:": _HOW_SELDOM,
            "one more: self._kept_at_most = max(_KEPT_AT_LEAST,"
            " 2 * len(self._full_at_us))": _HOW_SELDOM,
            "GtE for it: if full_at_us > now_us": "it is forgotten the next time",
        },
    ),
    Target(
        "clientsphere_common.rate_limits.fallback",
        (f"{COMMON}/rate_limits/test_fallback.py",),
        kept=0.9,
        same={
            **_of_zip("for bucket, standing in zip(claim.buckets, standings, strict=True)"),
            **_of_zip("for bucket, standing in zip(claim.buckets, standings, strict=True):"),
            "one more: _KEPT_AT_LEAST = 1024": _HOW_SELDOM,
            "GtE for it: if len(self._counted_here) > self._kept_at_most:": _HOW_SELDOM,
            "one more: self._kept_at_most = max(_KEPT_AT_LEAST,"
            " 2 * len(self._counted_here))": _HOW_SELDOM,
            'another text: "Requests that were counted in this process, because Redis was'
            ' away or slow.",': "words for people",
            'another text: "Requests that were refused, because Redis was away or slow.",': (
                "words for people"
            ),
        },
    ),
    Target(
        "clientsphere_common.rate_limits.redis",
        _COUNTING_ON_REDIS,
        kept=0.9,
        same={
            **_of_zip("for bucket, wait_us in zip(buckets, waits_us, strict=True)"),
            'another text: name = "rate limits"': "a name for people",
            **{
                f"another text: {line}": "the script looks for digits, whatever is between"
                for line in (
                    'numbers = " ".join(map(_numbers, buckets))',
                    'amounts = f"{limit.interval_us} {limit.burst} {bucket.wanted}"',
                    'return f"{amounts} {bucket.is_held:d} {limit.is_shadow:d}"',
                )
            },
        },
    ),
    Target(
        "clientsphere_common.rate_limits.redis_holds",
        _COUNTING_ON_REDIS,
        kept=0.9,
        same={
            "one more: _RETRY_INTERVAL_S = 0.5": "how soon it is tried again is no promise",
            "one more: _RENEWALS_PER_HOLD = 4": "how often is no promise",
            "one more: _BATCH = 256": "how many go at once is no promise",
            "one more: self._process = secrets.token_hex(8)": "a longer one is as good",
            "one more: self._renew_at_s = 0.0": "long ago by the clock of the machine",
            "LtE for it: if self._monotonic() < self._renew_at_s:": "time goes on meanwhile",
            "if True: if self._task is not None:": (
                "modules are started first; the rest tells the type checker"
            ),
            **{
                f"{what}: self._task = asyncio.create_task(self._run(),"
                ' name="rate limits")': "a name for people"
                for what in ("without name", "another text")
            },
        },
    ),
    Target(
        "clientsphere_common.rate_limits.redis_scripts",
        (*_COUNTING_ON_REDIS, "tests/contract/test_rate_limit_congruence.py"),
        kept=0.9,
        same={
            f"{what}: redis.call({command}, math.ceil({time_us} / 1000) + 10000)": (
                "ten seconds are more than enough to spare"
            )
            for command, time_us in (
                ("'SET', key, full_at, 'PX'", "debt"),
                ("'PEXPIRE', key", "hold_us"),
            )
            for what in (
                "(1000 + 1) for 1000",
                "(10000 + 1) for 10000",
                "math.floor( for math.ceil(",
            )
        },
        mutants_of=lua_mutants_of,
    ),
    Target(
        "gateway.limits",
        _LIMITS,
        kept=0.9,
        same={
            **of_types("Limits = Mapping[LimitName, Limit]"),
            **_of_zip("for bucket, standing in zip(claim.buckets, standings, strict=True):"),
            "one more: self.settle(Admission((), claim, Spending(0)))": (
                "what is reserved counts from when a model is asked"
            ),
            'another text: claim = Claim(buckets, new_id("req"),'
            " is_strict=route_class in STRICT_CLASSES)": "an id is one with any beginning",
        },
    ),
    Target(
        "gateway.limit_rules",
        _LIMITS,
        kept=0.9,
        same={
            **of_types("LimitRules = Mapping[LimitName, LimitRule]"),
            'another text: OPEN = "open"': "no limit has its name",
            "one more: LimitName.CONCURRENT: LimitRule(1, 100),": "places have no rate",
        },
    ),
    Target(
        "gateway.spending",
        _LIMITS,
        kept=0.9,
        same={
            "another text: _spending: ContextVar[Spending | None] ="
            ' ContextVar("clientsphere_spending", default=None)': "a name for people",
            "one more: spending = _spending.get() or Spending(0)": "nobody reads what it notes",
        },
    ),
    Target(
        "gateway.tenant_limits",
        _LIMITS,
        kept=0.9,
        same={
            'another text: name = "tenant limits"': "a name for people",
            "one more: _REFRESH_INTERVAL_S = 3.0": "what is promised is five seconds",
        },
    ),
)
