import { expect } from 'chai'
import { EMPTY_STATE, readRelayState, RelayBook } from '../src/index.ts'
import type { RelayBookInit, RelayState } from '../src/index.ts'

describe('the book of a relay', () => {
  let saved: RelayState[]
  let isFull: boolean

  beforeEach(() => {
    saved = []
    isFull = false
  })

  function book (init: Partial<RelayBookInit> = {}): RelayBook {
    let keys = 0
    return new RelayBook({
      state: EMPTY_STATE,
      save: async state => {
        await Promise.resolve()
        if (isFull) {
          throw new Error('no space left')
        }
        saved.push(structuredClone(state))
      },
      makeKey: () => { keys++; return { key: `key-${keys}`, digest: digest(`key-${keys}`) } },
      digest,
      nowMs: () => 1_000.5,
      ...init
    })
  }

  it('has made a change when it is kept', async () => {
    const kept = book()
    expect(await kept.addStream({ publisher: 'live_a', player: 'play_a', description: '' })).to.equal('free')

    expect(saved.at(-1)?.streams).to.deep.equal(kept.streams.entries()).and.to.have.length(1)
    await kept.removeStream('play_a')
    expect(saved.at(-1)?.streams).to.deep.equal(kept.streams.entries()).and.to.have.length(0)
  })

  it('makes no change that cannot be kept', async () => {
    const kept = book()
    await kept.addStream({ publisher: 'live_a', player: 'play_a', description: '' })
    const made = await kept.addKey('one', ['admin'])
    await kept.addKey('two', ['admin'])
    isFull = true
    const failures = await Promise.allSettled([
      kept.addStream({ publisher: 'live_b', player: 'play_b', description: '' }),
      kept.removeStream('play_a'),
      kept.addKey('three', ['read']),
      kept.removeKey(made.type === 'made' ? made.entry.id : '')
    ])

    expect(failures.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected', 'rejected', 'rejected'])
    expect([kept.streams.entries().length, kept.keys.size]).to.deep.equal([1, 2])
    isFull = false
    expect(await kept.addStream({ publisher: 'live_b', player: 'play_b', description: '' })).to.equal('free')
  })

  it('makes changes that come at once one after the other', async () => {
    const kept = book({ maxStreams: 3 })
    const verdicts = await Promise.all([1, 2, 2, 3, 4].map(async number =>
      await kept.addStream({ publisher: 'live_a', player: `play_${number}`, description: '' })))

    expect(verdicts).to.deep.equal(['free', 'free', 'taken', 'free', 'full'])
    expect(saved.map(({ streams }) => streams.length)).to.deep.equal([1, 2, 3])
  })

  it('keeps no key, only its digest, and knows it again', async () => {
    const kept = book()
    const made = await kept.addKey('tool', ['read', 'write'])

    expect(made).to.have.property('key', 'key-1')
    expect(JSON.stringify(saved)).not.to.contain('key-1')
    expect(kept.keyOf('key-1')).to.include({ name: 'tool', createdAtMs: 1_000 })
    expect(kept.keyOf('key-2')).to.equal(undefined)
    expect(book({ state: saved.at(-1) as RelayState }).keyOf('key-1')).to.include({ name: 'tool' })
  })

  it('keeps the last key that can make keys', async () => {
    const kept = book()
    const [admin, other] = [await kept.addKey('admin', ['admin']), await kept.addKey('other', ['write'])]
    const idOf = (made: typeof admin): string => made.type === 'made' ? made.entry.id : ''

    expect(await kept.removeKey(idOf(admin))).to.equal('last-admin')
    expect(await kept.removeKey(idOf(other))).to.equal('removed')
    expect(await kept.removeKey(idOf(other))).to.equal('unknown')
    await kept.addKey('second', ['admin'])
    expect(await kept.removeKey(idOf(admin))).to.equal('removed')
  })

  it('refuses one key more than it may have', async () => {
    const kept = book({ maxKeys: 1 })
    await kept.addKey('one', ['admin'])

    expect(await kept.addKey('two', ['read'])).to.deep.equal({ type: 'full' })
  })

  it('tells of a stream id that was taken back', async () => {
    const revoked: string[] = []
    const kept = book({ onRevoked: ({ player }) => { revoked.push(player) } })
    await kept.addStream({ publisher: 'live_a', player: 'play_a', description: '' })
    await kept.removeStream('play_b')
    await kept.removeStream('play_a')

    expect(revoked).to.deep.equal(['play_a'])
  })
})

describe('the state of a relay', () => {
  const KEY = { id: 'a', name: 'b', permissions: ['admin'], digest: '0'.repeat(64), createdAtMs: 0 }
  const STREAM = { publisher: 'live_a', player: 'play_a', description: '' }
  const CASES: Array<[string, unknown, boolean]> = [
    ['with nothing in it', { streams: [], keys: [] }, true],
    ['with a stream and a key', { streams: [STREAM], keys: [KEY] }, true],
    ['without keys', { streams: [] }, false],
    ['that is none', null, false],
    ['with a stream without a player', { streams: [{ ...STREAM, player: undefined }], keys: [] }, false],
    ['with a stream without a description', { streams: [{ ...STREAM, description: undefined }], keys: [] }, false],
    ['with a stream that is none', { streams: [null], keys: [] }, false],
    ['with a key without a digest', { streams: [], keys: [{ ...KEY, digest: 'x' }] }, false],
    ['with a key of a permission that is none', { streams: [], keys: [{ ...KEY, permissions: ['root'] }] }, false]
  ]
  for (const [name, value, isRight] of CASES) {
    it(`is ${isRight ? 'read' : 'not taken'} ${name}`, () => {
      expect(readRelayState(value) !== undefined).to.equal(isRight)
    })
  }
})

/** 64 hex digits that tell keys apart. */
function digest (key: string): string {
  return Buffer.from(key).toString('hex').padEnd(64, '0')
}
