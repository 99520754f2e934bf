-- Whole numbers of any size. Lua numbers are only exact to 53 bits, so an amount is a pair:
-- amount[1] * 10^9 + amount[2].

local BASE = 1e9
local FULL = 4e15

local function carried(high, low)
  local more = math.floor(low / BASE)
  return high + more, low - more * BASE
end

local function split(text)
  if #text <= 15 then
    return 0, tonumber(text)
  end
  local sign = 1
  if string.sub(text, 1, 1) == '-' then
    sign, text = -1, string.sub(text, 2)
  end
  return sign * tonumber(string.sub(text, 1, -10)), sign * tonumber(string.sub(text, -9))
end

local function amount(text)
  return { split(text or '0') }
end

local function sum(a, b)
  return { carried(a[1] + b[1], a[2] + b[2]) }
end

local function difference(a, b)
  return { carried(a[1] - b[1], a[2] - b[2]) }
end

local function below(a, b)
  return difference(a, b)[1] < 0
end

local function least(a, b)
  return below(b, a) and b or a
end

local function most(a, b)
  return below(a, b) and b or a
end

local function show(a)
  local high, low = carried(a[1], a[2])
  local sign = ''
  if high < 0 then
    sign = '-'
    high, low = carried(-high, -low)
  end
  if high == 0 then
    return sign .. string.format('%.0f', low)
  end
  return sign .. string.format('%.0f%09.0f', high, low)
end

local NOTHING = { 0, 0 }

-- Adds to a field of a hash. Of the returned sum, only whether it is 0 is exact.
local function count(key, field, text)
  local reply = redis.pcall('HINCRBY', key, field, text)
  if type(reply) == 'number' then
    return reply
  end
  local whole = sum(amount(redis.call('HGET', key, field)), amount(text))
  redis.call('HSET', key, field, show(whole))
  return whole[1] + whole[2]
end
