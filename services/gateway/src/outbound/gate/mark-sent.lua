#!lua flags=allow-oom
-- mark-sent: unsent records become sent; never creates one.
local orders, unsent, sent = unpack(KEYS)
local due_in_ms = unpack(ARGV)
local confirmed = { unpack(ARGV, 2) }

local due_at = now_ms() + due_in_ms
for _, order in ipairs(confirmed) do
  local record = read_record(orders, order)
  if record and record.state == 'unsent' then
    record.state, record.claimed, record.attempts = 'sent', false, 0
    redis.call('HSET', orders, order, cjson.encode(record))
    redis.call('ZREM', unsent, order)
    redis.call('ZADD', sent, due_at, order)
  end
end
