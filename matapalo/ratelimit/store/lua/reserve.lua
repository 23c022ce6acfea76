-- Twin of matapalo/ratelimit/rules/state.py `reserve`. KEYS[1]: the subject's value. ARGV[1]: policies, packed, six numbers each:
-- shape, id, limit, step (microseconds; a bucket's rate), n, mode (0 not asked, 1 enforce, 2 shadow). ARGV[2]: cost.
-- Answers {admitted, moment, (remaining, reset, wait)*}; wait is 0, microseconds, or -1 for never.

local policies, cost = cmsgpack.unpack(ARGV[1]), tonumber(ARGV[2])
local now = clock()
local s, t = load(KEYS[1], now)
local out = advanced(s, policies, t)
local answer, admitted, asked, p, a = {1, t}, true, false, 6, 3

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
  if wait ~= 0 and mode == 1 then admitted = false end
  if mode > 0 then asked = true end
  answer[a], answer[a + 2] = left, wait
  p, a = p + n + 3, a + 3
end

p, a = 6, 3
for i = 1, #policies, 6 do
  local limit, step, n = policies[i + 2], policies[i + 3], policies[i + 4]
  local charge = admitted and policies[i + 5] > 0 and answer[a + 2] == 0
  local reset = 0
  if policies[i] == WINDOW then
    if charge then
      out[p] = out[p] + 1
      answer[a] = answer[a] - 1
    end
    reset = window_reset(out, p, step, n, t)
  else
    if charge then
      out[p] = out[p] + cost * MICRO
      answer[a] = bucket_remaining(out[p], limit)
    end
    reset = bucket_reset(out[p], limit, step)
  end
  if reset > 0 then reset = reset + t - now end
  answer[a + 1] = reset
  p, a = p + n + 3, a + 3
end

if not admitted then
  answer[1] = 0
elseif asked then
  save(KEYS[1], out, policies)
end
return answer
