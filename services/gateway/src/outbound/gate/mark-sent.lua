-- markSent: an unsent record becomes sent; never creates one.
-- KEYS orders, due
-- ARGV orderId, ms until somebody looks at it again
local text = redis.call('HGET', KEYS[1], ARGV[1])
if not text then return 0 end
local record = cjson.decode(text)
if record.state ~= 'unsent' then return 0 end

record.state = 'sent'
record.claimed = false
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(record))
local time = redis.call('TIME')
redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
return 1
