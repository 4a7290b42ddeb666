-- look-up: what a gate remembers of a buyer, if it is of this Redis process: a copy of unknown age says nothing.
-- KEYS gate, buyers or keys
-- ARGV process, field
if redis.call('HGET', KEYS[1], 'process') ~= ARGV[1] then return {'stale'} end
return {'found', redis.call('HGET', KEYS[2], ARGV[2])}
