import { expect } from 'chai'
import fc from 'fast-check'
import { END_TOKEN, learnMerges, splitPieces, Tokenizer } from '../src/tokenizer.ts'

const TEXT = 'the whale, the white whale: there she blows! there -- there'.repeat(3)

describe('Tokenizer', () => {
  const tokenizer = new Tokenizer(learnMerges(TEXT, 280))

  it('gives back every text that it took', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), text => tokenizer.decode(tokenizer.encode(text)) === text))
  })

  it('says the same of mixtures of words it knows', () => {
    const words = fc.array(fc.constantFrom('the', ' whale', '\n\n', '  ', '\'s', ' white', '1851', 'é', '…', '🐋'))
    fc.assert(fc.property(words, parts => tokenizer.decode(tokenizer.encode(parts.join(''))) === parts.join('')))
  })

  it('joins what is frequent', () => {
    expect(tokenizer.encode(' the whale')).to.have.length.below(5)
    expect(tokenizer.encode('xyzzy')).to.have.length(5)
  })

  it('learns the same merges from the same text', () => {
    expect(learnMerges(TEXT, 280)).to.deep.equal(learnMerges(TEXT, 280))
  })

  it('stops learning when no pair is left', () => {
    expect(learnMerges('ab', 1024)).to.deep.equal([[97, 98]])
  })

  it('cuts a text into pieces of at most 100 bytes, whatever it is', () => {
    for (const text of ['a'.repeat(5_000), '🐋'.repeat(500), '\n'.repeat(999), ' '.repeat(999), '9'.repeat(999), '\u0000\u2028'.repeat(99)]) {
      const pieces = [...splitPieces(text)]
      expect(Math.max(...pieces.map(piece => piece.length))).to.be.at.most(100)
      expect(Buffer.concat(pieces).toString()).to.equal(text)
    }
  })

  it('puts U+FFFD where bytes are no text', () => {
    expect(tokenizer.decode([0xe2, 0x82])).to.equal('\ufffd')
    expect(tokenizer.decode([0xff, 0x61])).to.equal('\ufffda')
  })

  it('has an end mark without text', () => {
    expect(tokenizer.decode([END_TOKEN, 0x61, END_TOKEN])).to.equal('a')
  })

  for (const [name, merge] of [['a token to come', [300, 1]], ['the end mark', [END_TOKEN, 1]], ['itself', [257, 1]]] as const) {
    it(`refuses a merge of ${name}`, () => {
      expect(() => new Tokenizer([merge])).to.throw(RangeError)
    })
  }

  it('refuses a token that it does not have', () => {
    expect(() => tokenizer.decode([5_000])).to.throw(RangeError)
  })
})
