/**
 * The scripts of a part of the registry. Each begins with the same functions; `base` is what the part's keys begin with (see registry-keys.ts), and
 * the one key that a script is given decides the slot.
 */
import { CLOCK_LUA, GRACE_MS } from './clock-lua.ts'
import { ID_LENGTH } from './registry-keys.ts'
import type { RedisScript } from './redis-connection.ts'

/** Of one part. */
const MAX_RELAYS = 1024
const REAP = { register: 16, full: 256 }

const COMMON = `${CLOCK_LUA}
local function count (base, label, change)
  if call('HINCRBY', base .. 'cnt', label, change) <= 0 then
    call('HDEL', base .. 'cnt', label)
  end
end

local function unlist (base, id, lists)
  for _, model in ipairs(lists.l) do
    call('ZREM', base .. 'm:' .. model[1], id)
    if tonumber(call('ZINCRBY', base .. 'top', -1, model[2])) <= 0 then
      call('ZREM', base .. 'top', model[2])
    end
  end
  for _, model in ipairs(lists.w) do
    call('ZREM', base .. 'w:' .. model, id)
  end
  if lists.r then
    call('ZREM', base .. 'rest', id)
  end
  if lists.y then
    call('ZREM', base .. 'relay', id)
  end
end

local function drop (base, id)
  local listing = call('HGET', base .. 'r:' .. id, 'm')
  if not listing then
    return false
  end
  local lists = cjson.decode(listing)
  unlist(base, id, lists)
  call('ZREM', base .. 'all', id)
  if call('ZREM', base .. 'exp', id .. lists.t) == 1 then
    count(base, lists.t, -1)
  end
  call('DEL', base .. 'r:' .. id)
  return true
end

-- Forgets those whose life is over, the first of them; how many.
local function reap (base, now, budget)
  local over = call('ZRANGEBYSCORE', base .. 'exp', '-inf', string.format('%.0f', now), 'LIMIT', 0, budget)
  for _, member in ipairs(over) do
    local id = string.sub(member, 1, ${ID_LENGTH})
    local expires = call('HGET', base .. 'r:' .. id, 'e')
    if expires and tonumber(expires) <= now then
      drop(base, id)
    end
    -- left over from one whose record has gone by itself, or that has a newer entry
    if call('ZREM', base .. 'exp', member) == 1 then
      count(base, string.sub(member, ${ID_LENGTH + 1}), -1)
    end
    if not expires then
      call('ZREM', base .. 'all', id)
    end
  end
  return #over
end
`

function script (name: string, lua: string): RedisScript {
  return { name: `skein${name}`, lua: `${COMMON}${lua}` }
}

