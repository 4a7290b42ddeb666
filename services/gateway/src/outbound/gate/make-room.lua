-- make-room: frees what a gate that is not current holds. The gate itself stays, for its epoch.
local gate = unpack(KEYS)

if is_current(gate) then return 0 end
return redis.call('UNLINK', unpack(KEYS, 2))
