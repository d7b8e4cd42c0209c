import { expect } from 'chai'
import { ADMISSION_LIFE_MS, AdmissionBook } from '../../src/admission/admission-book.ts'
import type { AdmissionDrop } from '../../src/index.ts'

describe('the book of those who are admitted', () => {
  function drops (book: AdmissionBook): AdmissionDrop[] {
    return Array.from({ length: 10 }, () => book.poll()).filter(drop => drop !== undefined)
  }

  it('drops one whose evidence is over, and forgets one that has not come for long without dropping it', () => {
    const book = new AdmissionBook(10)
    book.onAdmitted('short', { token: 'x' }, 1_000, 0)
    book.onAdmitted('long', { token: 'x' }, 10 * ADMISSION_LIFE_MS, 0)
    expect(book.nextTimeoutMs()).to.equal(1_000)
    book.onTimeout(1_000)
    expect(drops(book)).to.deep.equal([{ type: 'drop', peer: 'short', reason: 'expired' }])
    expect(book.isAdmitted('short', 1_000)).to.equal(false)
    expect(book.isAdmitted('long', 1_000)).to.equal(true)
    book.onTimeout(ADMISSION_LIFE_MS)
    expect(drops(book)).to.deep.equal([])
    expect(book.size).to.equal(0)
  })

  it('drops one that is refused, once', () => {
    const book = new AdmissionBook(10)
    book.onAdmitted('a', {}, 1_000, 0)
    book.onRefused('a', 'revoked')
    book.onRefused('a', 'revoked')
    expect(drops(book)).to.deep.equal([{ type: 'drop', peer: 'a', reason: 'revoked' }])
  })

  it('drops one earlier whose evidence ends earlier than it did', () => {
    const book = new AdmissionBook(10)
    book.onAdmitted('a', {}, 1_000, 0)
    book.onChecked('a', 500, 100)
    expect(book.nextTimeoutMs()).to.equal(500)
    book.onTimeout(500)
    expect(drops(book)).to.have.length(1)
  })

  it('takes nobody new when it is full, and those who are in it again', () => {
    const book = new AdmissionBook(1)
    expect(book.onAdmitted('a', {}, 1_000, 0)).to.equal(true)
    expect(book.onAdmitted('b', {}, 1_000, 0)).to.equal(false)
    expect(book.onAdmitted('a', {}, 2_000, 0)).to.equal(true)
    expect(book.onAdmitted('b', {}, 3_000, 2_000)).to.equal(true)
  })
})
