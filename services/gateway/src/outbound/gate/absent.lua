-- absent: 1 when a valid gate of that epoch has no such order; a damaged record counts as one.
local gate, orders, damaged = unpack(KEYS)
local epoch, order = unpack(ARGV)

if not guard(gate, epoch) then return 0 end
return 1 - math.max(redis.call('HEXISTS', orders, order), redis.call('HEXISTS', damaged, order))
