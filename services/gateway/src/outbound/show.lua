#!lua flags=allow-oom
-- show: keeps the order view of the highest version. In a full Redis too: an old view would go on saying that the order waits.
local shown = unpack(KEYS)
local version, view, kept_for_ms = unpack(ARGV)

local old = redis.call('GET', shown)
local ok, known = pcall(cjson.decode, old or '')
if ok and type(known) == 'table' and tonumber(known.version) and known.version >= tonumber(version) then return 0 end
redis.call('SET', shown, view, 'PX', kept_for_ms)
return 1
