#!lua flags=allow-oom
-- mark-sent: an unsent record becomes sent; never creates one.
local orders, unsent, sent = unpack(KEYS)
local order, due_in_ms = unpack(ARGV)

local text = redis.call('HGET', orders, order)
local record = text and parse(text)
if not record or record.state ~= 'unsent' then return 0 end

record.state, record.claimed, record.looks = 'sent', false, 0
redis.call('HSET', orders, order, cjson.encode(record))
redis.call('ZREM', unsent, order)
redis.call('ZADD', sent, now_ms() + due_in_ms, order)
return 1
