#!lua flags=allow-oom
-- apply-confirmed: the orders keep their tickets and wait no longer.
local gate, orders, unsent, sent, waiting = unpack(KEYS)
local epoch = ARGV[1]

-- A confirmation of an earlier epoch may have been overtaken by the order's cancellation.
if redis.call('HGET', gate, 'epoch') ~= epoch then return end
for n = 2, #ARGV do
  local order = ARGV[n]
  local text = redis.call('HGET', orders, order)
  local record = text and parse(text)
  if record and record.state ~= 'sold' then
    local sold = { state = 'sold', quantity = record.quantity, buyerId = record.buyerId }
    redis.call('HSET', orders, order, cjson.encode(sold))
    for _, set in ipairs({ unsent, sent, waiting }) do redis.call('ZREM', set, order) end
  end
end
