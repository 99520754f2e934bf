-- scope, the hours to delete, the hour to cut and the bound within it, the hours per call

local root = string.sub(KEYS[1], 1, -5)
local scope = ARGV[1]
local index = root .. 'recorded:' .. scope
local forgotten = 0

local function key_of(hour)
  return root .. 'records:' .. hour .. ':' .. scope
end

local hours = redis.call('ZRANGEBYSCORE', index, '-inf', '(' .. ARGV[2], 'LIMIT', 0, ARGV[4])
for _, hour in ipairs(hours) do
  forgotten = forgotten + redis.call('ZCARD', key_of(hour))
  redis.call('UNLINK', key_of(hour))
  redis.call('ZREM', index, hour)
end
if #hours == tonumber(ARGV[4]) then
  return { forgotten, 1 }
end

local cut = key_of(ARGV[2])
forgotten = forgotten + redis.call('ZREMRANGEBYLEX', cut, '-', ARGV[3])
if redis.call('EXISTS', cut) == 0 then
  redis.call('ZREM', index, ARGV[2])
end
if redis.call('EXISTS', index, root .. 'tallied:' .. scope) == 0 then
  redis.call('ZREM', root .. 'scopes', scope)
end
return { forgotten, 0 }
