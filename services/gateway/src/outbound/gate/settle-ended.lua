-- settle(ended): the tickets come back, once: the buyer's entry is the ownership, and it goes in the same step.
-- KEYS gate, buyers, orders, due, line
-- ARGV orderId, buyerId
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('HGET', KEYS[2], ARGV[2]) ~= ARGV[1] then return 0 end

local record = cjson.decode(redis.call('HGET', KEYS[3], ARGV[1]))
redis.call('HINCRBY', KEYS[1], 'tickets', record.quantity)
redis.call('HDEL', KEYS[2], ARGV[2])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
return 1
