#!lua flags=allow-oom
-- refuse: gives back an order that its handler knows to be unsent; 0 means that this cannot be known.
local gate, buyers, orders, damaged, unsent, sent, waiting, keys = unpack(KEYS)
local epoch, order = unpack(ARGV)

if not guard(gate, epoch) then return 0 end
local record = read_record(orders, order)
-- Once claimed, a sweeper may have published it.
if not record or record.state ~= 'unsent' or record.claimed then return 0 end

give_back(order, record.buyerId, record.quantity)
-- Refusals are not remembered: the same key may try again.
if record.key then redis.call('HDEL', keys, record.key) end
return 1
