import { expect } from 'chai'
import fc from 'fast-check'
import { SseParser } from '../src/index.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('SseParser', () => {
  const cases: Array<[string, string, string[]]> = [
    ['lines that end with LF', 'data: a\n\ndata: b\n\n', ['a', 'b']],
    ['lines that end with CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
    ['lines that end with CR', 'data: a\r\rdata: b\r\r', ['a', 'b']],
    ['data over several lines', 'data: a\ndata: b\ndata\n\n', ['a\nb\n']],
    ['comments and other fields', ': ping\nevent: x\nid: 1\nretry: 5\ndata: a\n\n: ping\n\n', ['a']],
    ['a value without a space, or with two', 'data:a\n\ndata:  a\n\n', ['a', ' a']],
    ['an event without its blank line, which does not count', 'data: a\n\ndata: b\n', ['a']],
    ['a byte order mark', '\ufeffdata: a\n\n', ['a']],
    ['an empty value', 'data:\n\n', ['']]
  ]
  for (const [name, text, expected] of cases) {
    it(`reads ${name}, however it is cut`, () => {
      expect(new SseParser().push(bytes(text))).to.deep.equal(expected)
      const parser = new SseParser()
      expect([...bytes(text)].flatMap(byte => parser.push(Uint8Array.of(byte)))).to.deep.equal(expected)
    })
  }

  it('reads any text, cut anywhere, also within a character', () => {
    const someTexts = fc.array(fc.string({ unit: 'grapheme' }).map(text => text.replace(/[\r\n\ufeff]/g, '')))
    fc.assert(fc.property(someTexts, fc.integer({ min: 1, max: 9 }), (texts, size) => {
      const wire = bytes(texts.map(text => `data: ${text}\r\n\r\n`).join(''))
      const parser = new SseParser()
      const events: string[] = []
      for (let from = 0; from < wire.length; from += size) {
        events.push(...parser.push(wire.slice(from, from + size)))
      }
      expect(events).to.deep.equal(texts)
    }))
  })

  it('refuses an event without end', () => {
    const parser = new SseParser({ maxEventChars: 100 })
    parser.push(bytes(`data: ${'x'.repeat(80)}\n`))
    expect(() => parser.push(bytes(`data: ${'x'.repeat(80)}\n`))).to.throw(RangeError)
  })
})
