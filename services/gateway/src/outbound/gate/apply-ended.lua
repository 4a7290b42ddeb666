#!lua flags=allow-oom
-- apply-ended: the tickets come back, once: the buyer's entry is the ownership, and it goes in the same step.
local gate, buyers, orders, damaged, unsent, sent, waiting = unpack(KEYS)
local order, buyer, quantity = unpack(ARGV)

if redis.call('EXISTS', gate) == 0 or redis.call('HGET', buyers, buyer) ~= order then return 0 end
local record = read_record(orders, order)
give_back(order, buyer, record and record.quantity or quantity)
return 1
