import { expect } from 'chai'
import fc from 'fast-check'
import { ConnectionAdmission } from '../../src/admission/connection-admission.ts'
import { isHeapShort } from '../../src/admission/heap-pressure.ts'
import { inNetworks, parseNetwork } from '../../src/node/trusted-networks.ts'
import type { AdmissionEffect, ConnectionVerdict } from '../../src/admission/connection-admission.ts'
import type { ConnectionKind, ConnectionLimits } from '../../src/admission/connection-limits.ts'

const T = 1_000_000

function answerOf (verdict: ConnectionVerdict): string {
  return verdict.admitted ? 'admitted' : verdict.reason
}

function effects (admission: ConnectionAdmission): AdmissionEffect[] {
  const all: AdmissionEffect[] = []
  for (let effect = admission.poll(); effect !== undefined; effect = admission.poll()) {
    all.push(effect)
  }
  return all
}

describe('the admission of connections', () => {
  /** What is answered to so many connections, all at once, that are established at once. */
  function answers (admission: ConnectionAdmission, addresses: string[], kind: ConnectionKind = 'tcp', nowMs = T): string[] {
    return addresses.map(address => {
      const verdict = admission.onAccepted(address, kind, nowMs)
      if (verdict.admitted) {
        admission.onEstablished(verdict.id)
      }
      return answerOf(verdict)
    })
  }

  const many = (count: number, address: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => address(i))
  const cases: Array<[name: string, addresses: string[], kind: ConnectionKind, admitted: number, reason: string]> = [
    ['8 of an IPv4 address', many(20, () => '192.0.2.1'), 'tcp', 8, 'address'],
    ['32 of an IPv4 address over WebSocket', many(40, () => '192.0.2.1'), 'websocket', 32, 'address'],
    ['32 of an IPv4 address at the HTTP port', many(40, () => '192.0.2.1'), 'http', 32, 'address'],
    ['8 of an IPv6 /56', many(20, i => `2001:db8:0:${i}::1`), 'tcp', 8, 'address'],
    ['8 of an IPv4 address that comes over IPv6', many(20, i => i % 2 === 0 ? '::ffff:192.0.2.1' : '192.0.2.1'), 'tcp', 8, 'address'],
    ['64 of an IPv4 /24', many(100, i => `192.0.2.${i}`), 'tcp', 64, 'network'],
    ['64 of an IPv6 /48', many(100, i => `2001:db8:0:${(i * 256).toString(16)}::1`), 'tcp', 64, 'network']
  ]
  for (const [name, addresses, kind, admitted, reason] of cases) {
    it(`takes ${name}`, () => {
      const given = answers(new ConnectionAdmission(), addresses, kind)
      expect(given.filter(answer => answer === 'admitted')).to.have.length(admitted)
      expect(new Set(given.slice(admitted))).to.deep.equal(new Set([reason]))
    })
  }

  it('takes another as soon as one is closed, and counts a second close for nothing', () => {
    const admission = new ConnectionAdmission()
    const ids = many(8, () => '192.0.2.1').map(address => admission.onAccepted(address, 'tcp', T))
    const [first] = ids as Array<{ id: number }>
    admission.onClosed(first?.id ?? -1)
    admission.onClosed(first?.id ?? -1)
    expect(answers(admission, ['192.0.2.1', '192.0.2.1'])).to.deep.equal(['admitted', 'address'])
  })

  /** Connections that are closed as soon as they are taken. */
  function inAndOut (admission: ConnectionAdmission, addresses: string[], nowMs: number): string[] {
    return addresses.map(address => {
      const verdict = admission.onAccepted(address, 'tcp', nowMs)
      if (verdict.admitted) {
        admission.onClosed(verdict.id)
      }
      return answerOf(verdict)
    })
  }

  it('takes 32 new ones of an address at once, then 2 a second, and those of its neighbours all the while', () => {
    const admission = new ConnectionAdmission()
    const spam = inAndOut(admission, many(100, () => '192.0.2.1'), T)
    expect(spam.filter(answer => answer === 'admitted')).to.have.length(32)
    expect(spam.at(-1)).to.equal('address_rate')
    expect(inAndOut(admission, many(5, () => '192.0.2.1'), T + 1_000)).to.deep.equal(['admitted', 'admitted', ...many(3, () => 'address_rate')])
    expect(inAndOut(admission, ['192.0.2.2'], T + 1_000)).to.deep.equal(['admitted'])
  })

  it('takes 64 new ones of a network at once, then 8 a second', () => {
    const admission = new ConnectionAdmission()
    const spam = inAndOut(admission, many(200, i => `192.0.2.${i}`), T)
    expect(spam.filter(answer => answer === 'admitted')).to.have.length(64)
    expect(spam.at(-1)).to.equal('network_rate')
    expect(inAndOut(admission, many(20, i => `192.0.2.${i}`), T + 1_000).filter(answer => answer === 'admitted')).to.have.length(8)
    expect(inAndOut(admission, ['198.51.100.1'], T)).to.deep.equal(['admitted'])
  })

  it('keeps a tenth of its places for trusted networks, which have no other limit', () => {
    const admission = new ConnectionAdmission({ maxConnections: 20, maxPerNetwork: 100, maxPerAddress: { tcp: 100 } }, inNetworks(['10.0.0.0/8']))
    expect(answers(admission, many(20, () => '192.0.2.1'))).to.deep.equal([...many(18, () => 'admitted'), 'full', 'full'])
    admission.onOverload(true)
    expect(answers(admission, ['192.0.2.1', ...many(3, () => '10.1.2.3')])).to.deep.equal(['overload', 'admitted', 'admitted', 'full'])
  })

  it('gives up a handshake after 10 s', () => {
    const admission = new ConnectionAdmission()
    const [slow, quick] = [0, 1].map(i => admission.onAccepted(`192.0.2.${i}`, 'tcp', T + i)) as Array<{ id: number }>
    admission.onEstablished(quick?.id ?? -1)
    expect(admission.nextTimeoutMs()).to.equal(T + 10_000)
    admission.onTimeout(T + 9_999)
    expect(effects(admission)).to.deep.equal([])
    admission.onTimeout(T + 10_001)
    expect(effects(admission)).to.deep.equal([{ type: 'close', id: slow?.id, reason: 'handshake_timeout' }])
    expect(admission.nextTimeoutMs()).to.equal(undefined)
  })

  it('lets the oldest of 256 handshakes yield to a newcomer once it has had 2 s, and refuses the newcomer before', () => {
    const admission = new ConnectionAdmission()
    for (let i = 0; i < 256; i++) {
      expect(admission.onAccepted(`10.${i}.0.1`, 'tcp', T + i).admitted).to.equal(true)
    }
    expect(answerOf(admission.onAccepted('192.0.2.1', 'tcp', T + 1_999))).to.equal('pending')
    expect(answerOf(admission.onAccepted('192.0.2.1', 'tcp', T + 2_000))).to.equal('admitted')
    expect(effects(admission)).to.deep.equal([{ type: 'close', id: 0, reason: 'handshake_yielded' }])
    expect(admission.pendingSize).to.equal(256)
  })

  it('lets one of the network with the most handshakes yield at once to a newcomer from another network', () => {
    const admission = new ConnectionAdmission({ maxPerAddress: { tcp: 64 } })
    for (let i = 0; i < 256; i++) {
      expect(admission.onAccepted(`10.${i % 4}.0.1`, 'tcp', T + i).admitted).to.equal(i < 128)
    }
    for (let i = 0; i < 128; i++) {
      expect(admission.onAccepted(`10.${i % 4}.0.2`, 'tcp', T + 256).admitted).to.equal(true)
    }
    expect(admission.pendingSize).to.equal(256)
    expect(answerOf(admission.onAccepted('192.0.2.1', 'tcp', T + 257))).to.equal('admitted')
    expect(effects(admission).map(({ reason }) => reason)).to.deep.equal(['handshake_yielded'])
    expect(admission.pendingSize).to.equal(256)
  })

  it('never holds more than its limits, whatever happens in whatever order', () => {
    const limits: ConnectionLimits = { maxPerAddress: { tcp: 2 }, maxPerNetwork: 4, maxPending: 3, maxConnections: 10, yieldAfterMs: 50, handshakeTimeoutMs: 100 }
    const step = fc.oneof(
      fc.record({ do: fc.constant('accept' as const), net: fc.nat(3), host: fc.nat(2) }),
      fc.record({ do: fc.constantFrom('close' as const, 'establish' as const), which: fc.nat(20) }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.nat(80) })
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const admission = new ConnectionAdmission(limits)
      const open = new Map<number, string>()
      let nowMs = T
      for (const each of steps) {
        if (each.do === 'accept') {
          const address = `10.0.${each.net}.${each.host}`
          const verdict = admission.onAccepted(address, 'tcp', nowMs)
          if (verdict.admitted) {
            open.set(verdict.id, address)
          }
        } else if (each.do === 'wait') {
          nowMs += each.ms
          admission.onTimeout(nowMs)
        } else {
          const id = [...open.keys()][each.which % Math.max(1, open.size)] ?? -1
          if (each.do === 'close') {
            open.delete(id)
            admission.onClosed(id)
          } else {
            admission.onEstablished(id)
          }
        }
        for (const { id } of effects(admission)) {
          open.delete(id)
          admission.onClosed(id)
        }
        const count = (part: (address: string) => string): number[] =>
          [...Map.groupBy(open.values(), part).values()].map(({ length }) => length)
        expect(Math.max(0, ...count(address => address))).to.be.at.most(2)
        expect(Math.max(0, ...count(address => address.split('.')[2] as string))).to.be.at.most(4)
        expect(admission.pendingSize).to.be.at.most(3)
        expect(admission.size).to.equal(open.size).and.at.most(9)
      }
    }), { seed: 7 })
  })
})

