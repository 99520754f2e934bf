-- owner, lease

age()
local key = owner_key(ARGV[1])
end_leases()
extend(ARGV[1], ARGV[2])
local posted = tonumber(redis.call('HGET', key, 'posted') or 0)
return { posted, redis.call('HEXISTS', key, 'stated'), now }
