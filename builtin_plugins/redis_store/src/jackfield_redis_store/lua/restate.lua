-- owner, lease, then for each account: account, amount

age()
local owner = ARGV[1]
local key = owner_key(owner)
end_leases()
extend(owner, ARGV[2])
local before = fields_of(owner)
refund(owner)
for field, text in pairs(before) do
  if string.sub(field, 1, 5) == 'held:' then
    hold(owner, string.sub(field, 6), '-' .. text)
  elseif string.sub(field, 1, 6) == 'terms:' then
    redis.call('HDEL', key, field)
  end
end
for i = 3, #ARGV, 2 do
  local terms = before['terms:' .. ARGV[i]] or ('j' .. clock[1] .. '/' .. LONGEST)
  hold(owner, ARGV[i], ARGV[i + 1])
  redis.call('HSET', key, 'terms:' .. ARGV[i], terms)
end
redis.call('HSET', key, 'stated', 1)
return 1
