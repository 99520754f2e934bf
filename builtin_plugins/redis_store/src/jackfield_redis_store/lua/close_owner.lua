-- owner, and for how many seconds the numbers of its postings are remembered

age()
local key = owner_key(ARGV[1])
end_leases()
end_lease(ARGV[1])
refund(ARGV[1])
for field in pairs(fields_of(ARGV[1])) do
  if field ~= 'posted' then
    redis.call('HDEL', key, field)
  end
end
redis.call('EXPIRE', key, ARGV[2])
return 1
