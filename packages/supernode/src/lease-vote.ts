/**
 * Which leases a client believes of those that electors name: one voice for each network that answered, and more than half of the voices. A client
 * holds no election of its own: it does not know the candidates. One that asks three networks is misled only by who answers for two of them.
 */
import type { SuperNodeLease } from '@skein/records'

/** What one elector said. */
export interface ElectorAnswer {
  /**
   * Where it was reached, as `systemKey` names it. Electors whose network is not known, as on a LAN, are one voice together.
   */
  network: number | string | undefined
  /** Leases of those that it elects, signatures checked; one a peer */
  leases: SuperNodeLease[]
  /** How many more it sent that were issued in what is the future here */
  future: number
}

export interface NamedLease {
  /** The newest that any of them sent */
  lease: SuperNodeLease
  /** Networks whose electors name this peer, and those that answered */
  named: number
  of: number
}

export interface LeaseVote {
  /** Those that are believed; and those that were given back, which need no vote as nobody else can sign them */
  leases: NamedLease[]
  /** Networks that answered */
  networks: number
  /** Most networks send leases from the future: this clock is slow, and would take old leases for new, so none is believed */
  clockDoubtful: boolean
}

/** Two networks at least must agree where there may be two. */
const MIN_VOICES = 2

/**
 * @param alone no elector of any other network is known: then one network is enough, since there is nobody else to ask
 */
export function voteOnLeases (answers: readonly ElectorAnswer[], alone: boolean): LeaseVote {
  const networks = [...Map.groupBy(answers, ({ network }) => network).values()]
  const ahead = networks.filter(electors => isMore(electors.filter(({ leases, future }) => future > leases.length).length, electors.length)).length
  const clockDoubtful = isMore(ahead, networks.length)
  const needed = networks.length === 1 && alone ? 1 : Math.max(MIN_VOICES, Math.floor(networks.length / 2) + 1)

  const newest = new Map<string, SuperNodeLease>()
  for (const lease of answers.flatMap(({ leases }) => leases)) {
    if (lease.fence > (newest.get(lease.peer)?.fence ?? 0)) {
      newest.set(lease.peer, lease)
    }
  }
  const names = ({ leases }: ElectorAnswer, peer: string): boolean => leases.some(lease => lease.peer === peer)
  const voted = [...newest.values()].map((lease): NamedLease => ({
    lease,
    named: networks.filter(electors => isMore(electors.filter(elector => names(elector, lease.peer)).length, electors.length)).length,
    of: networks.length
  }))
  return {
    leases: voted.filter(({ lease, named }) => lease.withdrawn || (named >= needed && !clockDoubtful)),
    networks: networks.length,
    clockDoubtful
  }
}

function isMore (part: number, all: number): boolean {
  return 2 * part > all
}
