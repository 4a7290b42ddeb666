#!lua flags=allow-oom
-- claim: hands out what is due, each time later again; first the gate's epoch and how many damaged records it set aside.
local gate, buyers, orders, damaged, unsent, sent, waiting = unpack(KEYS)
local most, unsent_ms, sent_ms, longest_ms = unpack(ARGV)

if not is_current(gate) then return {} end
local now = now_ms()
local claimed = { redis.call('HGET', gate, 'epoch'), 0 }

local function hand_out(due, order, record, first_ms)
  local attempts = tonumber(record.attempts) or 0
  local wait = math.min(first_ms * 2 ^ math.min(attempts, 30), longest_ms)
  record.attempts, record.claimed = attempts + 1, record.state == 'unsent'
  local text = cjson.encode(record)
  redis.call('HSET', orders, order, text)
  redis.call('ZADD', due, now + wait, order)
  table.insert(claimed, order)
  table.insert(claimed, text)
end

-- Each set has its own limit: many waiting sent orders must not starve what was never published.
for due, first_ms in pairs({ [unsent] = unsent_ms, [sent] = sent_ms }) do
  for _, order in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, most)) do
    local record, text = read_record(orders, order)
    if record and record.state ~= 'sold' then
      hand_out(due, order, record, first_ms)
    elseif record or not text then
      redis.call('ZREM', due, order)
    else
      set_aside(order, text)
      claimed[2] = claimed[2] + 1
    end
  end
end
return claimed
