-- replace: a gate built aside takes the place of the old one, unless that is of the same or a later epoch.
local gate, buyers, orders, damaged, unsent, sent, waiting, keys, opening = unpack(KEYS)
local marker, staged_buyers, staged_orders, staged_due = unpack(KEYS, 10)
local epoch, stock, revision, tickets, closed, opens_at, closes_at, count, token = unpack(ARGV)

local old = tonumber(redis.call('HGET', gate, 'epoch') or 0)
if old >= tonumber(epoch) then
  redis.call('UNLINK', marker, staged_buyers, staged_orders, staged_due)
  return 'overtaken'
end
-- Redis may have been emptied or replaced by a copy while the records were staged.
local here = history()
local complete = redis.call('HLEN', staged_orders) == tonumber(count) and redis.call('ZCARD', staged_due) == tonumber(count)
if not here or redis.call('GET', marker) ~= here or not complete then return 'incomplete' end

redis.call('UNLINK', marker, gate, buyers, orders, damaged, unsent, sent, waiting)
for staged, key in pairs({ [staged_buyers] = buyers, [staged_orders] = orders, [staged_due] = sent }) do
  if redis.call('PERSIST', staged) == 1 then redis.call('RENAME', staged, key) end
end
redis.call('PERSIST', keys)
redis.call('HSET', gate, 'epoch', epoch, 'history', here, 'stock', stock, 'rev', revision, 'tickets', tickets,
  'closed', closed, 'opensAt', opens_at, 'closesAt', closes_at)
if redis.call('GET', opening) == token then redis.call('UNLINK', opening) end
return 'replaced'
