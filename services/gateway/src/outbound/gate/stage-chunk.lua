-- stage-chunk: a record, due now, for each of some taken units, so that the sweeper checks each once.
local staged, staged_buyers, staged_orders, staged_sent = unpack(KEYS)
local kept_for_ms = unpack(ARGV)

if redis.call('EXISTS', staged) == 0 then return 0 end
local now = now_ms()
for i = 2, #ARGV, 3 do
  local order, buyer, record = unpack(ARGV, i, i + 2)
  redis.call('HSET', staged_buyers, buyer, order)
  redis.call('HSET', staged_orders, order, record)
  redis.call('ZADD', staged_sent, now, order)
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, kept_for_ms) end
return 1
