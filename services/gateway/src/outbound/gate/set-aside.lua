#!lua flags=allow-oom
-- set-aside: moves a record whose command the gateway cannot read to the damaged ones, unless it has changed since.
local gate, buyers, orders, damaged, unsent, sent, waiting = unpack(KEYS)
local order, unread = unpack(ARGV)

local text = redis.call('HGET', orders, order)
if text == unread then set_aside(order, text) end
