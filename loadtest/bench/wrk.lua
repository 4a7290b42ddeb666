-- The clicks of the bench: one buyer's token each, as fast as answers come or on a timetable.
-- wrk … -s wrk.lua URL -- TOKENS MOST RATE: a file with a token a line; how many answers are enough, and how many clicks
-- a second, 0 for as many as there can be.
local ffi = require('ffi')
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } moment;
  int clock_gettime(int clock, moment *at);
]]
local CLOCK_MONOTONIC = 1
-- The timetable begins when all connections are there.
local CONNECTING_MS = 500
local at = ffi.new('moment')

local function now_ms()
  ffi.C.clock_gettime(CLOCK_MONOTONIC, at)
  return tonumber(at.seconds) * 1000 + tonumber(at.nanoseconds) / 1e6
end

local tokens, most, rate = {}, 0, 0
local sent, answered, first_ms = 0, 0, nil
-- Global, so that done() can ask the thread for them.
statuses, slots, late, latest_ms = {}, 0, 0, 0

function init(args)
  for token in io.lines(args[1]) do tokens[#tokens + 1] = token end
  most, rate = tonumber(args[2]), tonumber(args[3])
  wrk.method, wrk.body = 'POST', '{}'
  wrk.headers['Content-Type'] = 'application/json'
  -- A timetable for all connections together: whichever is free takes the next slot and waits for it. As long as one is
  -- free in time, clicks leave when they are due, whatever became of those before.
  if rate > 0 then
    function delay()
      first_ms = first_ms or now_ms() + CONNECTING_MS
      local wait_ms = first_ms + slots * 1000 / rate - now_ms()
      slots = slots + 1
      if wait_ms >= 0 then return wait_ms end
      -- wrk counts in milliseconds, and so do we: less is not late.
      if wait_ms < -1 then late, latest_ms = late + 1, math.max(latest_ms, -wait_ms) end
      return 0
    end
  end
end

local head, tail

function request()
  if not head then
    wrk.headers['Authorization'] = 'Bearer TOKEN'
    head, tail = wrk.format():match('^(.-)TOKEN(.*)$')
  end
  sent = sent + 1
  first_ms = first_ms or now_ms()
  return head .. tokens[(sent - 1) % #tokens + 1] .. tail
end

function response(status)
  statuses[status] = (statuses[status] or 0) + 1
  answered = answered + 1
  if answered ~= most then return end
  -- wrk itself would sleep on until its time is over: whoever started it is told to end it.
  io.stdout:write(('reached %.1f\n'):format(now_ms() - first_ms))
  io.stdout:flush()
  wrk.thread:stop()
end

local thread

function setup(one)
  assert(not thread, 'one thread only: timetable and tokens are not shared')
  thread = one
end

function done(summary, latency)
  local counted = {}
  for status, count in pairs(thread:get('statuses')) do counted[#counted + 1] = ('"%d":%d'):format(status, count) end
  local errors = summary.errors
  print(('result {"requests":%d,"microseconds":%d,"statuses":{%s},"errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d},'
    .. '"latencyMicroseconds":{"p50":%d,"p99":%d,"max":%d},"slots":%d,"late":%d,"latestMs":%.1f}'):format(
    summary.requests, summary.duration, table.concat(counted, ','),
    errors.connect, errors.read, errors.write, errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max,
    thread:get('slots'), thread:get('late'), thread:get('latest_ms')))
end
