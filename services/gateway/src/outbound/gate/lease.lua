#!lua flags=allow-oom
-- lease: the right to rebuild the gate. Taken in a full Redis too: what it leads to may free memory.
local lease = unpack(KEYS)
local token, lasts_ms = unpack(ARGV)

return redis.call('SET', lease, token, 'NX', 'PX', lasts_ms) and 1 or 0