describe('trusted networks', () => {
  const cases: Array<[networks: string[], address: string, inside: boolean]> = [
    [['127.0.0.0/8'], '127.9.9.9', true], [['127.0.0.0/8'], '::ffff:127.0.0.1', true], [['127.0.0.0/8'], '128.0.0.1', false], [['::1/128'], '::1', true],
    [['10.0.0.0/8', 'fd00::/8'], 'fd12::1', true], [['fd00::/8'], 'fe80::1%eth0', false], [['192.0.2.7'], '192.0.2.7', true], [['192.0.2.7'], '192.0.2.8', false],
    [[], '127.0.0.1', false], [['0.0.0.0/0'], '::1', false], [['127.0.0.0/8'], '', false]
  ]
  for (const [networks, address, inside] of cases) {
    it(`${address || 'no address'} is ${inside ? '' : 'not '}in ${networks.join(', ') || 'none'}`, () => {
      expect(inNetworks(networks)(address)).to.equal(inside)
    })
  }

  for (const text of ['', '10.0.0.0/33', '10.0.0/8', 'a/8', '10.0.0.0/8/8', '10.0.0.0/', '::1/129', '10.0.0.0/-1', '10.0.0.0/1e1']) {
    it(`are not ${JSON.stringify(text)}`, () => {
      expect(parseNetwork(text)).to.equal(undefined)
      expect(() => inNetworks([text])).to.throw(TypeError, /write it as/)
    })
  }
})

describe('a heap that is short', () => {
  const cases: Array<[usedBytes: number, was: boolean, short: boolean]> = [[70, false, false], [71, false, true], [61, true, true], [60, true, false]]
  for (const [usedBytes, was, short] of cases) {
    it(`is ${short ? '' : 'not '}one that is ${usedBytes} % full and was ${was ? '' : 'not '}short before`, () => {
      expect(isHeapShort({ usedBytes, limitBytes: 100 }, was)).to.equal(short)
    })
  }
})
