-- Twin of rules/window.py. A ring is the stretch out[p] (newest) .. out[p + n] (oldest); step in microseconds.

local function window_aged(out, s, p0, at, t, step, n)
  local steps = math.min(math.floor(t / step) - math.floor(at / step), n + 1)
  local p = #out
  for i = 1, steps do out[p + i] = 0 end
  for i = steps + 1, n + 1 do out[p + i] = s and s[p0 + i - 1 - steps] or 0 end
end

local function window_used(out, p, n)
  local used = 0
  for i = p, p + n do used = used + out[i] end
  return used
end

local function window_leaves(age, t, step, n)
  return (math.floor(t / step) - age + n + 1) * step
end

local function window_wait(out, p, limit, step, n, t, used)
  local surplus = used + 1 - limit
  if surplus <= 0 then return 0 end
  if limit < 1 then return -1 end
  local age = n + 1
  while surplus > 0 do
    age = age - 1
    surplus = surplus - out[p + age]
  end
  return window_leaves(age, t, step, n) - t
end

local function window_reset(out, p, step, n, t)
  for age = n, 0, -1 do
    if out[p + age] > 0 then return window_leaves(age, t, step, n) - t end
  end
  return 0
end
