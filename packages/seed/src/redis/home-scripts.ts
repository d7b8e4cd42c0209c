/** The scripts of a peer's home, which is one key with "seq|expires|part|network|part before", and of the networks that peers come from. */
import { CLOCK_LUA, GRACE_MS } from './clock-lua.ts'
import type { RedisScript } from './redis-connection.ts'

function home (name: string, lua: string): RedisScript {
  return { name: `skein${name}`, lua: `${CLOCK_LUA}${lua}` }
}

/**
 * The home of a peer: `now seq tag expires network` → `['claimed', live, before]` or `['replayed', seq]`. Who is claimed here may register in that
 * part; so the order of a peer's registrations is decided in one place, whatever its region.
 */
export const CLAIM = home('Claim', `
local now, seq, tag, expires = nowOf(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
if expires <= now then
  return { 'expired' }
end
local before = call('GET', KEYS[1])
local live, left = false, ''
if before then
  local oldSeq, oldEnd, oldTag, _, oldLeft = string.match(before, '^(%d+)|(%d+)|([^|]*)|([^|]*)|(.*)$')
  live = tonumber(oldEnd) > now
  -- the same again in the same part: its record there knows whether it has arrived
  if live and (seq < tonumber(oldSeq) or (seq == tonumber(oldSeq) and tag ~= oldTag)) then
    return { 'replayed', oldSeq }
  end
  left = oldTag ~= tag and oldTag or oldLeft
end
local value = ARGV[2] .. '|' .. ARGV[4] .. '|' .. tag .. '|' .. ARGV[5] .. '|' .. left
call('SET', KEYS[1], value, 'PX', string.format('%.0f', expires - now + ${GRACE_MS}))
return { 'claimed', live and 1 or 0, before or '' }
`)

/** `now seq before`: takes a claim back → 1, or 0 when there is a newer one. */
export const UNCLAIM = home('Unclaim', `
local value = call('GET', KEYS[1])
if value and string.match(value, '^%d+') == ARGV[2] then
  local ends = tonumber(string.match(ARGV[3], '^%d+|(%d+)|') or 0)
  local life = ends - nowOf(ARGV[1])
  if life > 0 then
    call('SET', KEYS[1], ARGV[3], 'PX', string.format('%.0f', life + ${GRACE_MS}))
  else
    call('DEL', KEYS[1])
  end
  return 1
end
return 0
`)

/** `seq network`: another network than was claimed. */
export const ASSIGN = home('Assign', `
local value = call('GET', KEYS[1])
if value and string.match(value, '^%d+') == ARGV[1] then
  call('SET', KEYS[1], (string.gsub(value, '^(%d+|%d+|[^|]*|)[^|]*', function (head) return head .. ARGV[2] end)), 'KEEPTTL')
end
return 0
`)

/** `id now expires limit` → 2 when it was in the network, 1 when there was room, 0 when there is none. */
export const ENTER = home('Enter', `
local id, now, expires = ARGV[1], nowOf(ARGV[2]), tonumber(ARGV[3])
call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
local inside = call('ZSCORE', KEYS[1], id)
if not inside and call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then
  return 0
end
call('ZADD', KEYS[1], ARGV[3], id)
local last = call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
call('PEXPIRE', KEYS[1], string.format('%.0f', tonumber(last[2]) - now + 1000))
return inside and 2 or 1
`)
