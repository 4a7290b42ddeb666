-- expire: the keys of a sale that is over and has nothing pending go in some days.
local gate, buyers, orders, damaged, unsent, sent, waiting, keys = unpack(KEYS)
local kept_for_ms = unpack(ARGV)

local closed, closes_at = unpack(redis.call('HMGET', gate, 'closed', 'closesAt'))
if closes_at and closed ~= '1' and now_ms() < tonumber(closes_at) then return 0 end
-- A gate that is not current hands out nothing, so its due sets never empty.
if is_current(gate) and redis.call('ZCARD', unsent) + redis.call('ZCARD', sent) > 0 then return 0 end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, kept_for_ms, 'NX') end
return 1
