-- show: keeps the order view of the highest version.
-- KEYS view
-- ARGV version, view, ms to keep it
local old = redis.call('GET', KEYS[1])
if old and cjson.decode(old).version >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
