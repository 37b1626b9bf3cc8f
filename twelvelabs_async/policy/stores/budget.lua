-- policy/budget.py once more, run by the server in one piece, on its own clock. Behind pace.lua.
-- Names and order are those of the Python, which says why; a test runs both on the same random histories.
--
-- KEYS[1]  a hash: category -> state as JSON; what is None in Python is absent
-- ARGV     "reserve", category, lease, {dimension, cost}...
--          "settle",  category, ticket, refused, jitter, server_time, retry_after,
--                     {dimension, limit, remaining, reset}...
--          "release", category, ticket, sent
-- An empty argument is None. Gives a ticket, or {seconds, certain, dimension, limit} of a wait, or nothing.

local time = redis.call('TIME')
now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local key, action, category = KEYS[1], ARGV[1], ARGV[2]

local function fresh()
  local pace = {crowd = 1, began = 0, out = 0, served = 0, best = 0, calm = 0, refusals = 0, short = 0}
  return {windows = {}, pace = pace, closed_until = 0, closed_by = REQUEST, flights = {}, flying = {}, issued = 0}
end

local text = redis.call('HGET', key, category)
local budget = text and cjson.decode(text) or fresh()
pace = budget.pace

local function sane(seconds)
  return seconds > 0 and seconds <= LONGEST_WAIT and seconds or nil
end

local function lacks(window, cost, flying)
  local need = window.limit and math.min(cost, window.limit) or cost
  if not window.seen then
    if not window.limit or flying == 0 or flying + need <= window.limit then return nil end
    return NEWS
  end
  if window.seen - flying >= need then return nil end
  if window.seen < need and window.ends then
    return wait(window.ends - now, true, window.dimension, window.limit)
  end
  return flying ~= 0 and NEWS or nil
end

local function hear_again(window, quota, ahead)
  if not window.seen or not quota.remaining then return end
  window.seen = math.min(window.seen, quota.remaining)
  if ahead and window.ends then window.ends = math.min(window.ends, now + ahead) end
end

local function hear_window(window, quota, left, ahead)
  local same = not quota.limit or quota.limit == window.limit
  if same and window.ends and window.reset and quota.reset then
    local over = not window.seen and left >= window.ends
    if quota.reset < window.reset - SAME_WINDOW and not over then return end
    if quota.reset <= window.reset + SAME_WINDOW and not over then return hear_again(window, quota, ahead) end
  end
  window.limit = quota.limit or window.limit
  window.seen, window.reset = quota.remaining, quota.reset
  window.ends = ahead and now + ahead or nil
end

local function near(one, other)
  return one and other and math.abs(one - other) <= SAME_WINDOW
end

local function window_of(quota)
  for _, window in ipairs(budget.windows) do
    if window.dimension == quota.dimension and quota.limit and window.limit == quota.limit then return window end
  end
  for _, window in ipairs(budget.windows) do
    local mine = window.dimension == quota.dimension
    if mine and (not quota.limit or not window.limit or near(window.reset, quota.reset)) then return window end
  end
  local window = {dimension = quota.dimension}
  table.insert(budget.windows, window)
  return window
end

local function hear(quota, server_time, left)
  if quota.reset and quota.reset - server_time > LONGEST_WAIT then quota.reset = nil end
  local ahead = quota.reset and sane(quota.reset - server_time)
  hear_window(window_of(quota), quota, left, ahead)
end

local function hear_all(quotas, server_time, left, refused)
  local heard = false
  for _, quota in ipairs(quotas) do
    if quota.remaining and not (refused and quota.dimension == REQUEST and quota.remaining ~= 0) then
      hear(quota, server_time, left)
      heard = true
    end
  end
  if not heard then return end
  local staying = {}
  for _, window in ipairs(budget.windows) do
    if window.seen or not window.ends or left < window.ends then table.insert(staying, window) end
  end
  budget.windows = staying
end

local function land(ticket)
  local flight = budget.flights[ticket]
  budget.flights[ticket] = nil
  if flight then
    pace_land(flight.left)
    local empty = next(budget.flights) == nil
    for dimension, cost in pairs(flight.costs) do
      budget.flying[dimension] = empty and 0 or budget.flying[dimension] - cost
    end
  end
  return flight
end

