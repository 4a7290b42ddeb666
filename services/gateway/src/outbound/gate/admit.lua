-- admit: takes tickets, remembers the buyer and stores the order, or says why not.
-- KEYS gate, buyers, orders, due, line, keys
-- ARGV process, epoch, orderId, buyerId, quantity, record, ms until somebody looks at it again, idempotency key's field or ''
if redis.call('HEXISTS', KEYS[3], ARGV[3]) == 1 then return {'admitted'} end

local gate = redis.call('HMGET', KEYS[1], 'process', 'epoch', 'tickets', 'closed', 'opensAt', 'closesAt')
-- A gate of another Redis process is a copy of unknown age; one of another epoch is not the one inventory listens to.
if gate[1] ~= ARGV[1] or gate[2] ~= ARGV[2] then return {'stale'} end

-- Before anything is refused: whoever asks again gets the order of the first time, even when the sale is over.
local before = ARGV[8] ~= '' and redis.call('HGET', KEYS[6], ARGV[8])
if before then return {'repeated', before} end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if gate[4] == '1' or now >= tonumber(gate[6]) then return {'closed'} end
if now < tonumber(gate[5]) then return {'not-open'} end

local other = redis.call('HGET', KEYS[2], ARGV[4])
if other then return {'already-bought', other} end
if tonumber(gate[3]) < tonumber(ARGV[5]) then return {'sold-out'} end

redis.call('HINCRBY', KEYS[1], 'tickets', -ARGV[5])
redis.call('HSET', KEYS[2], ARGV[4], ARGV[3])
redis.call('HSET', KEYS[3], ARGV[3], ARGV[6])
redis.call('ZADD', KEYS[4], now + ARGV[7], ARGV[3])
redis.call('ZADD', KEYS[5], time[1] * 1000000 + time[2], ARGV[3])
if ARGV[8] ~= '' then redis.call('HSET', KEYS[6], ARGV[8], ARGV[3] .. ' ' .. ARGV[5]) end
return {'admitted'}
