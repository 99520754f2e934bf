-- scope, the bounds of the hours, least member, bound, the maximum number and bytes

local root = string.sub(KEYS[1], 1, -5)
local hours = redis.call('ZRANGEBYSCORE', root .. 'recorded:' .. ARGV[1], ARGV[2], ARGV[3])
local wanted, room = tonumber(ARGV[6]), tonumber(ARGV[7])
local STEP = 32
local found = {}
for _, hour in ipairs(hours) do
  local key, least = root .. 'records:' .. hour .. ':' .. ARGV[1], ARGV[4]
  repeat
    local part = redis.call(
      'ZRANGEBYLEX', key, least, ARGV[5], 'LIMIT', 0, math.min(STEP, wanted - #found)
    )
    for _, member in ipairs(part) do
      found[#found + 1] = member
      room = room - #member
      least = '(' .. member
      if #found >= wanted or room <= 0 then
        return { found, 1 }
      end
    end
  until #part == 0
end
return { found, 0 }
