-- stage-chunk: a record, due now, for each of some taken units: each will be asked about once.
local marker, buyers, orders, due = unpack(KEYS)
local kept_for_ms = unpack(ARGV)

if redis.call('EXISTS', marker) == 0 then return 0 end
local now = now_ms()
for i = 2, #ARGV, 3 do
  local order, buyer, record = unpack(ARGV, i, i + 2)
  redis.call('HSET', buyers, buyer, order)
  redis.call('HSET', orders, order, record)
  redis.call('ZADD', due, now, order)
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, kept_for_ms) end
return 1
