-- change: the gate takes a newer revision of its sale; absolute values, so late and repeated ones do no harm.
local gate, buyers, orders, damaged, unsent, sent, waiting, keys = unpack(KEYS)
local revision, stock, closed, opens_at, closes_at = unpack(ARGV)

local old_revision, old_stock = unpack(redis.call('HMGET', gate, 'rev', 'stock'))
if not old_revision or tonumber(old_revision) >= tonumber(revision) then return 0 end

redis.call('HINCRBY', gate, 'tickets', stock - old_stock)
redis.call('HSET', gate, 'rev', revision, 'stock', stock, 'closed', closed, 'opensAt', opens_at, 'closesAt', closes_at)
if closed == '0' and now_ms() < tonumber(closes_at) then
  for _, key in ipairs(KEYS) do redis.call('PERSIST', key) end
end
return 1
