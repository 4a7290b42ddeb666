-- stage: begins to build a gate aside. The marker says in which Redis that was.
local marker, buyers, orders, due = unpack(KEYS)
local kept_for_ms = unpack(ARGV)

local here = history()
if not here then return redis.error_reply('READONLY a replica builds no gate') end
redis.call('UNLINK', buyers, orders, due)
redis.call('SET', marker, here, 'PX', kept_for_ms)
return 1
