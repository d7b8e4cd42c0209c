import { expect } from 'chai'
import { Admission, InferenceError } from '../src/index.ts'
import type { AdmissionInit, Place } from '../src/index.ts'

let nonce = 0
const ask = (caller = 'c', id = 'm', maxConcurrent = 2) => ({ caller, nonce: String(nonce++), model: { id, maxConcurrent } })
const place = (admission: Admission, nowMs: number, caller?: string, id?: string, max?: number): Place => {
  const result = admission.admit(ask(caller, id, max), nowMs)
  expect(result).to.not.be.instanceOf(InferenceError)
  return result as Place
}

describe('Admission', () => {
  const bounds: Array<[string, AdmissionInit, Array<[string, string, number]>, [string, string, number]]> = [
    ['a model', {}, [['a', 'm', 2], ['b', 'm', 2]], ['c', 'm', 2]],
    ['the server', { maxConcurrent: 2 }, [['a', 'm', 2], ['b', 'n', 2]], ['c', 'o', 2]],
    ['one caller', { maxConcurrentPerCaller: 2 }, [['a', 'm', 9], ['a', 'n', 9]], ['a', 'o', 9]]
  ]
  for (const [name, init, taken, next] of bounds) {
    it(`says BUSY above the places of ${name}, and not when one is free again`, () => {
      const admission = new Admission(init)
      const places = taken.map(([caller, id, max]) => place(admission, 0, caller, id, max))
      expect(admission.admit(ask(...next), 0)).to.be.instanceOf(InferenceError).and.include({ code: 'busy', retryable: true })
      admission.release(places[0] as Place, true, 10)
      place(admission, 10, ...next)
    })
  }

  it('asks who goes first when a place is free, and tells who found none', () => {
    const asked: Array<[string, string, number]> = []
    const turnedAway: string[] = []
    const admission = new Admission({
      order: {
        mayTake: (caller, model, taken) => {
          asked.push([caller, model, taken])
          return caller !== 'takes'
        },
        onTurnedAway: caller => { turnedAway.push(caller) }
      }
    })
    place(admission, 0, 'gives', 'm', 2)
    expect(admission.admit(ask('takes', 'm', 2), 0)).to.be.instanceOf(InferenceError).and.include({ code: 'busy', retryable: true })
    place(admission, 0, 'gives', 'm', 2)
    admission.admit(ask('gives', 'm', 2), 0)
    expect(asked).to.deep.equal([['gives', 'm', 0], ['takes', 'm', 0.5], ['gives', 'm', 0.5]])
    expect(turnedAway).to.deep.equal(['gives'])
  })

  it('lets another caller and another model in while one is full', () => {
    const admission = new Admission({ maxConcurrentPerCaller: 1 })
    place(admission, 0, 'a', 'm', 1)
    place(admission, 0, 'b', 'n', 1)
    expect(admission.activeOf('m')).to.equal(1)
    expect(admission.active).to.equal(2)
  })

  it('tells when a place should be free, going by recent service times', () => {
    const admission = new Admission({ expectedServiceMs: 2_000 })
    const retryAfterMs = (nowMs: number): number | undefined => (admission.admit(ask('c', 'm', 1), nowMs) as InferenceError).retryAfterMs
    const first = place(admission, 0, 'c', 'm', 1)
    expect(retryAfterMs(500)).to.equal(1_500)
    expect(retryAfterMs(1_950)).to.equal(100) // not less than that
    expect(retryAfterMs(9_000)).to.equal(2_000) // overdue: another mean
    admission.release(first, true, 10_000)
    const second = place(admission, 10_000, 'c', 'm', 1)
    expect(retryAfterMs(11_000)).to.equal(9_000)
    admission.release(second, false, 12_000) // cancelled: tells nothing
    place(admission, 12_000, 'c', 'm', 1)
    expect(retryAfterMs(12_000)).to.equal(10_000)
  })

  it('counts each place once, however often it is released', () => {
    const admission = new Admission()
    const first = place(admission, 0)
    place(admission, 0)
    admission.release(first, true, 1)
    admission.release(first, true, 2)
    expect(admission.active).to.equal(1)
  })

  it('refuses a nonce of the same caller for twice the life of a request, and not of another', () => {
    const admission = new Admission({ maxRequestMs: 1_000 })
    const same = { caller: 'a', nonce: 'n', model: { id: 'm', maxConcurrent: 9 } }
    expect(admission.admit(same, 0)).to.not.be.instanceOf(InferenceError)
    expect(admission.admit(same, 1_999)).to.include({ code: 'invalid_request' })
    expect(admission.admit({ ...same, caller: 'b' }, 1_999)).to.not.be.instanceOf(InferenceError)
    expect(admission.admit(same, 2_000)).to.not.be.instanceOf(InferenceError)
  })
})
