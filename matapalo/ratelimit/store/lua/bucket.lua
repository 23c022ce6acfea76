-- Twin of rules/bucket.py. A level is out[p] .. out[p + 4]: debt, low, low_before, since, before. Debts are
-- millionths of a point; the rate is points a second, so millionths a microsecond.

local MICRO = 1000000
local MEMORY = 1000000

local function bucket_aged(out, s, p0, at, t, rate)
  local debt, low, before, since, before_since = 0, 0, 0, t, t
  if s then debt, low, before, since, before_since = s[p0], s[p0 + 1], s[p0 + 2], s[p0 + 3], s[p0 + 4] end
  debt = math.max(0, debt - rate * (t - at))
  low = math.min(low, debt)
  if t - since >= MEMORY then debt, low, before, since, before_since = debt, debt, low, t, since end
  local p = #out
  out[p + 1], out[p + 2], out[p + 3], out[p + 4], out[p + 5] = debt, low, before, since, before_since
end

local function bucket_wait(debt, capacity, rate, cost)
  local missing = debt + (cost - capacity) * MICRO
  if cost <= 0 or missing <= 0 then return 0 end
  if cost > capacity then return -1 end
  return math.ceil(missing / rate)
end

local function bucket_remaining(debt, capacity)
  return math.max(0, math.floor((capacity * MICRO - debt) / MICRO))
end

local function bucket_reset(debt, capacity, rate)
  if debt <= 0 then return 0 end
  local free = capacity * MICRO - debt
  return math.ceil(((bucket_remaining(debt, capacity) + 1) * MICRO - free) / rate)
end

local function bucket_credit(s, p, rate, at, t, taken, unused)
  local low = 0
  if taken >= s[p + 3] then
    low = s[p + 1]
  elseif taken >= s[p + 4] then
    low = math.min(s[p + 1], s[p + 2])
  end
  low = math.min(low, math.max(0, s[p] - rate * (t - at)))
  local surely = unused * MICRO - rate * (t - taken)
  local credit = math.max(0, math.min(unused * MICRO, math.max(low, surely)))
  for i = p, p + 2 do s[i] = math.max(0, s[i] - credit) end
end
