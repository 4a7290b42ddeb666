-- flip: a gate built aside replaces the whole gate, unless one of the same or a later epoch is there.
-- KEYS gate, buyers, orders, due, line, and the three that were staged: buyers, orders, due
-- ARGV process, epoch, supply, rev, tickets, closed, opensAt, closesAt, number of staged records
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch and tonumber(epoch) >= tonumber(ARGV[2]) then
  redis.call('DEL', KEYS[6], KEYS[7], KEYS[8])
  return 0
end
-- Redis may have been emptied while the records were staged.
if redis.call('HLEN', KEYS[6]) ~= tonumber(ARGV[9]) or redis.call('HLEN', KEYS[7]) ~= tonumber(ARGV[9]) then return 0 end

redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
if tonumber(ARGV[9]) > 0 then
  for i = 6, 8 do
    redis.call('PERSIST', KEYS[i])
    redis.call('RENAME', KEYS[i], KEYS[i - 4])
  end
end
redis.call('HSET', KEYS[1], 'process', ARGV[1], 'epoch', ARGV[2], 'supply', ARGV[3], 'rev', ARGV[4], 'tickets', ARGV[5],
  'closed', ARGV[6], 'opensAt', ARGV[7], 'closesAt', ARGV[8])
return 1
