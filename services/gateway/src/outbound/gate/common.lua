-- Stands before the body of each script of the gate.

local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function now_ms()
  return math.floor(now_us() / 1000)
end

-- The name of this Redis' data: new at every start and promotion. Each script reads it itself, because gateways that kept
-- it could disagree about it. A replica has none.
local function history()
  local info = redis.call('INFO', 'replication')
  local role, id = info:match('role:(%a+)'), info:match('master_replid:(%x+)')
  if not role or not id then error({ err = 'NOHISTORY this server does not say its role and master_replid' }) end
  return role == 'master' and id
end

-- False for a gate that is missing or shut, or came with an older copy of the data.
local function is_current(gate)
  local built_in = redis.call('HGET', gate, 'history')
  return built_in and built_in == history()
end

local function guard(gate, epoch)
  return is_current(gate) and redis.call('HGET', gate, 'epoch') == epoch
end

-- Nil for a record that cannot be used.
local function parse(text)
  local ok, record = pcall(cjson.decode, text)
  if not ok or type(record) ~= 'table' then return nil end
  local known = record.state == 'unsent' or record.state == 'sent' or record.state == 'sold'
  if known and type(record.quantity) == 'number' and type(record.buyerId) == 'string' then return record end
end

-- The record of an order, if there is one that can be used, and its text.
local function read_record(orders, order)
  local text = redis.call('HGET', orders, order)
  return text and parse(text), text
end

-- The two functions below are for scripts whose KEYS begin like theirs.

local function give_back(order, buyer, quantity)
  local gate, buyers, orders, damaged, unsent, sent, waiting = unpack(KEYS)
  redis.call('HDEL', buyers, buyer)
  redis.call('HDEL', orders, order)
  redis.call('HDEL', damaged, order)
  for _, set in ipairs({ unsent, sent, waiting }) do redis.call('ZREM', set, order) end
  redis.call('HINCRBY', gate, 'tickets', quantity)
end

local function set_aside(order, text)
  local gate, buyers, orders, damaged, unsent, sent, waiting = unpack(KEYS)
  redis.call('HDEL', orders, order)
  for _, set in ipairs({ unsent, sent, waiting }) do redis.call('ZREM', set, order) end
  redis.call('HSET', damaged, order, text)
end

