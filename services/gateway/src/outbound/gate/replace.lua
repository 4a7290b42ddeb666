-- replace: a gate built aside takes the place of the old one, unless that is of the same or a later epoch.
local gate, buyers, orders, damaged, unsent, sent, waiting, keys, lease,
  staged, staged_buyers, staged_orders, staged_sent = unpack(KEYS)
local epoch, stock, revision, tickets, closed, opens_at, closes_at, count, token = unpack(ARGV)

local old = tonumber(redis.call('HGET', gate, 'epoch') or 0)
if old >= tonumber(epoch) then
  redis.call('UNLINK', staged, staged_buyers, staged_orders, staged_sent)
  return 'overtaken'
end
-- Redis may have been emptied or replaced by a copy while the records were staged.
local here = history()
local complete = redis.call('HLEN', staged_orders) == tonumber(count) and redis.call('ZCARD', staged_sent) == tonumber(count)
if not here or redis.call('GET', staged) ~= here or not complete then return 'incomplete' end

redis.call('UNLINK', staged, gate, buyers, orders, damaged, unsent, sent, waiting)
for built, key in pairs({ [staged_buyers] = buyers, [staged_orders] = orders, [staged_sent] = sent }) do
  if redis.call('PERSIST', built) == 1 then redis.call('RENAME', built, key) end
end
redis.call('PERSIST', keys)
redis.call('HSET', gate, 'epoch', epoch, 'history', here, 'stock', stock, 'rev', revision, 'tickets', tickets,
  'closed', closed, 'opensAt', opens_at, 'closesAt', closes_at)
if redis.call('GET', lease) == token then redis.call('UNLINK', lease) end
return 'replaced'
