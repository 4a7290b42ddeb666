-- read: the state of the gate; nothing when there is none.
local gate, unsent, sent, waiting = unpack(KEYS)

local fields = redis.call('HMGET', gate, 'epoch', 'rev', 'stock', 'tickets')
if not fields[1] then return {} end
table.insert(fields, is_current(gate) and 1 or 0)
table.insert(fields, redis.call('ZCARD', waiting))
table.insert(fields, redis.call('ZCARD', unsent) + redis.call('ZCARD', sent))
table.insert(fields, redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2] or '')
return fields
