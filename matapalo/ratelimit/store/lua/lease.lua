-- Twin of rules/lease.py. Both change the ring out[p] .. out[p + n] in place and say whether they could.

local function lease_returned(out, p, n, step, at, taken)
  local age = math.floor(at / step) - math.floor(taken / step)
  if age < 0 or age > n or out[p + age] == 0 then return false end
  out[p + age] = out[p + age] - 1
  return true
end

local function lease_renewed(out, p, n, step, limit, t, taken)
  if not lease_returned(out, p, n, step, t, taken) and window_used(out, p, n) >= limit then return false end
  out[p] = out[p] + 1
  return true
end
