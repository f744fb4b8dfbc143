-- One word of one instance: it is there, or it leaves; and who else is.
-- KEYS: instances by when they last spoke, what each said, the fleet's news.
-- ARGV: the instance, its words (none: it leaves), milliseconds without a word until one is gone,
-- seconds for which news are kept.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local name, words, gone = ARGV[1], ARGV[2], tonumber(ARGV[3])
if words == '' then
  redis.call('ZREM', KEYS[1], name)
  redis.call('HDEL', KEYS[2], name)
else
  redis.call('ZADD', KEYS[1], now, name)
  redis.call('HSET', KEYS[2], name, words)
end
local rows = {}
local all = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #all, 2 do
  local spoke = tonumber(all[i + 1])
  -- What was said later than now was said before the clock was set back.
  if spoke <= now - gone or spoke > now + gone then
    redis.call('ZREM', KEYS[1], all[i])
    redis.call('HDEL', KEYS[2], all[i])
  else
    rows[#rows + 1] = {all[i], spoke, redis.call('HGET', KEYS[2], all[i]) or ''}
  end
end
redis.call('PEXPIRE', KEYS[1], 6 * gone)
redis.call('PEXPIRE', KEYS[2], 6 * gone)
redis.call('EXPIRE', KEYS[3], ARGV[4])
return {now, rows}
