-- change: the gate takes a newer revision of its sale; absolute values, so late and repeated ones do no harm.
-- KEYS gate
-- ARGV revision, supply, closed, opensAt, closesAt
local gate = redis.call('HMGET', KEYS[1], 'rev', 'supply')
if not gate[1] or tonumber(gate[1]) >= tonumber(ARGV[1]) then return 0 end

redis.call('HINCRBY', KEYS[1], 'tickets', ARGV[2] - gate[2])
redis.call('HSET', KEYS[1], 'rev', ARGV[1], 'supply', ARGV[2], 'closed', ARGV[3], 'opensAt', ARGV[4], 'closesAt', ARGV[5])
return 1
