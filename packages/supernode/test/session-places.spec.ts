import { expect } from 'chai'
import fc from 'fast-check'
import { SessionPlaces } from '../src/index.ts'
import type { PlaceEffect, SessionAction, SessionPlacesInit, SessionVerdict } from '../src/index.ts'

const NOW_MS = 1_790_000_000_000
const TOKEN = 't'.repeat(32)

function effects (places: SessionPlaces): PlaceEffect[] {
  const all: PlaceEffect[] = []
  for (let effect = places.poll(); effect !== undefined; effect = places.poll()) {
    all.push(effect)
  }
  return all
}

function seated (init: Partial<SessionPlacesInit> = {}): SessionPlaces {
  const places = new SessionPlaces({ capacity: 2, ...init })
  places.onSeat('holding')
  return places
}

function ask (
  places: SessionPlaces, action: SessionAction, { peer = 'ann', network, session = 's', fence = 1, streamToken = TOKEN, nowMs = NOW_MS }: {
    peer?: string, network?: string, session?: string, fence?: number, streamToken?: string, nowMs?: number
  } = {}
): SessionVerdict {
  return places.onRequest({ peer, network }, { action, session, fence, streamToken }, nowMs)
}

const saidBy = (verdict: SessionVerdict): string => verdict.outcome === 'refused' ? verdict.refusal : verdict.outcome

