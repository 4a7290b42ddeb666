-- look-up: what a current gate remembers of a buyer.
local gate, hash = unpack(KEYS)
local field = unpack(ARGV)

if not is_current(gate) then return { 'unavailable' } end
return { 'found', redis.call('HGET', hash, field) }
