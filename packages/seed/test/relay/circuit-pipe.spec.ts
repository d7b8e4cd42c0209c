import { streamPair } from '@libp2p/utils'
import { expect } from 'chai'
import { CircuitPipe } from '../../src/relay/circuit-pipe.ts'
import type { PaceAnswer } from '../../src/relay/circuit-pipe.ts'
import type { Stream } from '@libp2p/interface'

describe('CircuitPipe', () => {
  interface Ends { near: Stream, far: Stream, source: Stream, destination: Stream, pipe: CircuitPipe, ends: Array<Error | undefined>, counted: string[] }

  async function piped (refuseAfter = Infinity): Promise<Ends> {
    const [[near, source], [destination, far]] = await Promise.all([streamPair(), streamPair()])
    const ends: Array<Error | undefined> = []
    const counted: string[] = []
    const pipe = new CircuitPipe({
      source,
      destination,
      onBytes: (direction, bytes) => {
        counted.push(`${bytes} ${direction}`)
        return counted.length > refuseAfter ? new Error('enough') : undefined
      },
      onEnd: error => { ends.push(error) },
      onStall: () => {}
    })
    return { near, far, source, destination, pipe, ends, counted }
  }

  async function textOf (stream: Stream): Promise<string> {
    let text = ''
    for await (const chunk of stream) {
      text += new TextDecoder().decode(chunk.subarray())
    }
    return text
  }

  async function until (condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  it('carries both directions, counted, to their ends', async () => {
    const { near, far, ends, counted } = await piped()
    const [atFar, atNear] = [textOf(far), textOf(near)]
    near.send(new TextEncoder().encode('question'))
    await near.close()
    expect(await atFar).to.equal('question')
    far.send(new TextEncoder().encode('an answer'))
    await far.close()
    expect(await atNear).to.equal('an answer')
    await until(() => ends.length > 0)
    expect(ends).to.deep.equal([undefined])
    expect(counted).to.deep.equal(['8 to_destination', '9 to_source'])
  })

  it('resets both ends when bytes are not allowed to pass, which then do not', async () => {
    const { near, far, ends } = await piped(0)
    const passed: unknown[] = []
    far.addEventListener('message', ({ data }) => { passed.push(data) })
    near.send(Uint8Array.of(1))
    await until(() => near.status !== 'open' && far.status !== 'open')
    expect([near.status, far.status]).to.deep.equal(['reset', 'reset'])
    expect(passed).to.deep.equal([])
    expect(ends.map(String)).to.deep.equal(['Error: enough'])
  })

  for (const end of ['near', 'far'] as const) {
    it(`passes a reset of the ${end} end on as a reset, not as an orderly end`, async () => {
      const ends = await piped()
      const other = end === 'near' ? ends.far : ends.near
      other.addEventListener('message', () => {})
      ends[end].abort(new Error('gone'))
      await until(() => other.status !== 'open')
      expect(other.status).to.equal('reset')
      expect(ends.ends).to.have.length(1)
    })
  }

  it('says once that it is over, however often it is reset', async () => {
    const { pipe, ends } = await piped()
    pipe.reset(new Error('one'))
    pipe.reset(new Error('two'))
    expect(ends.map(String)).to.deep.equal(['Error: one'])
  })

  describe('with a pace', () => {
    interface Paced { near: Stream, far: Stream, pipe: CircuitPipe, asked: number[], waits: Array<() => void>, ends: Array<Error | undefined> }

    async function paced (answer: (bytes: number) => PaceAnswer): Promise<Paced> {
      const [[near, source], [destination, far]] = await Promise.all([streamPair(), streamPair()])
      const [asked, waits, ends]: [number[], Array<() => void>, Array<Error | undefined>] = [[], [], []]
      const pipe = new CircuitPipe({
        source,
        destination,
        pace: bytes => {
          asked.push(bytes)
          return answer(bytes)
        },
        schedule: (_, task) => {
          waits.push(task)
          return () => { waits.splice(waits.indexOf(task), 1) }
        },
        onBytes: () => undefined,
        onEnd: error => { ends.push(error) },
        onStall: () => {}
      })
      return { near, far, pipe, asked, waits, ends }
    }

    it('asks for pieces of at most 64 KiB and carries all of them, in order and to the end, however often they wait', async () => {
      let turn = 0
      const { near, far, asked, waits, ends } = await paced(() => turn++ % 2 === 0 ? { type: 'wait', waitMs: 5 } : { type: 'pass' })
      const text = Array.from({ length: 40_000 }, (_, i) => i).join(' ')
      const whole = textOf(far)
      near.send(new TextEncoder().encode(text))
      await near.close()
      while (turn < 2 || waits.length > 0) {
        waits.shift()?.()
        await new Promise(resolve => setImmediate(resolve))
      }
      expect(await whole).to.equal(text)
      expect(Math.max(...asked)).to.be.at.most(65_536)
      far.close().catch(() => {})
      for await (const _ of near) { /* to its end */ }
      await until(() => ends.length > 0)
      expect(ends).to.deep.equal([undefined])
    })

    it('is reset when there is nothing more to give, and what waited is thrown away', async () => {
      let asked = 0
      const { near, far, waits } = await paced(() => asked++ === 0 ? { type: 'wait', waitMs: 5 } : { type: 'stop', error: new Error('used up') })
      near.send(Uint8Array.of(1))
      await until(() => waits.length > 0)
      waits.shift()?.()
      await until(() => far.status !== 'open')
      expect(far.status).to.equal('reset')
    })

    it('forgets what it waited for when it is over', async () => {
      const { near, pipe, waits } = await paced(() => ({ type: 'wait', waitMs: 5 }))
      near.send(Uint8Array.of(1))
      await until(() => waits.length > 0)
      pipe.reset(new Error('over'))
      expect(waits).to.deep.equal([])
    })
  })
})
