-- One instance says what it has seen of some shifts, and hears who leads each; who does so, what
-- all have seen; and whether what it says itself counts.
--
-- KEYS: of each shift its leader, and what every instance said of it
-- ARGV: the instance, milliseconds for which it leads, milliseconds for which words are kept, the
-- most instances of one shift, and of each shift the instance's words (none: it leaves)
local me, lease, kept, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local time = redis.call('TIME')
local rows = {}
for i = 1, #KEYS, 2 do
  local lead, said, words, counts = KEYS[i], KEYS[i + 1], ARGV[5 + (i - 1) / 2], 0
  local leader = redis.call('GET', lead)
  if words == '' then
    -- What it has seen still counts; only its lead is free.
    if leader == me then redis.call('DEL', lead) end
  else
    if redis.call('HLEN', said) < most or redis.call('HEXISTS', said, me) == 1 then
      redis.call('HSET', said, me, words)
      counts = 1
    end
    redis.call('PEXPIRE', said, kept)
    if not leader or leader == me then
      redis.call('SET', lead, me, 'PX', lease)
      leader = me
    end
  end
  rows[#rows + 1] = {leader or '', leader == me and redis.call('HVALS', said) or {}, counts}
end
return {time[1] * 1000000 + time[2], rows}
