-- renew: prolongs a lease that is still the caller's; with 0 ms it is given back.
local lease = unpack(KEYS)
local token, lasts_ms = unpack(ARGV)

if redis.call('GET', lease) ~= token then return 0 end
return redis.call('PEXPIRE', lease, lasts_ms)
