-- Remembers whose something is, unless that is known, and forgets the oldest of too many.
--
-- KEYS: what is remembered of it, and in which order all came
-- ARGV: whose it is, its lifetime in milliseconds, the most that are remembered
local owner, lifetime, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
if not redis.call('SET', KEYS[1], owner, 'NX', 'PX', lifetime) then return 0 end
redis.call('RPUSH', KEYS[2], KEYS[1])
redis.call('PEXPIRE', KEYS[2], lifetime)
if redis.call('LLEN', KEYS[2]) > most then redis.call('DEL', redis.call('LPOP', KEYS[2])) end
return 1
