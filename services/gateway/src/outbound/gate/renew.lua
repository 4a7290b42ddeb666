-- renew: prolongs a lease that is still the caller's; with 0 ms it is given back.
local opening = unpack(KEYS)
local token, lasts_ms = unpack(ARGV)

if redis.call('GET', opening) ~= token then return 0 end
return redis.call('PEXPIRE', opening, lasts_ms)
