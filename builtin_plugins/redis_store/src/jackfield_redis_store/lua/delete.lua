-- key, expected version or ''. KEYS as in put

local before = redis.call('GET', KEYS[1])
local version = before and tonumber(string.match(before, '^%d+')) or 0
if ARGV[2] ~= '' and tonumber(ARGV[2]) ~= version then
  return { 0, version }
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return { 1, version }
