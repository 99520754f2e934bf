-- For how many microseconds the store has been what it is, if the server takes writes.

redis.call('SET', root .. 'probe', now)
return age()
