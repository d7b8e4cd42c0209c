import { expect } from 'chai'
import { readStreamId, streamEntryProblem, streamIdProblem, streamRole, StreamTable } from '../src/index.ts'
import type { AskedStream } from '../src/index.ts'

describe('stream ids', () => {
  const ASKED: Array<[string, string, AskedStream]> = [
    ['the id of a publisher', 'live_4f2a', { type: 'asked', id: 'live_4f2a' }],
    ['the id of a player', 'play_4F.2-a_', { type: 'asked', id: 'play_4F.2-a_' }],
    ['nothing', '', { type: 'missing' }],
    ['a prefix alone', 'live_', { type: 'malformed' }],
    ['a token alone', '4f2a', { type: 'malformed' }],
    ['a path', 'publish/live/feed1', { type: 'malformed' }],
    ['a token with a space', 'live_4f 2a', { type: 'malformed' }],
    ['a token with an end of line', 'live_4f2a\n', { type: 'malformed' }],
    ['a token of 128 characters', `live_${'a'.repeat(128)}`, { type: 'asked', id: `live_${'a'.repeat(128)}` }],
    ['a token of 129 characters', `live_${'a'.repeat(129)}`, { type: 'malformed' }],
    ['a resource', '#!::r=live_4f2a', { type: 'asked', id: 'live_4f2a' }],
    ['a resource to publish', '#!::m=publish,r=live_4f2a', { type: 'asked', id: 'live_4f2a', mode: 'publisher' }],
    ['a resource to play', '#!::r=play_4f2a,m=request,u=anna', { type: 'asked', id: 'play_4f2a', mode: 'player' }],
    ['a resource for both ways', '#!::r=play_4f2a,m=bidirectional', { type: 'asked', id: 'play_4f2a', mode: 'other' }],
    ['a user without a resource', '#!::u=anna', { type: 'missing' }],
    ['a resource twice', '#!::r=live_a,r=live_b', { type: 'malformed' }],
    ['the syntax with nothing in it', '#!::', { type: 'malformed' }],
    ['the syntax with a foreign resource', '#!::r=camera', { type: 'malformed' }]
  ]
  for (const [name, text, expected] of ASKED) {
    it(`reads ${name}`, () => {
      expect(readStreamId(text)).to.deep.equal(expected)
    })
  }

  it('have the role of their prefix, and no other', () => {
    expect([streamRole('live_a'), streamRole('play_a'), streamRole('stop_a')]).to.deep.equal(['publisher', 'player', undefined])
    expect(streamIdProblem('publisher', 'play_a')).to.contain('live_')
    expect(streamIdProblem('player', 7)).to.contain('play_')
  })
})

describe('a table of streams', () => {
  const entry = (publisher: string, player: string): { publisher: string, player: string, description: string } =>
    ({ publisher, player, description: '' })

  it('has each player once, and a publisher for several', () => {
    const table = new StreamTable()

    expect(table.add(entry('live_a', 'play_1'))).to.equal('free')
    expect(table.add(entry('live_a', 'play_2'))).to.equal('free')
    expect(table.add(entry('live_b', 'play_2'))).to.equal('taken')
    expect(table.publisherOf('play_2')).to.equal('live_a')
    expect(table.hasPublisher('live_b')).to.equal(false)
  })

  it('knows a publisher as long as one player has it', () => {
    const table = new StreamTable()
    table.add(entry('live_a', 'play_1'))
    table.add(entry('live_a', 'play_2'))

    expect(table.remove('play_1')).to.deep.equal(entry('live_a', 'play_1'))
    expect(table.hasPublisher('live_a')).to.equal(true)
    table.remove('play_2')
    expect(table.hasPublisher('live_a')).to.equal(false)
    expect(table.remove('play_2')).to.equal(undefined)
  })

  it('refuses one more than it may have', () => {
    const table = new StreamTable({ maxStreams: 1 })
    table.add(entry('live_a', 'play_1'))

    expect(table.add(entry('live_a', 'play_2'))).to.equal('full')
    expect(table.entries()).to.have.length(1)
  })

  const FIELDS: Array<[string, Record<string, unknown>, string | undefined]> = [
    ['all it needs', { publisher: 'live_a', player: 'play_a' }, undefined],
    ['a description', { publisher: 'live_a', player: 'play_a', description: 'Studio' }, undefined],
    ['no publisher', { player: 'play_a' }, 'publisher'],
    ['no player', { publisher: 'live_a' }, 'player'],
    ['a publisher that is none', { publisher: 'play_a', player: 'play_a' }, 'publisher'],
    ['a player that is a number', { publisher: 'live_a', player: 5 }, 'player'],
    ['a description that is none', { publisher: 'live_a', player: 'play_a', description: {} }, 'description'],
    ['a description that is too long', { publisher: 'live_a', player: 'play_a', description: 'x'.repeat(257) }, 'description']
  ]
  for (const [name, fields, field] of FIELDS) {
    it(`${field === undefined ? 'takes' : `names ${field} in`} an entry with ${name}`, () => {
      expect(streamEntryProblem(fields)?.field).to.equal(field)
    })
  }
})
