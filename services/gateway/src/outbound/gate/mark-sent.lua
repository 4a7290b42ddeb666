#!lua flags=allow-oom
-- mark-sent: unsent records become sent; never creates one.
local orders, unsent, sent = unpack(KEYS)
local due_at = now_ms() + ARGV[1]

for n = 2, #ARGV do
  local order = ARGV[n]
  local text = redis.call('HGET', orders, order)
  local record = text and parse(text)
  if record and record.state == 'unsent' then
    record.state, record.claimed, record.attempts = 'sent', false, 0
    redis.call('HSET', orders, order, cjson.encode(record))
    redis.call('ZREM', unsent, order)
    redis.call('ZADD', sent, due_at, order)
  end
end
