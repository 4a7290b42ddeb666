-- settle(confirmed): the order keeps its tickets and leaves the line.
-- KEYS gate, orders, due, line
-- ARGV orderId, the epoch of the gate that this speaks of
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[2] then return 0 end
local text = redis.call('HGET', KEYS[2], ARGV[1])
if not text then return 0 end
local record = cjson.decode(text)
if record.state == 'sold' then return 0 end

record.state = 'sold'
record.claimed = false
record.command = nil
redis.call('HSET', KEYS[2], ARGV[1], cjson.encode(record))
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
return 1
