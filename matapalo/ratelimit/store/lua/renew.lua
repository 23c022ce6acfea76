-- Twin of `renew` in rules/state.py; arguments and result are those of rules/wire.py.

local policies, taken = cmsgpack.unpack(ARGV[1]), tonumber(ARGV[3])
local i = tonumber(ARGV[2]) * 6
local s, t = load(KEYS[1], clock())
if s and taken < s[3] then taken = -1 end
local out = advanced(s, policies, t)
local p = section(out, policies[i + 2], policies[i + 5] + 1)
if not lease_renewed(out, p, policies[i + 5], policies[i + 4], policies[i + 3], t, taken) then return 0 end
save(KEYS[1], out, policies)
return t
