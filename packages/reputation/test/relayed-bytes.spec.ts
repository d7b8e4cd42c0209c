import { expect } from 'chai'
import fc from 'fast-check'
import { RelayedBytes } from '../src/index.ts'
import type { RelayedBytesEffect } from '../src/index.ts'

const LIMIT = 1_000_000

function drain (machine: RelayedBytes): RelayedBytesEffect[] {
  const effects: RelayedBytesEffect[] = []
  for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
    effects.push(effect)
  }
  return effects
}

const dues = (machine: RelayedBytes): RelayedBytesEffect[] => drain(machine).filter(({ type }) => type === 'due')

describe('the bytes that relays carry', () => {
  it('come due a minute after the last circuit: those that come meanwhile share a receipt', () => {
    const machine = new RelayedBytes()
    machine.onOpened('1', 'relay', LIMIT, 0)
    machine.onClosed('1', LIMIT - 5_000, 10_000)
    machine.onOpened('2', 'relay', LIMIT, 40_000)
    machine.onTimeout(75_000)
    expect(dues(machine)).to.deep.equal([])
    machine.onClosed('2', LIMIT - 7_000, 80_000)
    machine.onTimeout(139_999)
    expect(dues(machine)).to.deep.equal([])
    machine.onTimeout(140_000)
    expect(dues(machine)).to.deep.equal([{ type: 'due', relay: 'relay', bytes: 12_000, durationMs: 140_000 }])
    expect(machine.nextTimeoutMs()).to.equal(undefined)
  })

  it('come due each ten minutes and each 64 MiB of a circuit that stays, each byte once', () => {
    const machine = new RelayedBytes({ periodBytes: 100_000 })
    machine.onOpened('1', 'relay', LIMIT, 0)
    machine.onTimeout(15_000)
    expect(drain(machine)).to.deep.equal([{ type: 'look' }])
    machine.onLeft('1', LIMIT - 150_000, 15_000)
    expect(dues(machine)).to.deep.equal([{ type: 'due', relay: 'relay', bytes: 150_000, durationMs: 15_000 }])
    machine.onLeft('1', LIMIT - 200_000, 30_000)
    machine.onTimeout(615_000)
    expect(dues(machine)).to.deep.equal([{ type: 'due', relay: 'relay', bytes: 50_000, durationMs: 600_000 }])
    machine.onStop(620_000)
    expect(dues(machine)).to.deep.equal([])
  })

  it('are not worth a receipt when a circuit carried nothing but its handshake, and add up', () => {
    const machine = new RelayedBytes()
    machine.onOpened('1', 'relay', LIMIT, 0)
    machine.onLeft('1', LIMIT - 700, 1_000)
    machine.onTimeout(600_000)
    expect(dues(machine)).to.deep.equal([])
    machine.onLeft('1', LIMIT - 1_400, 601_000)
    machine.onStop(700_000)
    expect(dues(machine)).to.deep.equal([{ type: 'due', relay: 'relay', bytes: 1_400, durationMs: 100_000 }])
  })

  it('are each in one receipt of their relay, whatever circuits come and go', () => {
    const step = fc.tuple(fc.constantFrom('open', 'left', 'close', 'time'), fc.nat(3), fc.nat(40_000), fc.nat(200_000))
    fc.assert(fc.property(fc.array(step, { maxLength: 80 }), steps => {
      const machine = new RelayedBytes({ periodBytes: 100_000 })
      const left = new Map<number, number>()
      const carried = new Map<string, number>()
      const due = new Map<string, number>()
      const settle = (): void => {
        for (const effect of drain(machine)) {
          if (effect.type === 'due') {
            due.set(effect.relay, (due.get(effect.relay) ?? 0) + effect.bytes)
          }
        }
      }
      let nowMs = 0
      for (const [what, circuit, bytes, afterMs] of steps) {
        nowMs += afterMs
        const before = left.get(circuit)
        const relay = `relay ${circuit % 2}`
        if (what === 'open' && before === undefined) {
          left.set(circuit, LIMIT)
          machine.onOpened(String(circuit), relay, LIMIT, nowMs)
        } else if (before !== undefined && (what === 'left' || what === 'close')) {
          const now = Math.max(0, before - bytes)
          carried.set(relay, (carried.get(relay) ?? 0) + before - now)
          left.set(circuit, now)
          if (what === 'left') {
            machine.onLeft(String(circuit), now, nowMs)
          } else {
            machine.onClosed(String(circuit), now, nowMs)
            left.delete(circuit)
          }
        }
        machine.onTimeout(nowMs)
        settle()
      }
      machine.onStop(nowMs)
      settle()
      for (const [relay, bytes] of carried) {
        // what is below the smallest receipt may stay out, once for each time that the last circuit went
        expect(bytes - (due.get(relay) ?? 0)).to.be.within(0, 1_023 * steps.length)
        expect(due.get(relay) ?? 0).to.be.at.most(bytes)
      }
    }))
  })
})
