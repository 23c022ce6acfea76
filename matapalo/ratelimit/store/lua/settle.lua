-- Twin of `settle` in rules/state.py; ARGV: `SettleArguments` of rules/wire.py. Never creates a value.
-- Debt and permits are changed as of the moment they were last written, so nothing else has to be brought to now.

local taken, bucket, rate, unused = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local lease, step, n = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local s, t = load(KEYS[1], clock())
if not s or taken < s[3] then return 0 end

local changed = false
local p = bucket ~= 0 and section(s, bucket, 5)
if p then
  bucket_credit(s, p, rate, s[2], t, taken, unused)
  changed = true
end
p = lease ~= 0 and section(s, lease, n + 1)
if p and lease_returned(s, p, n, step, s[2], taken) then changed = true end
if not changed then return 0 end
redis.call('SET', KEYS[1], cmsgpack.pack(s), 'KEEPTTL')
return 1
