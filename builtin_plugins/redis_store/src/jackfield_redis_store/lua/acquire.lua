-- owner, lease, recovery, then for each claim: account, limit, need, want, bucket, since, on_death

local owner = ARGV[1]
if math.abs(age()) < tonumber(ARGV[3]) then
  return redis.error_reply('RECOVERING')
end
end_leases()
extend(owner, ARGV[2])

local CROWDED = 256
local DAY = 86400

-- A rolling window expires by itself; of a calendar period only the beginning is known.
local function kept_for(bucket, since)
  if bucket > since then
    return 2 * (bucket - since) + DAY
  end
  return bucket > 0 and LONGEST or ''
end

local claims, taken = {}, {}
local refused = -1
for i = 4, #ARGV, 7 do
  local account, since = ARGV[i], tonumber(ARGV[i + 5])
  local claim = { account = account, bucket = ARGV[i + 4], since = since, how = ARGV[i + 6] }
  claim.seconds = kept_for(tonumber(claim.bucket), since)
  claim.buckets = redis.call('HGETALL', account_key(account))
  claim.spent = spent_since(claim.buckets, since)
  claim.held = held(account)
  local used = sum(sum(claim.spent, claim.held), taken[account] or NOTHING)
  local room = most(difference(amount(ARGV[i + 1]), used), NOTHING)
  local need = amount(ARGV[i + 2])
  claims[#claims + 1] = claim
  if refused < 0 and below(room, need) then
    refused = #claims - 1
  end
  claim.given = most(need, least(amount(ARGV[i + 3]), room))
  taken[account] = sum(taken[account] or NOTHING, claim.given)
end

local answer = { now, refused }
for _, claim in ipairs(claims) do
  answer[#answer + 1] = show(claim.given)
  answer[#answer + 1] = show(claim.spent)
  if refused < 0 then
    answer[#answer + 1] = show(sum(claim.held, taken[claim.account]))
  else
    answer[#answer + 1] = show(claim.held)
  end
end
if refused >= 0 then
  return answer
end

for _, claim in ipairs(claims) do
  local key, given = account_key(claim.account), show(claim.given)
  if given ~= '0' then
    hold(owner, claim.account, given)
    local terms = claim.how .. claim.bucket .. '/' .. claim.seconds
    redis.call('HSET', owner_key(owner), 'terms:' .. claim.account, terms)
  end
  if #claim.buckets > 2 * CROWDED then
    for i = 1, #claim.buckets, 2 do
      if tonumber(claim.buckets[i]) < claim.since then
        redis.call('HDEL', key, claim.buckets[i])
      end
    end
  end
  keep(claim.account, claim.seconds)
end
return answer
