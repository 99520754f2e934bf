-- Accounts: <root>account:<account> has the spending by bucket, <root>held the holdings.

local function spent_since(flat, since)
  local high, low = 0, 0
  for i = 1, #flat, 2 do
    if tonumber(flat[i]) >= since then
      local more, rest = split(flat[i + 1])
      high, low = high + more, low + rest
      if low > FULL or low < -FULL then
        high, low = carried(high, low)
      end
    end
  end
  return { high, low }
end

local function spent(account, since)
  return spent_since(redis.call('HGETALL', account_key(account)), since)
end

local function held(account)
  return amount(redis.call('HGET', HELD, account))
end
