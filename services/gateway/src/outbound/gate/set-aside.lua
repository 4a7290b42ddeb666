#!lua flags=allow-oom
-- set-aside: moves a record whose command the gateway cannot read to the damaged ones.
local gate, buyers, orders = unpack(KEYS)
local order = unpack(ARGV)

local text = redis.call('HGET', orders, order)
if text then set_aside(order, text) end
