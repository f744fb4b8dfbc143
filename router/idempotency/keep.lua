-- Keeps the answer of a request whose key was claimed, unless another has claimed it since, and
-- lets go of the oldest when all together are too large.
--
-- KEYS: the answer, the index of answers by when their time is over, their bytes in all
-- ARGV: the claim, the answer, its lifetime in milliseconds, the most bytes of all
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local lifetime, most = tonumber(ARGV[3]), tonumber(ARGV[4])
local size = #ARGV[2]
redis.call('SET', KEYS[1], ARGV[2], 'PX', lifetime)
local bytes = tonumber(redis.call('GET', KEYS[3])) or 0
if redis.call('ZADD', KEYS[2], now + lifetime, size .. ' ' .. KEYS[1]) == 1 then
  bytes = bytes + size
end
while true do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  if oldest[1] == nil then break end
  local over = tonumber(oldest[2]) <= now
  if not over and bytes <= most then break end
  local length, key = string.match(oldest[1], '^(%d+) (.*)$')
  if not over then redis.call('DEL', key) end
  redis.call('ZREM', KEYS[2], oldest[1])
  bytes = bytes - tonumber(length)
end
redis.call('SET', KEYS[3], bytes, 'PX', lifetime)
redis.call('PEXPIRE', KEYS[2], lifetime)
return 1
