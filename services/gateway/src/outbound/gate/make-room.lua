-- make-room: frees what a gate holds that is not current, or not of inventory's epoch. The gate itself stays, for its epoch.
local gate, buyers, orders, damaged, unsent, sent, waiting = unpack(KEYS)
local epoch = unpack(ARGV)

if guard(gate, epoch) then return 0 end
-- A gateway that knows of no other epoch yet must not admit to what is left.
redis.call('HDEL', gate, 'history')
return redis.call('UNLINK', buyers, orders, damaged, unsent, sent, waiting)
