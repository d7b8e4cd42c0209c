import { expect } from 'chai'
import { AnnouncedWindow } from '../src/announced-window.ts'

/** Packets at a steady rate, and round trips of so long. */
function after (packetsPerSecond: number, rttMs: number, socketPackets?: number): AnnouncedWindow {
  const window = new AnnouncedWindow()
  window.socketPackets = socketPackets
  window.onRate(packetsPerSecond / 1_000, 1_000)
  window.onRoundTrip(rttMs, 1_000)
  return window
}

describe('an announced window', () => {
  it('is what the buffer has room for, where nothing is known of the socket', () => {
    expect(after(10_000, 10).packets(8_192, 0)).equal(8_192)
  })

  it('is what the socket holds, and twice what the path holds at the rate that packets come with', () => {
    expect(after(10_000, 100, 500).packets(8_192, 0)).equal(2_500)
    expect(after(10_000, 0.2, 500).packets(8_192, 0)).equal(504)
  })

  it('counts what came after a gap as room, as it is not under way any more', () => {
    const window = after(10_000, 0.2, 500)
    expect(window.packets(8_192, 1_000)).equal(1_000 + window.packets(8_192, 0))
  })

  it('is never more than the buffer has room for, and closes with it', () => {
    const window = after(10_000, 100, 500)
    expect([window.packets(300, 200), window.packets(0, 200)]).deep.equal([300, 0])
  })

  it('is 64 packets at least, however small the socket', () => {
    expect(after(0, 10, 0).packets(8_192, 0)).equal(64)
  })

  it('goes by the shortest round trip of the last 10 s, as longer ones have waited, and forgets it then', () => {
    const window = after(1_000, 10, 100)
    const before = window.packets(8_192, 0)
    window.onRoundTrip(500, 2_000)
    expect(window.packets(8_192, 0)).equal(before)
    window.onRoundTrip(500, 8_000)
    window.onRoundTrip(500, 14_000)
    expect(window.packets(8_192, 0)).greaterThan(100 + 900)
  })
})
