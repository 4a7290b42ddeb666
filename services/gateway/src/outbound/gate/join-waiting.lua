-- join-waiting: a pending order waits from now on, unless it waits already.
local orders, waiting = unpack(KEYS)
local order = unpack(ARGV)

local record = read_record(orders, order)
if not record or record.state == 'sold' then return 0 end
return redis.call('ZADD', waiting, 'NX', now_us(), order)
