-- owner, first, last, gap, then the number of each and its arguments:
-- debits: account, bucket, amount · takings: account, amount · records: scope, hour, moment,
-- data · tallies: scope, hour, field, amount

age()
local owner, first, last = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local key = owner_key(owner)
local posted = tonumber(redis.call('HGET', key, 'posted') or 0)
if last < first or first <= posted or (first > posted + 1 and ARGV[4] == '0') then
  return { posted, 0 }
end

local at = 5
local function each(width, work)
  local times = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, times do
    work(at)
    at = at + width
  end
end

local latest = {}
each(3, function(i)
  local account, bucket = ARGV[i], tonumber(ARGV[i + 1])
  count(account_key(account), ARGV[i + 1], ARGV[i + 2])
  latest[account] = math.max(bucket, latest[account] or bucket)
end)
for account, bucket in pairs(latest) do
  keep_posted(owner, account, bucket)
end

-- What already counts as spent since the owner's lease expired is not counted twice.
local lost = {}
if redis.call('HEXISTS', key, 'stated') == 0 then
  for field, text in pairs(fields_of(owner)) do
    local bucket, account = string.match(field, '^lost:(-?%d+):(.*)$')
    if bucket then
      lost[account] = lost[account] or {}
      table.insert(lost[account], { field = field, bucket = bucket, left = amount(text) })
    end
  end
end

each(2, function(i)
  local account, rest = ARGV[i], amount(ARGV[i + 1])
  local found = lost[account] or {}
  table.sort(found, function(a, b)
    return tonumber(a.bucket) < tonumber(b.bucket)
  end)
  for _, one in ipairs(found) do
    local part = least(one.left, rest)
    local text = show(part)
    if text ~= '0' then
      rest = difference(rest, part)
      unspend(account, one.bucket, text)
      if count(key, one.field, '-' .. text) == 0 then
        redis.call('HDEL', key, one.field)
      end
    end
  end
  let_go(owner, account, show(rest))
end)

local listed = {}
local function list(index, scope, hour)
  local name = index .. hour .. ':' .. scope
  if not listed[name] then
    listed[name] = true
    redis.call('ZADD', root .. index .. scope, hour, hour)
    redis.call('ZADD', root .. 'scopes', 0, scope)
  end
end

each(4, function(i)
  local scope, hour = ARGV[i], ARGV[i + 1]
  local place = string.format('%s:%016x', ARGV[i + 2], redis.call('INCR', root .. 'recordings'))
  local member = place .. '\0' .. ARGV[i + 3]
  redis.call('ZADD', root .. 'records:' .. hour .. ':' .. scope, 0, member)
  list('recorded:', scope, hour)
end)

each(4, function(i)
  local scope, hour = ARGV[i], ARGV[i + 1]
  count(root .. 'tallies:' .. hour .. ':' .. scope, ARGV[i + 2], ARGV[i + 3])
  list('tallied:', scope, hour)
end)

redis.call('HSET', key, 'posted', ARGV[3])
return { last, 1 }
