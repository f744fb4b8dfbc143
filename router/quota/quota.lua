-- One batch of an instance: what its finished requests really used, then what new ones want.
--
-- The arithmetic is that of policies/engine/limits (windows.py, resets.py), in integer microseconds
-- and units, so that both can be compared answer by answer. The clock is this server's. A reservation is taken in
-- all of its limits or in none.
--
-- KEYS: every limit's key. ARGV[1], MessagePack: {instance, lease, limits, settlements, reservations}
--   instance      who asks; lease: microseconds for which its places are its own without another word
--   limits        one for each key: {kind, limit, width or span in microseconds or places held,
--                 slice or next reset}
--                 kinds: 1 window of 60 cells, 2 slices (GCRA), 3 places, 4 from reset to reset. Of
--                 places every instance says how many it holds, each time: so what went astray is
--                 mended by the next word
--   settlements   {index of the key, units, instant taken}; an instant that is not above 0: so many
--                 microseconds ago
--   reservations  a list of alternatives, in the order of preference; each a list of
--                 {index of the key, units}
-- Returns MessagePack: {now, answers}; an answer is {alternative that was taken or 0, waits, left}:
--   the waits in microseconds of each alternative that was looked at, by its limits (0: fits, -1:
--   unknown); what is left of the limits of the one that was taken, or of the first
local CELLS, RING = 60, 61
local told = cmsgpack.unpack(ARGV[1])
local instance, lease, limits, settlements, reservations = told[1], told[2], told[3], told[4], told[5]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local loaded = {}

