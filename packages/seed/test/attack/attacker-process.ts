/** One attack on a seed, from a process of its own: `attacker-process.ts NAME TARGET`. Says when it is in full swing, and in the end what it saw. */
import { ATTACKS } from './attacks.ts'

export interface AttackTarget {
  /** Multiaddr text of the TCP port */
  address: string
  tcpPort: number
  wsPort: number
  httpPort: number
}

/** What an attacker counted, by name. */
export type AttackReport = Record<string, number>

const [, , name = '', target = '{}'] = process.argv
const report = await ATTACKS[name]?.(JSON.parse(target) as AttackTarget, () => { process.send?.('raging') })
process.send?.(report, () => { process.exit() })
