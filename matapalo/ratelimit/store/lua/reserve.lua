-- Twin of `reserve` in rules/state.py; arguments and result are those of rules/wire.py. Each policy has six numbers:
-- shape, section, limit, step (microseconds; a bucket's rate), n (a section has n + 1 values), mode.
-- Waits and resets are counted from the store's clock, also where it went back.

local policies, cost = cmsgpack.unpack(ARGV[1]), tonumber(ARGV[2])
local now = clock()
local s, t = load(KEYS[1], now)
local out = advanced(s, policies, t)
local result, allowed, counted, p, a = {1, t}, true, false, 6, 3

for i = 1, #policies, 6 do
  local limit, step, n, mode = policies[i + 2], policies[i + 3], policies[i + 4], policies[i + 5]
  local wait, left = 0, 0
  if policies[i] == WINDOW then
    local used = window_used(out, p, n)
    if mode > 0 then wait = window_wait(out, p, limit, step, n, t, used) end
    left = math.max(0, limit - used)
  else
    if mode > 0 then wait = bucket_wait(out[p], limit, step, cost) end
    left = bucket_remaining(out[p], limit)
  end
  if wait > 0 then wait = wait + t - now end
  if wait ~= 0 and mode == 1 then allowed = false end
  if mode > 0 then counted = true end
  result[a], result[a + 2] = left, wait
  p, a = p + n + 3, a + 3
end

p, a = 6, 3
for i = 1, #policies, 6 do
  local limit, step, n = policies[i + 2], policies[i + 3], policies[i + 4]
  local charge = allowed and policies[i + 5] > 0 and result[a + 2] == 0
  local reset = 0
  if policies[i] == WINDOW then
    if charge then
      out[p] = out[p] + 1
      result[a] = result[a] - 1
    end
    reset = window_reset(out, p, step, n, t)
  else
    if charge then
      out[p] = out[p] + cost * MICRO
      result[a] = bucket_remaining(out[p], limit)
    end
    reset = bucket_reset(out[p], limit, step)
  end
  if reset > 0 then reset = reset + t - now end
  result[a + 1] = reset
  p, a = p + n + 3, a + 3
end

if not allowed then
  result[1] = 0
elseif counted then
  save(KEYS[1], out, policies)
end
return result
