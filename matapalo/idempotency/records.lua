-- One step on the record of one key, atomically, by the clock of this server; the same rule, pure, is in
-- tests/harness/record_rule.py.
--
--   absent  ──begin──────▶ RUNNING(fence, lease)    the caller owns the key and runs the mutation
--   RUNNING ──heartbeat──▶ RUNNING(later lease)     every third of a lease, while the owner lives
--   RUNNING ──complete───▶ DONE(result)             every later begin gets the result
--   RUNNING ──release────▶ absent                   nothing happened: the key is free again
--   RUNNING ──suspend────▶ RUNNING(no lease)        something may have happened: the next begin takes over
--   RUNNING, lease over ──begin──▶ RUNNING(higher fence)
--
-- Only the owner with the newest fence writes: one that was paused past its lease finds that its fence is stale. A fence
-- is the time of its begin, or one more than the one before it, so a released key never gives an old fence out again.
-- Nothing extends expires_at_us: a record lives from the first use of its key, for as long as was promised.
-- KEYS[1] is the record; ARGV[1] the step; the rest belongs to the step. Times are microseconds since the epoch.
-- A record is one string: version, done, attempt, fence, first use, expiry, lease, fingerprint (32 bytes), result.

local VERSION = 1
local HEAD, HEAD_BYTES = '>BBI4I8I8I8I8c32', 70

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function write(record)
  redis.call('SET', KEYS[1], struct.pack(HEAD, VERSION, record.done, record.attempt, record.fence, record.first,
    record.expires, record.lease, record.fingerprint) .. record.result, 'PXAT', math.ceil(record.expires / 1000))
end

local record
local stored = redis.call('GET', KEYS[1])
if stored then
  if string.byte(stored, 1) ~= VERSION or #stored < HEAD_BYTES then
    return ARGV[1] == 'begin' and {'foreign', 0, 0, 0, 0, ''} or 0
  end
  record = {result = string.sub(stored, HEAD_BYTES + 1)}
  local _
  _, record.done, record.attempt, record.fence, record.first, record.expires, record.lease, record.fingerprint =
    struct.unpack(HEAD, stored)
  if record.expires <= now then record = nil end
end

if ARGV[1] == 'begin' then
  local fingerprint, lease, retention, resumes = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'
  local function reply(kind)
    return {kind, record.fence, record.attempt, record.first, record.expires, record.result}
  end
  if not record then
    record = {done = 0, attempt = 1, fence = now, first = now, expires = now + retention, lease = now + lease,
      fingerprint = fingerprint, result = ''}
    write(record)
    return reply('begun')
  end
  if record.fingerprint ~= fingerprint then return {'conflict', 0, 0, 0, 0, ''} end
  if record.done == 1 then return reply('done') end
  if record.lease > now then return reply('busy') end
  if not resumes then return reply('unknown') end
  record.fence = math.max(record.fence + 1, now)
  record.attempt = record.attempt + 1
  record.lease = now + lease
  write(record)
  return reply('resumed')
end

if not record or record.done == 1 or record.fence ~= tonumber(ARGV[2]) then return 0 end

if ARGV[1] == 'release' then
  redis.call('DEL', KEYS[1])
  return 1
end
if ARGV[1] == 'heartbeat' then
  record.lease = now + tonumber(ARGV[3])
elseif ARGV[1] == 'complete' then
  record.lease, record.done, record.result = 0, 1, ARGV[3]
elseif ARGV[1] == 'suspend' then
  record.lease = 0
else
  return redis.error_reply('there is no step ' .. ARGV[1])
end
write(record)
return 1
