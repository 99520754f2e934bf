-- Microseconds since the store was created, if the server accepts writes.

redis.call('SET', root .. 'probe', now)
return age()