describe('Places for sessions', () => {
  it('are held for five minutes, and let the token in', () => {
    const places = seated()
    expect(ask(places, 'take')).to.deep.equal({
      outcome: 'held', sessionId: 'ann/s', fence: 1, issuedAtMs: NOW_MS, expiresAtMs: NOW_MS + 300_000, leaving: false
    })
    expect(effects(places)).to.deep.equal([{ type: 'admit', sessionId: 'ann/s', streamToken: TOKEN, fence: 1 }])
    expect(places.nextTimeoutMs()).to.equal(NOW_MS + 300_000)
  })

  it('are free when nobody has renewed them, and stay while somebody does', () => {
    const places = seated()
    ask(places, 'take')
    ask(places, 'renew', { nowMs: NOW_MS + 30_000 })
    places.onTimeout(NOW_MS + 300_000)
    expect(places.taken).to.equal(1)
    places.onTimeout(NOW_MS + 330_000)
    expect(places.taken).to.equal(0)
    expect(effects(places).at(-1)).to.deep.equal({ type: 'revoke', sessionId: 'ann/s', fence: 1 })
    expect(saidBy(ask(places, 'renew', { nowMs: NOW_MS + 330_000 }))).to.equal('unknown')
  })

  it('may be asked for again without harm: the same place, and one stream', () => {
    const places = seated()
    expect([ask(places, 'take'), ask(places, 'take')].map(saidBy)).to.deep.equal(['held', 'held'])
    expect(places.taken).to.equal(1)
    expect(effects(places)).to.have.length(1)
  })

  it('tell who leaves that it keeps its place for now, and take nobody new', () => {
    const places = seated()
    ask(places, 'take')
    places.onSeat('leaving')
    expect(ask(places, 'renew')).to.include({ outcome: 'held', leaving: true })
    expect(saidBy(ask(places, 'take', { session: 'other' }))).to.equal('no_seat')
  })

  it('are free again when what carries streams did not take one, and its number is used up', () => {
    const places = seated()
    ask(places, 'take')
    places.onAdmitFailed('ann/s', 1)
    expect(places.taken).to.equal(0)
    expect(saidBy(ask(places, 'take'))).to.equal('stale_fence')
    expect(saidBy(ask(places, 'take', { fence: 2 }))).to.equal('held')
  })

  it('are not taken by a late failure from who has taken them anew', () => {
    const places = seated()
    ask(places, 'take')
    ask(places, 'take', { fence: 2 })
    places.onAdmitFailed('ann/s', 1)
    expect(places.taken).to.equal(1)
  })

  const cases: Array<[string, Partial<SessionPlacesInit>, Array<[SessionAction, Parameters<typeof ask>[2], string]>]> = [
    ['more than there are', {}, [['take', {}, 'held'], ['take', { peer: 'bob' }, 'held'], ['take', { peer: 'eve' }, 'full']]],
    ['more than a client may have', { maxPerOwner: 1 }, [['take', {}, 'held'], ['take', { session: 'x' }, 'too_many'], ['take', { peer: 'bob' }, 'held']]],
    ['more than clients of a network may have', { maxPerNetwork: 1 }, [
      ['take', { network: '192.0.2.0/24' }, 'held'], ['take', { peer: 'bob', network: '192.0.2.0/24' }, 'too_many'], ['take', { peer: 'eve' }, 'held']]],
    ['a number below the one that was heard', {}, [['take', { fence: 5 }, 'held'], ['take', { fence: 4 }, 'stale_fence'], ['give', { fence: 4 }, 'stale_fence']]],
    ['a number that was given back', {}, [['take', {}, 'held'], ['give', {}, 'given'], ['take', {}, 'stale_fence'], ['take', { fence: 2 }, 'held']]],
    ['a number that was given back before it came', {}, [['give', { fence: 7 }, 'given'], ['take', { fence: 7 }, 'stale_fence']]],
    ['another token under the same number', {}, [['take', {}, 'held'], ['take', { streamToken: 'u'.repeat(32) }, 'bad_request']]],
    ['the session of somebody else: it is another one', {}, [['take', {}, 'held'], ['renew', { peer: 'eve' }, 'unknown'], ['give', { peer: 'eve', fence: 9 }, 'given'],
      ['renew', {}, 'held']]],
    ['what is no session', {}, [['take', { session: '' }, 'bad_request'], ['take', { session: 'a/b' }, 'bad_request'], ['take', { session: 's'.repeat(33) }, 'bad_request']]],
    ['what is no token', {}, [['take', { streamToken: 'short' }, 'bad_request'], ['take', { streamToken: 't'.repeat(65) }, 'bad_request']]],
    ['what is no number', {}, [['take', { fence: 0 }, 'bad_request'], ['take', { fence: 2 ** 60 }, 'bad_request']]],
    ['what nobody asks', {}, [['steal' as SessionAction, {}, 'bad_request']]]
  ]
  for (const [name, init, questions] of cases) {
    it(`refuse ${name}`, () => {
      const places = seated(init)
      expect(questions.map(([action, options]) => saidBy(ask(places, action, options)))).to.deep.equal(questions.map(([,, said]) => said))
    })
  }

  it('are never more than there are, whatever is asked, and each is let in by its newest number alone', () => {
    const question = fc.record({
      action: fc.constantFrom<SessionAction>('take', 'renew', 'give'),
      peer: fc.constantFrom('ann', 'bob', 'eve'),
      session: fc.constantFrom('a', 'b'),
      fence: fc.integer({ min: 1, max: 5 }),
      afterMs: fc.integer({ min: 0, max: 200_000 }),
      seat: fc.constantFrom('holding', 'holding', 'holding', 'leaving', 'idle')
    })
    fc.assert(fc.property(fc.array(question, { maxLength: 60 }), questions => {
      const places = seated({ capacity: 3 })
      const inside = new Map<string, number>()
      const highest = new Map<string, number>()
      let nowMs = NOW_MS
      for (const { afterMs, seat, action, ...rest } of questions) {
        nowMs += afterMs
        places.onSeat(seat as 'holding')
        const verdict = ask(places, action, { ...rest, nowMs })
        for (const effect of effects(places)) {
          if (effect.type === 'admit') {
            expect(effect.fence).to.be.greaterThan(highest.get(effect.sessionId) ?? 0)
            inside.set(effect.sessionId, effect.fence)
          } else {
            expect(inside.get(effect.sessionId)).to.be.at.most(effect.fence)
            inside.delete(effect.sessionId)
          }
          highest.set(effect.sessionId, Math.max(effect.fence, highest.get(effect.sessionId) ?? 0))
        }
        if (verdict.outcome === 'held') {
          expect(inside.get(verdict.sessionId)).to.equal(rest.fence)
        }
        expect(inside.size).to.equal(places.taken).and.be.at.most(3)
      }
    }))
  })
})
