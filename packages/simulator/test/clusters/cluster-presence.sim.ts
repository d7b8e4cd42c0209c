/** Presence in clusters of many devices: who is where, and that what is received adds up. */
import { MAX_CLUSTER_PEERS, prefixOf, rendezvousOrder, seatEpoch } from '@skein/clusters'
import { expect } from 'chai'
import { ClusterPresence, RandomStream } from '../../src/index.ts'
import type { PresenceRule } from '../../src/index.ts'

const DEVICES = 6_000
const MINUTE_MS = 60_000
const RULE: PresenceRule = {
  joinBytes: 200, leaveBytes: 100, leaseBytes: 0, copies: 5, announcedBytes: 0, memberBytes: 45, loadBytes: 0, loadsPerSecond: 0, questionBytes: 0,
  questionsPerSecond: 0, heartbeatBytes: 0
}

function worldOf (seed: number, online: Uint8Array): { world: ClusterPresence, points: Uint32Array } {
  const random = new RandomStream(seed, 900)
  const points = Uint32Array.from({ length: DEVICES }, (_, device) => random.uint32(device, 0))
  const world = new ClusterPresence({
    devices: DEVICES,
    zones: 3,
    zoneOf: device => device % 3,
    pointOf: device => points[device] as number,
    isEligible: device => device % 4 > 0,
    rule: RULE,
    startMs: 0
  }, device => online[device] === 1)
  return { world, points }
}

describe('presence in clusters', () => {
  it('has each device in the one cluster of its zone and point, through splits and joins, under the first in line', () => {
    const online = new Uint8Array(DEVICES).map((_, device) => device < 2_000 ? 1 : 0)
    const { world, points } = worldOf(1, online)
    const random = new RandomStream(2, 901)
    // grows to all devices, then shrinks to a tenth of them
    for (let minute = 1; minute <= 60; minute++) {
      const wanted = minute <= 30 ? 1 : 0.1
      for (let device = 0; device < DEVICES; device++) {
        const there = random.float(device, minute) < 0.2 ? Number(random.float(device, 1000) < wanted) : online[device]
        if (there !== online[device]) {
          online[device] = there as number
          world.onChange(device, there === 1, minute * MINUTE_MS)
        }
      }
      world.onPeriod(MINUTE_MS, minute * MINUTE_MS)
      if (minute % 5 > 0) {
        continue
      }
      const seen = new Set<number>()
      for (const cluster of world.clusters) {
        expect(cluster.members.length).to.be.at.most(MAX_CLUSTER_PEERS)
        for (const device of cluster.members) {
          seen.add(device)
          expect([device % 3, prefixOf(points[device] as number, cluster.depth)]).to.deep.equal([cluster.zone, cluster.prefix])
        }
      }
      expect(seen.size).to.equal(online.reduce((sum, one) => sum + one, 0))
    }
    expect([world.splits > 0, world.joinsOfClusters > 0]).to.deep.equal([true, true])
    for (const cluster of world.clusters) {
      const candidates = cluster.members.filter(device => device % 4 > 0).map(device => ({ peer: String(device), weight: 1 }))
      const [first] = rendezvousOrder(candidates, world.scopeOf(cluster), seatEpoch(0), String(cluster.coordinator))
      expect(cluster.coordinator).to.equal(first === undefined ? -1 : Number(first.peer))
    }
  })

  it('counts each message once for each member, and the list for who is new', () => {
    const online = new Uint8Array(DEVICES).map((_, device) => device < 600 ? 1 : 0)
    const { world } = worldOf(1, online)
    world.onChange(601, true, 1000) // into the zone of 1, 4, 7, …: 200 are there
    world.onChange(4, false, 2000)
    world.settle(3000)
    const [join, leave] = [RULE.joinBytes * 5, RULE.leaveBytes * 5]
    expect(world.received[1]).to.equal(join + leave)
    expect(world.received[4]).to.equal(join)
    expect(world.received[601]).to.equal(200 * 45 + leave)
    expect(world.received[0]).to.equal(0)
    expect(world.onlineMs[601]).to.equal(2000)
  })
})
