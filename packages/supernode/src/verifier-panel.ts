/** The verifiers of each candidate as an elector sees them: who was drawn, from where they look, and whose reports count. */
import { sharesSystem } from './candidate.ts'
import { PANEL_FACTOR } from './elector-rules.ts'
import { medianVote } from './network-vote.ts'
import type { CandidateShelf, KnownCandidate } from './candidate-shelf.ts'
import type { ElectorRules } from './elector-rules.ts'
import type { VerifierDraw } from './verifier-draw.ts'
import type { SuperNodeReport, VerifiedNetwork } from '@skein/records'

/** A report whose verifier was drawn, and the network that the elector knows it to be in. */
export interface CountedReport {
  report: SuperNodeReport
  network: VerifiedNetwork
}

export interface VerifierPanelInit {
  self: string
  rules: ElectorRules
  draw: VerifierDraw
  shelf: CandidateShelf
  /** Where this elector saw a peer itself */
  networkOfPeer: (peer: string) => VerifiedNetwork | undefined
}

export class VerifierPanel {
  private readonly init: VerifierPanelInit

  constructor (init: VerifierPanelInit) {
    this.init = init
  }

  /**
   * A verifier's place in the lot of a candidate and period, 0 is the first; `undefined` for one that is no volunteer. Those of its own systems are
   * drawn too and their word does not count: if the systems that a candidate says it is in were left out, it would name those it does not want.
   */
  placeOf (candidate: KnownCandidate, verifier: string, atMs: number, nowMs: number): number | undefined {
    const { draw, shelf } = this.init
    if (shelf.get(verifier) === undefined || verifier === candidate.peer) {
      return undefined
    }
    const period = draw.periodOf(candidate.peer, atMs)
    const lot = draw.lotOf(candidate.peer, period, verifier)
    const isBefore = (peer: string): boolean => peer !== candidate.peer && peer !== verifier && draw.lotOf(candidate.peer, period, peer) < lot
    return shelf.live(nowMs).filter(({ peer }) => isBefore(peer)).length
  }

  /**
   * For which time a verifier speaks: now, if it was drawn or may step in for one that was; else that for which it was drawn last, whose word it may
   * take back as long as that counts. `undefined` for one that was not drawn.
   */
  drawnAtMs (candidate: KnownCandidate, { verifier, issuedAtMs }: SuperNodeReport, nowMs: number): number | undefined {
    const { verifiers, reportLifeMs } = this.init.rules
    const place = this.placeOf(candidate, verifier, issuedAtMs, nowMs)
    const beforeMs = candidate.drawnAtMs.get(verifier)
    if (place === undefined || place < verifiers || beforeMs === undefined || nowMs - beforeMs >= reportLifeMs) {
      return place !== undefined && place < PANEL_FACTOR * verifiers ? issuedAtMs : undefined
    }
    return beforeMs
  }

  /**
   * The reports that count: of each period those of the seven that come first in the lot among all that have reported.
   *
   * @param networks where verifiers are, as far as it was found out in the same election
   */
  counted (candidate: KnownCandidate, nowMs: number, networks = new Map<string, VerifiedNetwork[]>()): CountedReport[] {
    const { draw, rules } = this.init
    const reports = this.fresh(candidate, nowMs, networks).map(counted => {
      const { verifier, issuedAtMs } = counted.report
      const period = draw.periodOf(candidate.peer, candidate.drawnAtMs.get(verifier) ?? issuedAtMs)
      return { ...counted, period, lot: draw.lotOf(candidate.peer, period, verifier) }
    })
    return [...Map.groupBy(reports, ({ period }) => period).values()]
      .flatMap(group => group.sort((a, b) => a.lot - b.lot).slice(0, rules.verifiers))
      .map(({ report, network }) => ({ report, network }))
  }

  /** Reports that are not too old, from verifiers that are known to be elsewhere than the candidate. */
  fresh (candidate: KnownCandidate, nowMs: number, networks = new Map<string, VerifiedNetwork[]>()): CountedReport[] {
    const own = { networks: this.networksOf(candidate.peer, networks) }
    return [...candidate.reports.values()].flatMap(report => {
      const saidMs = candidate.drawnAtMs.get(report.verifier) ?? report.issuedAtMs
      const [network] = nowMs - saidMs < this.init.rules.reportLifeMs ? this.networksOf(report.verifier, networks) : []
      return network === undefined || sharesSystem(own, { networks: [network] }) ? [] : [{ report, network }]
    })
  }

  /**
   * Where a peer is: where this elector saw it, else where others reached it whom it saw itself. Never what it says: of the networks of the addresses
   * that a volunteer tells, those count at which it was reached.
   */
  networksOf (peer: string, found = new Map<string, VerifiedNetwork[]>()): VerifiedNetwork[] {
    let networks = found.get(peer)
    if (networks === undefined) {
      networks = this.findNetworks(peer)
      found.set(peer, networks)
    }
    return networks
  }

  /** The networks of a candidate's addresses at which, by most votes of those who reached it, it was reached; or at which this elector did itself. */
  reachedAt (candidate: KnownCandidate, reports: readonly CountedReport[]): VerifiedNetwork[] {
    const reached = reports.filter(({ report }) => report.reachable)
    const own = candidate.reports.get(this.init.self)
    return candidate.networks.filter(({ small }) => {
      const isIn = (report: SuperNodeReport): boolean => report.reachable && report.networks.some(network => network.small === small)
      return (own !== undefined && isIn(own)) ||
        medianVote(reached.map(({ report, network }) => ({ network, value: isIn(report) ? 1 : 0 }))) === 1
    })
  }

  private findNetworks (peer: string): VerifiedNetwork[] {
    const { networkOfPeer, self, shelf } = this.init
    const known = shelf.get(peer)
    if (peer === self) {
      return known?.networks ?? []
    }
    const seen = networkOfPeer(peer)
    if (seen !== undefined) {
      return [seen]
    }
    return known === undefined ? [] : this.reachedAt(known, [...known.reports.values()].flatMap(report => {
      const network = report.verifier === self ? shelf.get(self)?.networks[0] : networkOfPeer(report.verifier)
      return network === undefined ? [] : [{ report, network }]
    }))
  }
}
