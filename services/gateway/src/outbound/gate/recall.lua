-- recall: what a current gate remembers of a buyer: the live order, and the first one with an idempotency key.
local gate, buyers, keys = unpack(KEYS)
local buyer, key = unpack(ARGV)

if not is_current(gate) then return { 'unavailable' } end
return { 'found', redis.call('HGET', buyers, buyer), redis.call('HGET', keys, key) }
