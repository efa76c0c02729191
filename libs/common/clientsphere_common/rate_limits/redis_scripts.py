"""What Redis does by itself for the rate limits: the law of InProcessRateLimiter, in Lua.

Lua's numbers are exact up to 2^53: microseconds fit until 2255. A key lives longer than what it
says: one that expired sooner would forgive it. `clock` gives {seconds, microseconds}.
"""

from __future__ import annotations

SERVER_CLOCK = "redis.call('TIME')"
_NOW = """
local clock = %s
local now = clock[1] * 1000000 + clock[2]
"""
_FUNCTIONS = """
local function debt_of(key)
  return math.max(0, tonumber(redis.call('GET', key) or 0) - now)
end
local function owe(key, debt)
  local full_at = string.format('%.0f', now + debt)
  redis.call('SET', key, full_at, 'PX', math.ceil(debt / 1000) + 10000)
end
local function hold(key, member, hold_us)
  redis.call('ZADD', key, string.format('%.0f', now + hold_us), member)
  redis.call('PEXPIRE', key, math.ceil(hold_us / 1000) + 10000)
end
local function held_in(key)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now))
  local amount = 0
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    amount = amount + tonumber(string.match(member, '^%d+'))
  end
  return amount
end
"""
# KEYS: of each bucket. ARGV: the claim's id, how long it holds; then, as one text, because that is
# four times as fast: interval, burst, what is wanted, 1 if it is held and 1 if it is a shadow, of
# each bucket. The reply is one text too.
_TAKE = """
local n = {}
for number in string.gmatch(ARGV[3], '%d+') do
  n[#n + 1] = tonumber(number)
end
local owed, waits, is_admitted, reply = {}, {}, true, {}
for i, key in ipairs(KEYS) do
  local interval, burst, wanted, is_held, is_shadow = unpack(n, 5 * i - 4)
  owed[i] = debt_of(key)
  if is_held == 1 then
    owed[i] = owed[i] + interval * held_in(key .. ':held')
  else
    owed[i] = math.min(owed[i], interval * burst)
  end
  waits[i] = math.max(0, owed[i] - interval * (burst - wanted))
  is_admitted = is_admitted and (waits[i] == 0 or is_shadow == 1)
end
for i, key in ipairs(KEYS) do
  local interval, _, wanted, is_held = unpack(n, 5 * i - 4)
  if is_admitted and waits[i] == 0 then
    owed[i] = owed[i] + interval * wanted
    if is_held == 1 then
      hold(key .. ':held', wanted .. ':' .. ARGV[1], tonumber(ARGV[2]))
    else
      owe(key, owed[i])
    end
  end
  reply[i] = string.format('%.0f %.0f', owed[i], waits[i])
end
return table.concat(reply, ' ')
"""
# KEYS: of each bucket. ARGV: what is held in it or nothing, interval, burst and what was used, of
# each bucket.
_SETTLE = """
for i, key in ipairs(KEYS) do
  local member, interval, used = ARGV[4*i-3], tonumber(ARGV[4*i-2]), tonumber(ARGV[4*i])
  local debt = debt_of(key) + interval * used
  if member == '' then
    owe(key, math.min(debt, interval * tonumber(ARGV[4*i-1])))
  elseif redis.call('ZREM', key .. ':held', member) == 1 and used > 0 then
    owe(key, debt)
  end
end
"""
# KEYS: where the processes are, then of each bucket. ARGV: how long everything is held, the
# process; then what is held in each bucket.
_RENEW = """
hold(KEYS[1], ARGV[2], tonumber(ARGV[1]))
for i = 2, #KEYS do
  hold(KEYS[i] .. ':held', ARGV[i+1], tonumber(ARGV[1]))
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
return redis.call('ZCARD', KEYS[1])
"""


def take_script(clock: str = SERVER_CLOCK) -> str:
    """Returns what is owed and the wait, in microseconds, of each bucket in turn."""
    return _NOW % clock + _FUNCTIONS + _TAKE


def settle_script(clock: str = SERVER_CLOCK) -> str:
    return _NOW % clock + _FUNCTIONS + _SETTLE


def renew_script(clock: str = SERVER_CLOCK) -> str:
    """Returns how many processes there are."""
    return _NOW % clock + _FUNCTIONS + _RENEW
