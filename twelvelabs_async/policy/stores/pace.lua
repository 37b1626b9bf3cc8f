-- policy/pace.py once more, for the server that runs budget.lua, which stands behind this text.
-- What is None in Python is nil. Constants come from the Python, in front of this text.

local now, pace

local function wait(seconds, certain, dimension, limit)
  return {seconds = seconds, certain = certain, dimension = dimension or REQUEST, limit = limit}
end

local NEWS = wait(nil, false)

local function start_again()
  pace.crowd, pace.since, pace.began, pace.out = 1, nil, now, 0
end

local function length()
  if not pace.long then return LONGEST_PAUSE end
  if pace.long <= SURE * pace.short or pace.short == 0 then return pace.long end
  return (pace.short + pace.long) / 2
end

local function allowance()
  local room = pace.room or 0
  local short = (pace.best - room) / CUBIC
  local plateau = short < 0 and -(-short) ^ (1 / 3) or short ^ (1 / 3)
  return math.max(room, math.floor(pace.best + CUBIC * (pace.calm - plateau) ^ 3 + 1e-9))
end

local function kept(left)
  local gone = pace.served + pace.out
  if gone >= allowance() then return wait(left, pace.served >= allowance(), REQUEST, pace.room) end
  return gone >= pace.room and pace.out > 0 and NEWS or nil
end

local function forget()
  if pace.opened and now >= pace.opened + MEMORY and not pace.met then
    pace.crowd = math.max(1, pace.crowd / 2)
    pace.opened, pace.served = now, 0
  end
end

local function crowded()
  if not pace.since or pace.out == 0 then pace.since = now end
  while pace.out >= pace.crowd and now >= pace.since + PATIENCE do
    pace.crowd = pace.crowd * 2
    pace.since = pace.since + PATIENCE
  end
  if pace.out < pace.crowd then return nil end
  return wait(pace.since + PATIENCE - now, false)
end

local function delay()
  if not pace.room then
    forget()
  elseif not pace.met and pace.opened then
    local ends = pace.opened + length()
    if now < ends then return kept(ends - now) or crowded() end
    pace.met, pace.calm = now, pace.calm + 1
    start_again()
  end
  return crowded()
end

local function pace_leave()
  pace.out = pace.out + 1
  pace.opened = pace.opened or now
end

local function pace_land(left)
  if left >= pace.began and pace.out > 0 then pace.out = pace.out - 1 end
end

local function turned(left)
  if pace.opened then
    local took = left - pace.opened
    pace.long = pace.long and math.min(pace.long, took) or took
  end
  pace.opened, pace.served, pace.met = left, 0, nil
end

local function accept(left)
  if pace.met and left < pace.met then
    if pace.refusals > 0 and pace.room then pace.room = pace.room + 1 end
    return
  end
  if pace.met then turned(left) end
  pace.refusals = 0
  pace.served = pace.served + 1
  pace.since = now
  pace.crowd = pace.room and math.max(pace.crowd, pace.room) or pace.crowd + GROWTH
end

local function guessed(inside)
  if inside and pace.long and pace.opened and pace.opened + length() > now then
    return pace.opened + length() - now
  end
  return math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ^ (math.min(pace.refusals, 16) - 1))
end

local function told(seconds)
  if pace.opened then pace.long = math.max(pace.long or 0, now + seconds - pace.opened) end
  return seconds
end

local function pace_refuse(left, seconds)
  if pace.met and left < pace.met then return seconds end
  pace.refusals = pace.refusals + 1
  local inside = not pace.met
  if inside and pace.served > 0 then
    pace.best, pace.room, pace.calm = math.max(pace.served, pace.room or 0), pace.served, 0
  elseif not seconds and pace.opened then
    pace.short = math.max(pace.short, left - pace.opened)
    if pace.long and pace.long <= pace.short then pace.long = nil end
  end
  pace.met = now
  start_again()
  return seconds and told(seconds) or guessed(inside)
end
