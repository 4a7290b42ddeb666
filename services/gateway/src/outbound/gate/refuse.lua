-- refuse: gives back an order of which its handler knows that nobody got it; 0 means that this cannot be known.
-- KEYS gate, buyers, orders, due, line, keys
-- ARGV process, epoch, orderId
local gate = redis.call('HMGET', KEYS[1], 'process', 'epoch')
if gate[1] ~= ARGV[1] or gate[2] ~= ARGV[2] then return 0 end
local text = redis.call('HGET', KEYS[3], ARGV[3])
if not text then return 0 end
local record = cjson.decode(text)
-- Once claimed, a sweeper may have sent it.
if record.state ~= 'unsent' or record.claimed then return 0 end

redis.call('HINCRBY', KEYS[1], 'tickets', record.quantity)
redis.call('HDEL', KEYS[2], record.buyerId)
redis.call('HDEL', KEYS[3], ARGV[3])
redis.call('ZREM', KEYS[4], ARGV[3])
redis.call('ZREM', KEYS[5], ARGV[3])
-- Refusals are not remembered: the same key may try again.
if record.key then redis.call('HDEL', KEYS[6], record.key) end
return 1
