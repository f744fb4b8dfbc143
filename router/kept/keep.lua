-- Keeps a document, unless a later one is kept than the one from which it was made.
--
-- KEYS: the document, the versions of all
-- ARGV: its name, the version from which it was made (0: there was none), the document (empty: it
-- is removed), the version that it has already (0: it gets one)
--
-- A version is the microsecond of the server's clock at which it was made, or one more than the one
-- before it, so that it grows also where the server lost what it had been told last.
local held = redis.call('GET', KEYS[1])
local at = held and tonumber(string.match(held, '^%d+')) or 0
if at > tonumber(ARGV[2]) then return held end
local version = tonumber(ARGV[4])
if version == 0 then
  local time = redis.call('TIME')
  version = math.max(tonumber(time[1]) * 1000000 + tonumber(time[2]), tonumber(ARGV[2]) + 1)
end
local told = string.format('%.0f', version)
redis.call('HSET', KEYS[2], ARGV[1], told)
redis.call('SET', KEYS[1], told .. ' ' .. ARGV[3])
return tonumber(told)
