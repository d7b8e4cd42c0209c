/** What scripts know of time. */

/** What nobody renews or sweeps any more, for no seed runs, is gone this long after its life has ended, ms. */
export const GRACE_MS = 600_000

/** What each script begins with. */
export const CLOCK_LUA = `
local call = redis.call

-- Whose life is over is decided by the clock of the server, for those of seeds may be wrong; a simulation brings its own.
local function nowOf (given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
`