local function window(key, limit)
  local width = limit[3]
  local cell = math.floor(now / width)
  local seen = redis.call('HMGET', key, 'head', 'sum')
  local head, sum = tonumber(seen[1]), tonumber(seen[2]) or 0
  local one = {key = key, limit = limit[2], width = width, head = cell, sum = sum, added = {}}
  if head == nil or cell - head > CELLS then
    if head ~= nil then redis.call('DEL', key) end
    one.sum = 0
  elseif cell > head then
    one.dirty = true
    local fields = {}
    for passed = head + 1, cell do fields[#fields + 1] = passed % RING end
    for _, units in ipairs(redis.call('HMGET', key, unpack(fields))) do
      one.sum = one.sum - (tonumber(units) or 0)
    end
    redis.call('HDEL', key, unpack(fields))
  elseif head - cell > 1 then
    -- The clock stepped back: a failover, say. All that is known counts as if taken now.
    redis.call('DEL', key)
    redis.call('HSET', key, cell % RING, sum)
    one.dirty = true
  elseif cell < head then
    one.head = head
  end
  return one
end

local function add(one, cell, units)
  local field = cell % RING
  one.added[field] = (one.added[field] or 0) + units
  one.sum = one.sum + units
  one.dirty = true
end

local kinds = {}

kinds[1] = {
  load = window,
  fits = function(one, need)
    local left = one.limit - one.sum
    return left >= need or left >= one.limit
  end,
  left = function(one) return one.limit - one.sum end,
  wait = function(one, need)
    local excess = one.sum + need - one.limit
    if need > one.limit then excess = one.sum end
    local fields = {}
    for age = CELLS, 0, -1 do fields[#fields + 1] = (one.head - age) % RING end
    local ring = redis.call('HMGET', one.key, unpack(fields))
    for age = CELLS, 0, -1 do
      excess = excess - (tonumber(ring[CELLS - age + 1]) or 0) - (one.added[fields[CELLS - age + 1]] or 0)
      if excess <= 0 then return (one.head - age + RING) * one.width - now end
    end
    return RING * one.width
  end,
  take = function(one, units) add(one, one.head, units) end,
  correct = function(one, units, taken)
    local cell = math.floor(taken / one.width)
    if cell <= one.head - RING then
      if units <= 0 then return end
      cell = one.head
    end
    add(one, math.min(cell, one.head), units)
  end,
  save = function(one)
    for field, units in pairs(one.added) do redis.call('HINCRBY', one.key, field, units) end
    redis.call('HSET', one.key, 'head', one.head, 'sum', one.sum)
    redis.call('PEXPIRE', one.key, math.ceil(one.width * (RING + 1) / 1000))
  end,
}

local function cost(one, units) return math.ceil(units * one.span / one.limit) end

kinds[2] = {
  load = function(key, limit)
    local seen = redis.call('HMGET', key, 'free', 'busy', 'at')
    local one = {key = key, limit = limit[2], span = limit[3]}
    one.slice = math.max(limit[4], cost(one, 1))
    local ahead = math.max(0, (tonumber(seen[3]) or now) - now)  -- a clock that stepped back
    one.free, one.busy = (tonumber(seen[1]) or -1) - ahead, (tonumber(seen[2]) or -1) - ahead
    one.dirty = ahead > 0  -- or it would step back anew each time
    return one
  end,
  fits = function(one, need)
    if one.free <= now then return true end
    return kinds[2].left(one) >= need
  end,
  left = function(one)
    return math.floor((one.slice - math.max(0, one.free - now)) * one.limit / one.span)
  end,
  wait = function(one, need)
    local ahead = one.free - now
    return math.min(ahead, ahead + cost(one, need) - one.slice)
  end,
  take = function(one, units)
    if one.free <= now then one.free, one.busy = now, now end
    one.free = one.free + cost(one, units)
    one.dirty = true
  end,
  correct = function(one, units, taken)
    if units > 0 then return kinds[2].take(one, units) end
    if taken >= one.busy then
      one.free = one.free + cost(one, units)
      one.dirty = true
    end
  end,
  save = function(one)
    redis.call('HSET', one.key, 'free', one.free, 'busy', one.busy, 'at', now)
    redis.call('PEXPIRE', one.key, math.max(1000, math.ceil((one.free - now) / 1000) + 1000))
  end,
}

kinds[3] = {
  load = function(key, limit)
    local one = {key = key, limit = limit[2], own = limit[3], others = 0, dirty = true}
    local told = redis.call('HGETALL', key)
    for at = 1, #told, 2 do
      local count, since = told[at + 1]:match('(%d+) (%d+)')
      if told[at] == instance then
        -- It says anew how many.
      elseif math.abs(now - tonumber(since)) > lease then
        redis.call('HDEL', key, told[at])
      else
        one.others = one.others + tonumber(count)
      end
    end
    return one
  end,
  fits = function(one) return one.others + one.own < one.limit end,
  left = function(one) return one.limit - one.others - one.own end,
  wait = function() return -1 end,
  take = function(one) one.own = one.own + 1 end,
  correct = function() end,
  save = function(one)
    if one.own == 0 then
      redis.call('HDEL', one.key, instance)
    else
      redis.call('HSET', one.key, instance, string.format('%d %.0f', one.own, now))
      redis.call('PEXPIRE', one.key, math.ceil(lease / 1000))
    end
  end,
}

kinds[4] = {
  load = function(key, limit)
    local seen = redis.call('HMGET', key, 'resets', 'used')
    local one = {key = key, limit = limit[2], resets = limit[4], used = tonumber(seen[2]) or 0, more = 0}
    if one.resets <= now then
      one.resets = one.resets + (math.floor((now - one.resets) / limit[3]) + 1) * limit[3]
    end
    one.began = one.resets - limit[3]
    local known = tonumber(seen[1]) or 0
    -- One that lies half of the span before the next has passed, even if clocks have moved it.
    if known <= now or one.resets - known >= limit[3] / 2 then
      redis.call('DEL', key)
      one.used = 0
    end
    return one
  end,
  fits = function(one, need)
    local left = one.limit - one.used
    return left >= need or left >= one.limit
  end,
  left = function(one) return one.limit - one.used end,
  wait = function(one) return one.resets - now end,
  take = function(one, units)
    one.used, one.more, one.dirty = one.used + units, one.more + units, true
  end,
  correct = function(one, units, taken)
    if units > 0 or taken >= one.began then kinds[4].take(one, units) end
  end,
  save = function(one)
    redis.call('HINCRBY', one.key, 'used', one.more)
    redis.call('HSET', one.key, 'resets', one.resets)
    redis.call('PEXPIRE', one.key, math.ceil((one.resets - now) / 1000))
  end,
}

local function limit_of(index)
  local one = loaded[index]
  if one == nil then
    local limit = limits[index]
    one = kinds[limit[1]].load(KEYS[index], limit)
    one.kind = kinds[limit[1]]
    loaded[index] = one
  end
  return one
end

for _, settlement in ipairs(settlements) do
  local one, taken = limit_of(settlement[1]), settlement[3]
  if taken <= 0 then taken = now + taken end
  one.kind.correct(one, settlement[2], taken)
end

local function left_of(wants)
  local left = {}
  for place, want in ipairs(wants) do
    local one = limit_of(want[1])
    left[place] = one.kind.left(one)
  end
  return left
end

local answers = {}
for number, alternatives in ipairs(reservations) do
  local taken, waits = 0, {}
  for choice, wants in ipairs(alternatives) do
    local fits, wait = true, {}
    for place, want in ipairs(wants) do
      local one = limit_of(want[1])
      if one.kind.fits(one, want[2]) then
        wait[place] = 0
      else
        fits, wait[place] = false, one.kind.wait(one, want[2])
      end
    end
    waits[choice] = wait
    if fits then
      for _, want in ipairs(wants) do
        local one = limit_of(want[1])
        one.kind.take(one, want[2])
      end
      taken = choice
      break
    end
  end
  answers[number] = {taken, waits, left_of(alternatives[math.max(1, taken)])}
end

for _, one in pairs(loaded) do
  if one.dirty then one.kind.save(one) end
end
return cmsgpack.pack({now, answers})
