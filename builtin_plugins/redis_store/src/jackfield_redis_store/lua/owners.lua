-- Owners: their leases, their holdings, and what happens to these when a lease expires.
-- <root>owner:<owner> has the fields
--   posted                  the number of its last posting
--   stated                  it has stated its holdings, and its lease has not expired since
--   held:<account>          what it holds
--   terms:<account>         how it is held: j, c or d of on_death, then the bucket, a slash, and
--                           for how many seconds the account is kept, empty if unlimited
--   lost:<bucket>:<account> what counts as spent until its journal is posted

local root = string.sub(KEYS[1], 1, -5)
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local HELD = root .. 'held'
local LEASES = root .. 'leases'

local function owner_key(owner)
  return root .. 'owner:' .. owner
end

local function account_key(account)
  return root .. 'account:' .. account
end

-- Microseconds since the store was created: by the first call after it has lost everything.
local function age()
  local born = redis.call('GET', KEYS[1])
  if born then
    return now - born
  end
  redis.call('SET', KEYS[1], string.format('%.0f', now))
  return 0
end

local function hold(owner, account, text)
  if count(HELD, account, text) == 0 then
    redis.call('HDEL', HELD, account)
  end
  if count(owner_key(owner), 'held:' .. account, text) == 0 then
    redis.call('HDEL', owner_key(owner), 'held:' .. account)
    -- An owner that has yet to restate its holdings may state this account too.
    if redis.call('HEXISTS', owner_key(owner), 'stated') == 1 then
      redis.call('HDEL', owner_key(owner), 'terms:' .. account)
    end
  end
end

-- Seconds for which an account with an unknown window is kept: it may be a year.
local LONGEST = 400 * 86400

-- Keeps an account for this long after its use.
local function keep(account, seconds)
  if seconds == '' then
    redis.call('PERSIST', account_key(account))
  else
    redis.call('EXPIRE', account_key(account), seconds)
  end
end

-- Keeps an account that is posted to: as its owner claimed it, else as long as possible.
local function keep_posted(owner, account, bucket)
  local terms = redis.call('HGET', owner_key(owner), 'terms:' .. account)
  local seconds = terms and string.match(terms, '/(%d*)$')
  keep(account, seconds or (bucket > 0 and LONGEST or ''))
end

-- Releases up to this much of what is held.
local function let_go(owner, account, text)
  local held = redis.call('HGET', owner_key(owner), 'held:' .. account)
  if held then
    local part = show(least(amount(held), amount(text)))
    if part ~= '0' then
      hold(owner, account, '-' .. part)
    end
  end
end

-- Undoes spending, unless its bucket has been deleted.
local function unspend(account, bucket, text)
  if redis.call('HEXISTS', account_key(account), bucket) == 1 then
    count(account_key(account), bucket, '-' .. text)
  end
end

local function fields_of(owner)
  local flat = redis.call('HGETALL', owner_key(owner))
  local fields = {}
  for i = 1, #flat, 2 do
    fields[flat[i]] = flat[i + 1]
  end
  return fields
end

local function end_lease(owner)
  redis.call('ZREM', LEASES, owner)
  local key, fields = owner_key(owner), fields_of(owner)
  for field, text in pairs(fields) do
    if string.sub(field, 1, 5) == 'held:' then
      local account = string.sub(field, 6)
      local terms = fields['terms:' .. account]
      local how, bucket, seconds = string.match(terms, '^(%a)(-?%d+)/?(%d*)$')
      hold(owner, account, '-' .. text)
      redis.call('HSET', key, 'terms:' .. account, terms)
      if how ~= 'd' then
        count(account_key(account), bucket, text)
        keep(account, seconds)
      end
      if how == 'j' then
        count(key, 'lost:' .. bucket .. ':' .. account, text)
      end
    end
  end
  redis.call('HDEL', key, 'stated')
end

local function end_leases()
  for _, owner in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now)) do
    end_lease(owner)
  end
end

local function extend(owner, lease)
  redis.call('ZADD', LEASES, now + lease, owner)
  redis.call('PERSIST', owner_key(owner))
end

local function refund(owner)
  for field, text in pairs(fields_of(owner)) do
    local bucket, account = string.match(field, '^lost:(-?%d+):(.*)$')
    if bucket then
      unspend(account, bucket, text)
      redis.call('HDEL', owner_key(owner), field)
    end
  end
end
