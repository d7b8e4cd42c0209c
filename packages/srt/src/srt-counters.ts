/** What is counted of a connection since it began; named as in libsrt. */

const NAMES = [
  'pktSent', 'pktRecv', 'pktSentUnique', 'pktRecvUnique', 'pktSndLoss', 'pktRcvLoss', 'pktRetrans', 'pktRcvRetrans',
  'pktSentACK', 'pktRecvACK', 'pktSentNAK', 'pktRecvNAK', 'pktSndDrop', 'pktRcvDrop', 'pktRcvUndecrypt', 'pktRcvBelated',
  'byteSent', 'byteRecv', 'byteSentUnique', 'byteRecvUnique', 'byteRcvLoss', 'byteRetrans', 'byteSndDrop', 'byteRcvDrop', 'byteRcvUndecrypt',
  'byteRcvBelated'
] as const

export type CounterName = typeof NAMES[number]
export type SrtCounters = Record<CounterName, number>

export function newCounters (): SrtCounters {
  return Object.fromEntries(NAMES.map(name => [name, 0])) as SrtCounters
}

/** What came since an earlier copy. */
export function countersSince (now: SrtCounters, before: SrtCounters): SrtCounters {
  return Object.fromEntries(NAMES.map(name => [name, now[name] - before[name]])) as SrtCounters
}

export type SrtTotals = { [name in CounterName as `${name}Total`]: number }

export function totalsOf (counters: SrtCounters): SrtTotals {
  return Object.fromEntries(NAMES.map(name => [`${name}Total`, counters[name]])) as SrtTotals
}
