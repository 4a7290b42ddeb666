-- stage: begins to build a gate aside. `staged` keeps in which Redis that was.
local staged, staged_buyers, staged_orders, staged_sent = unpack(KEYS)
local kept_for_ms = unpack(ARGV)

local here = history()
if not here then return redis.error_reply('READONLY a replica builds no gate') end
redis.call('UNLINK', staged_buyers, staged_orders, staged_sent)
redis.call('SET', staged, here, 'PX', kept_for_ms)
return 1
