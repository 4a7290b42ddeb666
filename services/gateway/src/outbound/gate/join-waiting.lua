-- join-waiting: only an order that is pending waits.
local orders, waiting = unpack(KEYS)
local order = unpack(ARGV)

local text = redis.call('HGET', orders, order)
local record = text and parse(text)
if not record or record.state == 'sold' then return 0 end
local time = redis.call('TIME')
return redis.call('ZADD', waiting, 'NX', time[1] * 1000000 + time[2], order)