/** `base id now seq expires place columns envelope listing limit` → `[outcome, renewed, size]`, `['replayed', seq]` or `[refusal]`. */
export const REGISTER = script('Register', `
local base, id, now = ARGV[1], ARGV[2], nowOf(ARGV[3])
local seq, expires, place, listing = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[9]
local rec = base .. 'r:' .. id

local function keep (key, ttl)
  call('PEXPIRE', key, ttl)
end

if expires <= now then
  return { 'expired' }
end
reap(base, now, ${REAP.register})
local old = call('HMGET', rec, 's', 'e', 'm', 'c')
local live = old[1] and tonumber(old[2]) > now
if live and seq <= tonumber(old[1]) then
  return { 'replayed', old[1] }
end
-- it has registered in another part since: this one was on its way for long
local gone = call('GET', base .. 'g:' .. id)
if gone then
  local newer, ends = string.match(gone, '^(%d+) (%d+)$')
  if tonumber(ends) > now and seq <= tonumber(newer) then
    return { 'replayed', newer }
  end
end
if not old[1] and call('ZCARD', base .. 'all') >= tonumber(ARGV[10]) then
  reap(base, now, ${REAP.full})
  if call('ZCARD', base .. 'all') >= tonumber(ARGV[10]) then
    return { 'full' }
  end
end

local columns = ARGV[7]
-- a round trip that was not measured this time is as it was before
if old[4] and string.byte(columns, 27) == 0 then
  columns = string.sub(columns, 1, 26) .. string.sub(old[4], 27, 27) .. string.sub(columns, 28)
end
-- the first command that needs memory: where Redis has none left, nothing was changed yet
call('HSET', rec, 's', ARGV[4], 'e', ARGV[5], 'c', columns, 'v', ARGV[8], 'm', listing)
local ttl = string.format('%.0f', expires - now + ${GRACE_MS})
keep(rec, ttl)
local lists = cjson.decode(listing)
local changed = old[3] ~= listing
if old[3] and changed then
  local before = cjson.decode(old[3])
  unlist(base, id, before)
  if before.t ~= lists.t and call('ZREM', base .. 'exp', id .. before.t) == 1 then
    count(base, before.t, -1)
  end
end
if call('ZADD', base .. 'exp', ARGV[5], id .. lists.t) == 1 then
  count(base, lists.t, 1)
end
if changed then
  call('ZADD', base .. 'all', place, id)
  for _, model in ipairs(lists.l) do
    call('ZADD', base .. 'm:' .. model[1], place, id)
    call('ZINCRBY', base .. 'top', 1, model[2])
  end
  for _, model in ipairs(lists.w) do
    call('ZADD', base .. 'w:' .. model, place, id)
  end
  if lists.r then
    call('ZADD', base .. 'rest', place, id)
  end
  if lists.y and call('ZCARD', base .. 'relay') < ${MAX_RELAYS} then
    call('ZADD', base .. 'relay', lists.y.share, id)
  end
end
for _, key in ipairs({ 'exp', 'all', 'cnt', 'top', 'rest', 'relay' }) do
  keep(base .. key, ttl)
end
for _, model in ipairs(lists.l) do
  keep(base .. 'm:' .. model[1], ttl)
end
for _, model in ipairs(lists.w) do
  keep(base .. 'w:' .. model, ttl)
end
return { 'ok', live and 1 or 0, call('ZCARD', base .. 'all') }
`)

/**
 * `base now budget wanted start from exclusive wrapped asker ram vram tier context price tasks task region model (list check)…` → `[visits, [last,
 * ended, id, place, columns, envelope, …] …]`: of each list those who fit, in the order of the ring, until there are enough.
 */
export const WALK = script('Walk', `
local base, now, budget, wanted, start = ARGV[1], nowOf(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local asker = ARGV[9]
local minRam, minVram, maxTier, minContext, maxPrice, tasks = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]),
  tonumber(ARGV[14]), tonumber(ARGV[15])
local task, region, model = ARGV[16], ARGV[17], ARGV[18]
local visits = 0

local function hasName (columns, name)
  for at = 28, #columns, 4 do
    if string.sub(columns, at, at + 3) == name then
      return true
    end
  end
  return false
end

local function fits (columns, checkModel)
  local ram, vram, context, price, _, tier, bits = struct.unpack('>I4I4I4I4I2BB', columns)
  return ram >= minRam and vram >= minVram and tier <= maxTier and context >= minContext and price <= maxPrice and
    (tasks == 0 or bit.band(bits, tasks) ~= 0) and (task == '' or hasName(columns, task)) and
    (region == '' or string.sub(columns, 23, 26) == region) and (not checkModel or hasName(columns, model))
end

local function walk (key, from, exclusive, wrapped, checkModel)
  local block = { '', 0 }
  local found = 0
  while found < wanted and visits < budget do
    local most = math.min(64, budget - visits, wanted - found)
    local members = call('ZRANGEBYSCORE', key, (exclusive and '(' or '') .. from, wrapped and '(' .. start or '+inf', 'WITHSCORES', 'LIMIT', 0, most)
    for i = 1, #members, 2 do
      local id = members[i]
      visits = visits + 1
      local rec = call('HMGET', base .. 'r:' .. id, 'e', 'c', 'v')
      from, exclusive = members[i + 1], true
      if not rec[1] then
        call('ZREM', key, id)
      elseif id ~= asker and tonumber(rec[1]) > now and fits(rec[2], checkModel) then
        found = found + 1
        block[#block + 1], block[#block + 2], block[#block + 3], block[#block + 4] = id, members[i + 1], rec[2], rec[3]
      end
      block[1] = from
    end
    if #members < 2 * most then
      if wrapped then
        block[2] = 1
        return block, found
      end
      from, exclusive, wrapped = '-inf', false, true
    end
  end
  return block, found
end

local answer = { 0 }
local total = 0
for i = 19, #ARGV, 2 do
  local block, found
  if i == 19 then
    block, found = walk(base .. ARGV[i], ARGV[6], ARGV[7] == '1', ARGV[8] == '1', ARGV[i + 1] == '1')
  else
    block, found = walk(base .. ARGV[i], start, false, false, ARGV[i + 1] == '1')
  end
  answer[#answer + 1] = block
  total = total + found
  if block[2] == 0 or total >= wanted then
    break
  end
end
answer[1] = visits
return answer
`)