local function release(ticket, sent)
  local flight = land(ticket)
  if not flight or not sent then return end
  for _, window in ipairs(budget.windows) do
    if window.seen then window.seen = math.max(0, window.seen - (flight.costs[window.dimension] or 0)) end
  end
end

local function expire()
  local dead = {}
  for ticket, flight in pairs(budget.flights) do
    if flight.expires and now >= flight.expires then table.insert(dead, tonumber(ticket)) end
  end
  table.sort(dead)
  for _, ticket in ipairs(dead) do release(string.format('%d', ticket), true) end
end

local function closed()
  if now >= budget.closed_until then return nil end
  local limit
  for _, window in ipairs(budget.windows) do
    if window.dimension == budget.closed_by then
      limit = window.limit
      break
    end
  end
  return wait(budget.closed_until - now, true, budget.closed_by, limit)
end

local function longer(one, other)
  if not one or one.certain ~= other.certain then return one ~= nil and one.certain end
  return (one.seconds or 0) > (other.seconds or 0)
end

local function pass(window)
  if window.seen and window.ends and now >= window.ends then
    window.seen = nil
    start_again()
  end
end

local function flown(window)
  if window.seen or not window.ends then return budget.flying[window.dimension] or 0 end
  local sum = 0
  for _, flight in pairs(budget.flights) do
    if flight.left >= window.ends then sum = sum + (flight.costs[window.dimension] or 0) end
  end
  return sum
end

local function short(costs)
  local worst, counted, untold
  for _, window in ipairs(budget.windows) do
    pass(window)
    local cost = costs[window.dimension]
    if cost and cost ~= 0 then
      local found = lacks(window, cost, flown(window))
      if not worst or longer(found, worst) then worst = found end
      counted = counted or window.dimension == REQUEST
      untold = untold or not window.seen
    end
  end
  if not worst and (untold or not counted) then return delay() end
  return worst
end

local function refuse(server, left)
  local seconds = server.retry_after
  if not seconds or #server.quotas == 0 then seconds = pace_refuse(left, seconds) end
  if not seconds or now + seconds <= budget.closed_until then return end
  budget.closed_until = now + seconds + server.jitter * (0.25 * seconds + 0.5)
  budget.closed_by = REQUEST
  for _, quota in ipairs(server.quotas) do
    if quota.remaining == 0 then
      budget.closed_by = quota.dimension
      break
    end
  end
end

local function settle(ticket, refused, server)
  local flight = land(ticket)
  local left = flight and flight.left or now
  if #server.quotas > 0 then hear_all(server.quotas, server.server_time, left, refused) end
  if refused then refuse(server, left) else accept(left) end
end

local function reserve(costs, lease)
  if lease then expire() end
  local found = closed() or short(costs)
  if found then return found end
  pace_leave()
  budget.issued = budget.issued + 1
  budget.flights[string.format('%d', budget.issued)] = {left = now, costs = costs, expires = lease and now + lease}
  for dimension, cost in pairs(costs) do budget.flying[dimension] = (budget.flying[dimension] or 0) + cost end
  return budget.issued
end

-- what was asked

local function told_quotas()
  local quotas = {}
  for at = 8, #ARGV, 4 do
    local limit, remaining, reset = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    table.insert(quotas, {dimension = ARGV[at], limit = limit, remaining = remaining, reset = reset})
  end
  return quotas
end

local answer
if action == 'reserve' then
  local costs = {}
  for at = 4, #ARGV, 2 do costs[ARGV[at]] = tonumber(ARGV[at + 1]) end
  answer = reserve(costs, tonumber(ARGV[3]))
elseif action == 'settle' then
  local jitter, server_time, retry_after = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
  local quotas = told_quotas()
  settle(ARGV[3], ARGV[4] == '1', {jitter = jitter, server_time = server_time, retry_after = retry_after, quotas = quotas})
else
  release(ARGV[3], ARGV[4] == '1')
end

redis.call('HSET', key, category, cjson.encode(budget))
redis.call('EXPIRE', key, KEPT)
if type(answer) ~= 'table' then return answer end
local function written(number) return number and string.format('%.17g', number) or '' end
return {written(answer.seconds), answer.certain and '1' or '0', answer.dimension, written(answer.limit)}
