/**
 * The scripts of `RedisSignalBus`. Each touches one key; those of claims `PREFIX:loc:PEER`, a hash of seed to `TOKEN:EXPIRY`, in µs and ms of
 * the clock of Redis. Numbers are written with `%.0f`, for Lua's own way keeps 14 digits.
 */
import { LOCATION_LIFE_MS, MAX_LOCATIONS } from '../signalling/signal-bus.ts'

export interface SignalScript {
  name: string
  lua: string
}

const COMMON = `
local time = redis.call('TIME')
local nowMicros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local nowMs = math.floor(nowMicros / 1000)

local function read (value)
  local token, expiry = string.match(value or '', '^(%d+):(%d+)$')
  return tonumber(token), tonumber(expiry)
end

local function write (seed, token)
  redis.call('HSET', KEYS[1], seed, string.format('%.0f:%.0f', token, nowMs + ${LOCATION_LIFE_MS}))
  redis.call('PEXPIRE', KEYS[1], ${LOCATION_LIFE_MS})
end
`

/** seed, floor → the token: greater than each that is stored, than any before by the clock, and not below the caller's floor. */
export const CLAIM_LOCATION: SignalScript = {
  name: 'skeinSignalClaim',
  lua: `${COMMON}
local token = math.max(nowMicros, tonumber(ARGV[2]))
local others, oldest, oldestToken = 0, nil, nil
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local stored, expiry = read(all[i + 1])
  if stored and stored >= token then
    token = stored + 1
  end
  if all[i] ~= ARGV[1] then
    if not stored or expiry <= nowMs then
      redis.call('HDEL', KEYS[1], all[i])
    else
      others = others + 1
      if not oldestToken or stored < oldestToken then
        oldest, oldestToken = all[i], stored
      end
    end
  end
end
if others >= ${MAX_LOCATIONS} then
  redis.call('HDEL', KEYS[1], oldest)
end
write(ARGV[1], token)
return string.format('%.0f', token)
`
}

/** seed, token → 1 when the claim goes on, 0 when it is not that seed's newest, or not known. */
export const RENEW_LOCATION: SignalScript = {
  name: 'skeinSignalRenew',
  lua: `${COMMON}
local stored, expiry = read(redis.call('HGET', KEYS[1], ARGV[1]))
if stored ~= tonumber(ARGV[2]) or expiry <= nowMs then
  return 0
end
write(ARGV[1], stored)
return 1
`
}

/** seed, token → 1 when the claim is gone, 0 when it was not that seed's newest. */
export const RELEASE_LOCATION: SignalScript = {
  name: 'skeinSignalRelease',
  lua: `${COMMON}
local stored = read(redis.call('HGET', KEYS[1], ARGV[1]))
if stored ~= tonumber(ARGV[2]) then
  return 0
end
return redis.call('HDEL', KEYS[1], ARGV[1])
`
}

/** → seed, token, seed, token, … of the claims that hold. */
export const LOCATE_PEER: SignalScript = {
  name: 'skeinSignalLocate',
  lua: `${COMMON}
local found = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local stored, expiry = read(all[i + 1])
  if stored and expiry > nowMs then
    found[#found + 1] = all[i]
    found[#found + 1] = string.format('%.0f', stored)
  end
end
return found
`
}

/**
 * message → how many connections of the asked node listen to the channel. As a script it has a key, the channel, and in a cluster goes over the
 * same node each time: a plain PUBLISH takes any, and messages overtake each other.
 */
export const PUBLISH_SIGNAL: SignalScript = {
  name: 'skeinSignalPublish',
  lua: `return redis.call('PUBLISH', KEYS[1], ARGV[1])`
}