/** `base now draw…` → `[id, columns, envelope, …]`, one for each number of 32 bits; without a draw all, as far as they are few. */
export const SAMPLE = script('Sample', `
local base, now = ARGV[1], nowOf(ARGV[2])
local ids, seen, answer = {}, {}, {}
if #ARGV == 2 then
  ids = call('ZRANGE', base .. 'all', 0, 255)
end
local size = call('ZCARD', base .. 'all')
for i = 3, #ARGV do
  local at = math.floor(tonumber(ARGV[i]) * size / 4294967296)
  ids[#ids + 1] = call('ZRANGE', base .. 'all', at, at)[1]
end
for _, id in ipairs(ids) do
  if not seen[id] then
    seen[id] = true
    local rec = call('HMGET', base .. 'r:' .. id, 'e', 'c', 'v')
    if rec[1] and tonumber(rec[1]) > now then
      answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = id, rec[2], rec[3]
    end
  end
end
return answer
`)

/** `base id now` → `[expires, envelope]` or nothing. */
export const GET = script('Get', `
local rec = call('HMGET', ARGV[1] .. 'r:' .. ARGV[2], 'e', 'v')
if rec[1] and tonumber(rec[1]) > nowOf(ARGV[3]) then
  return { rec[1], rec[2] }
end
return {}
`)

/** `base now wanted` → `[id, JSON, envelope, …]` of the relays with the most room. */
export const RELAYS = script('Relays', `
local base, now, wanted = ARGV[1], nowOf(ARGV[2]), tonumber(ARGV[3])
local answer = {}
for _, id in ipairs(call('ZRANGEBYSCORE', base .. 'relay', '-inf', '(1', 'LIMIT', 0, 64)) do
  local rec = call('HMGET', base .. 'r:' .. id, 'e', 'm', 'v')
  if not rec[1] then
    call('ZREM', base .. 'relay', id)
  elseif tonumber(rec[1]) > now and #answer < 3 * wanted then
    answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = id, rec[2], rec[3]
  end
end
return answer
`)

/**
 * `base id now seq expires`: forgets a registration; with a `seq` only an older one, and then none up to that `seq` is taken for as long as the newer
 * one lives → `[was there, size]`.
 */
export const LEAVE = script('Leave', `
local base, id, now = ARGV[1], ARGV[2], nowOf(ARGV[3])
local seq = call('HGET', base .. 'r:' .. id, 's')
if ARGV[4] == '' then
  call('DEL', base .. 'g:' .. id)
  drop(base, id)
else
  local gone = call('GET', base .. 'g:' .. id)
  if tonumber(ARGV[5]) > now and not (gone and tonumber(string.match(gone, '^%d+')) > tonumber(ARGV[4])) then
    call('SET', base .. 'g:' .. id, ARGV[4] .. ' ' .. ARGV[5], 'PX', string.format('%.0f', tonumber(ARGV[5]) - now))
  end
  if seq and tonumber(seq) < tonumber(ARGV[4]) then
    drop(base, id)
  end
end
return { seq and 1 or 0, call('ZCARD', base .. 'all') }
`)

/** → label, count, … */
export const TALLY = script('Tally', `
return call('HGETALL', KEYS[1])
`)

/** `base now budget` → `[forgotten, size]`. */
export const SWEEP = script('Sweep', `
return { reap(ARGV[1], nowOf(ARGV[2]), tonumber(ARGV[3])), call('ZCARD', ARGV[1] .. 'all') }
`)
