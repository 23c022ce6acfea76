-- The store's clock, in microseconds: what application servers believe the time to be does not matter.

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
