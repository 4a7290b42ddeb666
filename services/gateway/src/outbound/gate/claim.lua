-- claim: hands out the records that are due, each for the time of a lease; answers the gate's epoch first.
-- KEYS gate, orders, due
-- ARGV process, most, lease in ms
local gate = redis.call('HMGET', KEYS[1], 'process', 'epoch')
if gate[1] ~= ARGV[1] then return {} end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local claimed = {gate[2]}
for _, orderId in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, ARGV[2])) do
  local record = cjson.decode(redis.call('HGET', KEYS[2], orderId))
  if record.state == 'unsent' and not record.claimed then
    record.claimed = true
    redis.call('HSET', KEYS[2], orderId, cjson.encode(record))
  end
  redis.call('ZADD', KEYS[3], now + ARGV[3], orderId)
  table.insert(claimed, orderId)
  table.insert(claimed, cjson.encode(record))
end
return claimed
