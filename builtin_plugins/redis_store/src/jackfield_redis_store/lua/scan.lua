-- lowest key, bound, the maximum number and bytes
-- KEYS: the index of the scope's keys, and the prefix of the values' keys

local wanted, room = tonumber(ARGV[3]), tonumber(ARGV[4])
local STEP = 32
local least = ARGV[1]
local found, last = {}, ''
repeat
  local part = redis.call('ZRANGEBYLEX', KEYS[1], least, ARGV[2], 'LIMIT', 0, STEP)
  for _, key in ipairs(part) do
    local value = redis.call('GET', KEYS[2] .. key)
    least, last = '(' .. key, key
    if value then
      found[#found + 1] = key
      found[#found + 1] = value
      room = room - #value
    end
    if #found >= 2 * wanted or room <= 0 then
      return { found, last }
    end
  end
until #part == 0
return { found, '' }
