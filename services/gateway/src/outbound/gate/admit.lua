-- admit: takes tickets, remembers the buyer and stores the order, or returns why not.
local gate, buyers, orders, unsent, waiting, keys = unpack(KEYS)
local epoch, order, buyer, quantity, record, until_ms, due_in_ms, key, first_record = unpack(ARGV)

if not guard(gate, epoch) then return { 'unavailable' } end
if redis.call('HEXISTS', orders, order) == 1 then
  return { 'admitted', (redis.call('ZRANK', waiting, order) or -1) + 1 }
end
local now = now_ms()
-- The buyer of a late call has another response by now, perhaps that the order never happened.
if now > tonumber(until_ms) then return { 'unavailable' } end

-- Checked before anything is refused: a retry gets the first order even when the sale is over.
local first = key ~= '' and redis.call('HGET', keys, key)
if first then return { 'repeated', first } end

local tickets, closed, opens_at, closes_at = unpack(redis.call('HMGET', gate, 'tickets', 'closed', 'opensAt', 'closesAt'))
if closed == '1' or now >= tonumber(closes_at) then return { 'closed' } end
if now < tonumber(opens_at) then return { 'not-open' } end
local other = redis.call('HGET', buyers, buyer)
if other then return { 'already-bought', other } end
if tonumber(tickets) < tonumber(quantity) then return { 'sold-out' } end

redis.call('HINCRBY', gate, 'tickets', -quantity)
redis.call('HSET', buyers, buyer, order)
redis.call('HSET', orders, order, record)
redis.call('ZADD', unsent, now + due_in_ms, order)
redis.call('ZADD', waiting, now_us(), order)
if key ~= '' then redis.call('HSET', keys, key, first_record) end
return { 'admitted', redis.call('ZCARD', waiting) }
