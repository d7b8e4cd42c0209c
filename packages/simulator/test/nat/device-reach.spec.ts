import { expect } from 'chai'
import fc from 'fast-check'
import { pairWays } from '@skein/reachability'
import {
  drawDevice, isRelayOnly, NAT_CLASSES, RandomStream, reachOf, RELAY_MIXES, relayedShare, relayOnlyShare, wayWorks
} from '../../src/index.ts'
import type { Device } from '../../src/index.ts'

const SKILLS = { portMapping: true, webrtc: true }
const device = (nat: Device['nat'], changes: Partial<Device> = {}): Device => ({ nat, isMapped: false, hasIPv6: false, ...changes })
const anyDevice = fc.record({ nat: fc.constantFrom(...NAT_CLASSES), isMapped: fc.boolean(), hasIPv6: fc.boolean() })

describe('what a device can do', () => {
  it('is tried by the rule for pairs, whatever works: no pair is left with a relay for want of a try', () => {
    fc.assert(fc.property(anyDevice, anyDevice, fc.boolean(), (a, b, webrtc) => {
      const skills = { portMapping: true, webrtc }
      const works = pairWays(reachOf(a, skills), reachOf(b, skills)).some(way => wayWorks(way, a, b, true))
      expect(works).to.equal(!isRelayOnly(a, b, true, skills))
    }), { seed: 11, numRuns: 500 })
  })

  it('is the same from either side', () => {
    fc.assert(fc.property(anyDevice, anyDevice, fc.boolean(), (a, b, isLucky) => {
      expect(isRelayOnly(a, b, isLucky, SKILLS)).to.equal(isRelayOnly(b, a, isLucky, SKILLS))
    }), { seed: 12, numRuns: 300 })
  })

  it('is as in the laboratory: the guess of the next port, one mapping for all, IPv6 on both sides', () => {
    const none = { portMapping: false, webrtc: false }
    expect(isRelayOnly(device('symmetric-sequential'), device('port-restricted'), true, none)).to.equal(false)
    expect(isRelayOnly(device('symmetric-sequential'), device('symmetric-sequential'), true, SKILLS)).to.equal(true)
    expect(isRelayOnly(device('symmetric-random'), device('port-restricted'), true, SKILLS)).to.equal(true)
    expect(isRelayOnly(device('symmetric-random'), device('endpoint-independent'), true, none)).to.equal(true)
    expect(isRelayOnly(device('symmetric-random'), device('endpoint-independent'), true, SKILLS)).to.equal(false)
    expect(isRelayOnly(device('udp-blocked'), device('port-restricted'), true, none)).to.equal(false)
    expect(isRelayOnly(device('symmetric-random', { hasIPv6: true }), device('port-restricted'), true, SKILLS)).to.equal(true)
    expect(isRelayOnly(device('symmetric-random', { hasIPv6: true }), device('port-restricted', { hasIPv6: true }), false, SKILLS)).to.equal(false)
    expect(isRelayOnly(device('port-restricted', { isMapped: true }), device('symmetric-random'), false, none)).to.equal(false)
  })
})

describe('mixes of devices', () => {
  for (const { name, population } of RELAY_MIXES) {
    it(`${name}: sums to one, and is drawn as it says`, () => {
      expect(Object.values(population.mix).reduce((a, b) => a + b)).to.be.closeTo(1, 1e-9)
      const random = new RandomStream(5, 901)
      const drawn = Array.from({ length: 20_000 }, (_, i) => drawDevice(population, SKILLS, random, i))
      for (const nat of NAT_CLASSES) {
        expect(drawn.filter(one => one.nat === nat).length / drawn.length, nat).to.be.closeTo(population.mix[nat], 0.015)
      }
      expect(drawn.filter(({ hasIPv6 }) => hasIPv6).length / drawn.length).to.be.closeTo(population.ipv6, 0.015)
    })
  }

  it('of which shares were computed for punching alone relay what was computed, at 63 to 70 % of punches', () => {
    const published = { half: [0.08, 0.12], phones: [0.34, 0.57] } as const
    for (const [name, [least, most]] of Object.entries(published)) {
      const { population: { mix } } = RELAY_MIXES.find(one => one.name === name) as typeof RELAY_MIXES[number]
      const ways = { punching: true, portPrediction: false, birthday: false, tcpOpen: false }
      for (const success of [0.63, 0.7]) {
        expect(relayedShare({ mix, ways, ipv6: 0 }, 1, success), `${name} at ${success}`).to.be.within(least, most)
      }
    }
  })

  it('have fewer callers that nothing but a relay reaches with more providers, port mapping, WebRTC, and better punches', () => {
    for (const { population } of RELAY_MIXES) {
      const share = (providers: number, success = 0.7, skills = SKILLS): number => relayOnlyShare(population, skills, providers, success)
      expect(share(3)).to.be.below(share(1))
      expect(share(5)).to.be.below(share(3))
      expect(share(3, 0.8)).to.be.below(share(3))
      expect(share(3, 0.7, { portMapping: false, webrtc: true })).to.be.at.least(share(3))
      expect(share(3, 0.7, { portMapping: true, webrtc: false })).to.be.at.least(share(3))
    }
  })
})
