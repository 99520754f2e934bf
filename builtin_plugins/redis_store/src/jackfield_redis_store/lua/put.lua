-- Keeps a value as "<version>:<data>". key, data, milliseconds or '', expected version or ''.
-- KEYS: the value, the index of the scope's keys, the times at which they expire

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local before = redis.call('GET', KEYS[1])
local version = before and tonumber(string.match(before, '^%d+')) or 0
if ARGV[4] ~= '' and tonumber(ARGV[4]) ~= version then
  return { 0, version }
end

local value = string.format('%.0f:', version + 1) .. ARGV[2]
redis.call('ZADD', KEYS[2], 0, ARGV[1])
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], value)
  redis.call('ZREM', KEYS[3], ARGV[1])
else
  redis.call('SET', KEYS[1], value, 'PX', ARGV[3])
  redis.call('ZADD', KEYS[3], now + ARGV[3], ARGV[1])
end

-- Values expire by themselves, their index entries do not.
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 20)) do
  redis.call('ZREM', KEYS[3], gone)
  if gone ~= ARGV[1] then
    redis.call('ZREM', KEYS[2], gone)
  end
end
return { 1, version + 1 }
