#!lua flags=allow-oom
-- apply-confirmed: the orders keep their tickets and wait no longer.
local gate, orders, unsent, sent, waiting = unpack(KEYS)
local epoch = unpack(ARGV)
local confirmed = { unpack(ARGV, 2) }

-- A confirmation of an earlier epoch may have been overtaken by the order's cancellation.
if redis.call('HGET', gate, 'epoch') ~= epoch then return end
for _, order in ipairs(confirmed) do
  local record = read_record(orders, order)
  if record and record.state ~= 'sold' then
    local sold = { state = 'sold', quantity = record.quantity, buyerId = record.buyerId }
    redis.call('HSET', orders, order, cjson.encode(sold))
    for _, set in ipairs({ unsent, sent, waiting }) do redis.call('ZREM', set, order) end
  end
end
