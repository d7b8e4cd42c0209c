/** Which of its addresses a peer tells when there is room for a few. */

/**
 * The first ones, in their order, without those of this device, which lead others to themselves, unless there are no others; of the places, up to
 * half are for circuit addresses (through a relay) when there are any, each relay's first before any other's second: a peer behind a NAT has
 * interface addresses too, which nobody can dial.
 */
export function toldAddresses (addresses: readonly string[], max: number): string[] {
  const own = addresses.filter(address => relayOf(address) === undefined)
  const reached = own.filter(address => !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address))
  const direct = reached.length > 0 ? reached : own
  const circuits = inTurns(addresses.filter(address => relayOf(address) !== undefined))
  const relayed = circuits.slice(0, Math.max(Math.floor(max / 2), max - direct.length))
  return [...direct.slice(0, max - relayed.length), ...relayed]
}

/** The relay of a circuit address; `undefined` for a direct one. */
function relayOf (address: string): string | undefined {
  const at = address.indexOf('/p2p-circuit')
  return at === -1 ? undefined : /\/p2p\/([^/]+)$/.exec(address.slice(0, at))?.[1] ?? ''
}

function inTurns (circuits: string[]): string[] {
  const turns = new Map<string | undefined, number>()
  return circuits
    .map((address, place) => {
      const turn = turns.get(relayOf(address)) ?? 0
      turns.set(relayOf(address), turn + 1)
      return { address, place, turn }
    })
    .sort((a, b) => a.turn - b.turn || a.place - b.place)
    .map(({ address }) => address)
}
