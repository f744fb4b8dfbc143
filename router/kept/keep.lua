-- Keeps a document, unless a later one is kept than the one from which it was made.
--
-- KEYS: the document, the versions of all, what says for a while that there were none before
-- ARGV: its name, the version from which it was made (0: there was none), the document (empty: it
-- is removed), the version that it has already (0: it gets one); for how many milliseconds that
-- it was removed is known, and that there were none
--
-- A version is the microsecond of the server's clock at which it was made, or one more than the one
-- before it, so that it grows also where the server lost what it had been told last.
local held = redis.call('GET', KEYS[1])
local at = held and tonumber(string.match(held, '^%d+')) or 0
if at > tonumber(ARGV[2]) then return held end
local version, time = tonumber(ARGV[4]), redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
if version == 0 then
  version = math.max(now, tonumber(ARGV[2]) + 1)
elseif ARGV[3] == '' and now - version > ARGV[5] * 1000 then
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('DEL', KEYS[1])
  return 0
end
local told = string.format('%.0f', version)
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('SET', KEYS[3], '', 'PX', ARGV[6]) end
redis.call('HSET', KEYS[2], ARGV[1], told)
redis.call('SET', KEYS[1], told .. ' ' .. ARGV[3])
if ARGV[3] == '' then redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return tonumber(told)
