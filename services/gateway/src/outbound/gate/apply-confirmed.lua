#!lua flags=allow-oom
-- apply-confirmed: the order keeps its tickets and leaves the line.
local gate, orders, unsent, sent, line = unpack(KEYS)
local order, epoch = unpack(ARGV)

-- A confirmation of an earlier epoch may have been overtaken by the order's cancellation.
if redis.call('HGET', gate, 'epoch') ~= epoch then return 0 end
local text = redis.call('HGET', orders, order)
local record = text and parse(text)
if not record or record.state == 'sold' then return 0 end

local sold = { state = 'sold', quantity = record.quantity, buyerId = record.buyerId }
redis.call('HSET', orders, order, cjson.encode(sold))
for _, set in ipairs({ unsent, sent, line }) do redis.call('ZREM', set, order) end
return 1
