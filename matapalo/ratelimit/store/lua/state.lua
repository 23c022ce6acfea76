-- Twin of rules/state.py: the one packed value of a subject, {LAYOUT, at, born, (id, length, values...)*}.

local LAYOUT = 1
local MAX_STEP_BACK = 300000000
local WINDOW, BUCKET = 1, 2

-- The value, or nil when there is none we can read; and the moment to decide at, which never runs backwards.
local function load(key, now)
  local raw = redis.call('GET', key)
  if not raw then return nil, now end
  local ok, s = pcall(cmsgpack.unpack, raw)
  if not ok or type(s) ~= 'table' or s[1] ~= LAYOUT or s[2] - now > MAX_STEP_BACK then return nil, now end
  return s, math.max(now, s[2])
end

-- Where the values of a section begin; nil when it is missing or of another shape.
local function section(s, id, length)
  local i = 4
  while s[i] do
    if s[i] == id then
      if s[i + 1] == length then return i + 2 end
      return nil
    end
    i = i + 2 + s[i + 1]
  end
  return nil
end

-- The value brought to the moment t, with exactly the sections of the policies, in their order.
local function advanced(s, policies, t)
  local at = s and s[2] or t
  local out = {LAYOUT, t, s and s[3] or t}
  for i = 1, #policies, 6 do
    local shape, id, step, n = policies[i], policies[i + 1], policies[i + 3], policies[i + 4]
    local p = s and section(s, id, n + 1)
    out[#out + 1] = id
    out[#out + 1] = n + 1
    if shape == WINDOW then
      window_aged(out, p and s, p, at, t, step, n)
    else
      bucket_aged(out, p and s, p, at, t, step)
    end
  end
  return out
end

-- Written with the life that the value has: until everything in it has left.
local function save(key, out, policies)
  local life, p = 0, 6
  for i = 1, #policies, 6 do
    local step, n = policies[i + 3], policies[i + 4]
    if policies[i] == WINDOW then
      life = math.max(life, step * (n + 1))
    else
      life = math.max(life, out[p] / step)
    end
    p = p + n + 3
  end
  redis.call('SET', key, cmsgpack.pack(out), 'PX', math.ceil(life / 1000) + 1000)
end
