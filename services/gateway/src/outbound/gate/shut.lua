#!lua flags=allow-oom
-- shut: the gate admits nothing from now on, and any gateway may replace it.
local gate = unpack(KEYS)
local epoch = unpack(ARGV)

if not guard(gate, epoch) then return 0 end
return redis.call('HDEL', gate, 'history')
